"""The format of the state directory and of the keys in Redis: checked and migrated at each start.

Both carry a number. A newer newsdrop migrates what an older one wrote, once, after a copy of what
it changes; an older one refuses what a newer one wrote. Format 1 is everything that was written
before there was a number.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from worker.errors import ConfigError
from worker.escape import printable
from worker.logs import get_logger
from worker.settings import Settings
from worker.spool import redis_record
from worker.spool.layout import write_durably
from worker.spool.lockfile import hold_lock
from worker.spool.ownership import ID
from worker.store.connection import Client
from worker.store.server import get_format, set_format

logger = get_logger(__name__)

FORMAT = 2
"""Raised with each change that an older newsdrop could not read, and a step in _STEPS."""

FILE = "format"
"""The file in a state directory with its format."""

RESTORING = ".restore"
"""The folder in a state directory while `newsdrop restore` fills it."""

_LOCK = "format.lock"


def incomplete_restore(state_dir: Path) -> str:
    """Advice for a state directory that a restore did not fill to its end."""
    return (
        f"the state directory {printable(state_dir)} is not restored completely: wait for "
        "`newsdrop restore`, or if it was ended, move the directory away, delete newsdrop's "
        "keys in Redis and restore again"
    )


def check_files(state_dir: Path) -> None:
    """Raise ConfigError if a newer newsdrop wrote the state directory, or a restore into it has not
    ended."""
    if (state_dir / RESTORING).exists():
        raise ConfigError(incomplete_restore(state_dir))
    number = _read(state_dir)
    if number > FORMAT:
        raise ConfigError(
            f"the state directory {printable(state_dir)} has format {number} of a newer newsdrop, "
            f"and this one reads formats up to {FORMAT}: update newsdrop, or restore a backup"
        )


def check_redis(client: Client, stream: str) -> None:
    """Raise ConfigError if a newer newsdrop wrote the keys of `stream`. Raises Retryable."""
    number = get_format(client, stream)
    if number is not None and number > FORMAT:
        raise ConfigError(
            f"the keys of {printable(stream)} in Redis have format {number} of a newer newsdrop, "
            f"and this one reads up to {FORMAT}: update newsdrop, or choose another stream.name"
        )


def migrate_files(settings: Settings) -> None:
    """Bring the state directory to FORMAT, by one process; the others wait. Raises ConfigError."""
    state_dir = settings.state_dir
    if (state_dir / FILE).exists() and _read(state_dir) == FORMAT:
        return
    with hold_lock(state_dir / _LOCK):
        check_files(state_dir)
        before = _read(state_dir)
        for number in range(before + 1, FORMAT + 1):
            _migrate(state_dir, number)
        write_durably(state_dir / FILE, f"{FORMAT}\n".encode())


def mark_redis(client: Client, stream: str) -> None:
    """Record FORMAT in Redis. No step has changed a key yet. Raises Retryable."""
    if get_format(client, stream) != FORMAT:
        set_format(client, stream, FORMAT)


def _migrate(state_dir: Path, number: int) -> None:
    """Bring the state directory to format `number`: copy what the step changes, then change it. A
    copy that is there is of a migration that was interrupted, and stays."""
    name, step = _STEPS[number]
    path, copy = state_dir / name, state_dir / f"before-format-{number}" / name
    if not path.exists():
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    if not copy.exists():
        temporary = copy.with_name(f".{copy.name}.tmp")
        shutil.copy2(path, temporary)
        temporary.replace(copy)
    step(path)
    logger.info("state directory migrated", format=number, copy=printable(copy))


def _read(state_dir: Path) -> int:
    """The format of a state directory; that of a new one is FORMAT."""
    try:
        return int((state_dir / FILE).read_text("ascii"))
    except FileNotFoundError:
        return (
            1 if (state_dir / ID).exists() or (state_dir / redis_record.NAME).exists() else FORMAT
        )
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{printable(state_dir / FILE)} cannot be read: restore it, or write {FORMAT} "
            "into it if this version of newsdrop wrote the directory"
        ) from error


def _make_record_json(path: Path) -> None:
    """Format 2: the record of Redis is JSON; before, the run ID alone was in the file."""
    data = path.read_bytes()
    if not data.startswith(b"{"):
        record = redis_record.RedisRecord(data.decode("ascii", "replace").strip())
        redis_record.write(path.parent, record)


_STEPS: dict[int, tuple[str, Callable[[Path], None]]] = {2: (redis_record.NAME, _make_record_json)}
"""Format -> the file that the step to it changes, and the step. Each step may run twice."""
