"""Where the spool keeps what: roots, batch names, and syncing a folder."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.settings import Folder, Settings
from worker.spool import registry
from worker.spool.filenames import SPOOL


@dataclass(frozen=True, slots=True)
class Root:
    """One spool folder. `source` is the drop folder it belongs to, None for what is enqueued and
    for a folder that is a drop folder no more."""

    path: Path
    source: str | None

    @property
    def work(self) -> Path:
        return self.path / "work"

    @property
    def staging(self) -> Path:
        return self.path / "staging"

    def prepare(self) -> None:
        """Make the folders. Raises SpoolUnavailable."""
        with translated(self.path):
            for folder in (self.path, self.work, self.staging):
                folder.mkdir(mode=0o770, parents=True, exist_ok=True)


def roots(settings: Settings) -> tuple[Root, ...]:
    """Every place where batches may wait: each drop folder's (one that is read in place has
    none), those of folders that were one before, and the one for what is copied."""
    taken = (folder for folder in settings.all_folders() if folder.mode == "take")
    of_folders = {_plain(root.path): root for root in map(_of_folder, taken)}
    before = (path for path in registry.usable(settings.state_dir) if path not in of_folders)
    return (*of_folders.values(), *(Root(path, None) for path in before), manual_root(settings))


def _of_folder(folder: Folder) -> Root:
    return Root(folder.path / SPOOL, folder.name)


def _plain(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  resolve() would follow links


def manual_root(settings: Settings) -> Root:
    """Where what is copied waits: what is enqueued, and what is read in place."""
    return Root(settings.state_dir / "spool", None)


def notes_dir(settings: Settings, folder: Folder) -> Path:
    """Where it is noted what the last look at a folder did: beside its spool; of one that is read
    in place, in the state directory."""
    if folder.in_place:
        return settings.state_dir / "in-place" / folder.name
    return _of_folder(folder).path


def batch_name(now: datetime, source: str) -> str:
    """A new batch's name, sorted by time: `20211126T122604.000001-a1b2c3d4-<source>`, UTC."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%f")
    return f"{stamp}-{secrets.token_hex(4)}-{source}"


def source_of(batch: str) -> str:
    """The source in a batch's name."""
    return batch.split("-", 2)[2]


def day_of(batch: str) -> str:
    """The UTC day in a batch's name, `YYYYMMDD`."""
    return batch[:8]


def time_of(batch: str) -> datetime:
    """When the batch was made, UTC. Raises ValueError where `batch` is the name of none."""
    if batch[15:16] != "." or not batch[16:22].isdecimal():
        raise ValueError("this is not the name of a batch")
    # Not strptime, which takes 40 times as long: thousands of batches may be listed each second.
    return datetime.fromisoformat(batch[:22]).replace(tzinfo=UTC)


def is_batch(name: str) -> bool:
    """True for names made by :func:`batch_name`; anything else in `work/` is not ours."""
    try:
        time_of(name)
    except ValueError:
        return False
    return name.count("-") >= 2


def fsync_dir(path: Path) -> None:
    """Make renames in `path` durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_durably(path: Path, data: bytes) -> None:
    """Write `path` whole or not at all, and be sure of it."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o660)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_all(fd: int, size: int) -> bytes:
    """The next `size` bytes of a file; fewer where it was cut meanwhile."""
    parts = []
    while size > 0 and (part := os.read(fd, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn an OSError at `path` into SpoolUnavailable: the world is bad, not the input."""
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SpoolUnavailable(
            f"{printable(path)} cannot be used: {why}; "
            "check the disk's space and the folder's rights: work resumes by itself"
        ) from error
