"""Backups: the state directory and newsdrop's keys in Redis as one file, and the way back.

The file is a tar archive, compressed by zstd: `backup.json`, `redis.jsonl`, `state/…`, `end`. The
order makes a backup beside a running service consistent. Redis comes first, so the archive's copy
has every article that Redis' copy lacks, and `restore` publishes it again. Then, as work flows:
files to be accepted, the list of accepted batches, waiting batches, the archive, the quarantine. A
batch that moves on meanwhile is in one copy or in both; in both it is finished without harm.
"""

import errno
import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile

import orjson
import zstandard

from worker import __version__
from worker.errors import AlreadyThere, ConfigError, NewsdropError, SpoolUnavailable, UsageError
from worker.escape import printable
from worker.health.data_format import RESTORING, check_files, incomplete_restore
from worker.model.times import rfc3339
from worker.pipeline.context import open_context
from worker.pipeline.replay import replay
from worker.queries.audit import Audit, audit
from worker.service.lock import holder
from worker.service.running_server import running_server
from worker.service.state import StateDir
from worker.settings import Settings
from worker.spool import redis_record
from worker.spool.batch import batch_names
from worker.spool.disk_errors import disk_failure
from worker.spool.layout import SPOOL, manual_root, new_file, roots
from worker.store.broker import ENQUEUE_QUEUE, queue_name
from worker.store.connection import Client
from worker.store.dump import delete_keys, dump_keys, has_keys, load_keys

_HEAD, _REDIS, _STATE, _END = "backup.json", "redis.jsonl", "state/", "end"
_LEVEL = 1  # most of it is compressed already

_FIRST = ("accepted",)
_LAST = ("archive", "quarantine", "discarded")
_LEFT_OUT = ("run", "server", "log", "search", "in-place", "spool", "volumes.json", RESTORING)
"""What exists only while `up` runs, Redis' own files, the search index (it is built again), the
ledgers (folders read in place are read again, and their articles recognized), and what is known of
this machine's volumes. Batches in `spool` are copied like those of drop folders."""


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """A backup that was written. `bytes` is the size of the file."""

    file: str
    files: int
    keys: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RestoreSummary:
    """A restored backup, made `at` (RFC 3339, UTC). `published` are the articles that the
    archive had and Redis lacked."""

    at: str
    files: int
    keys: int
    published: int
    audit: Audit


def create_backup(settings: Settings, path: Path, now: datetime) -> BackupSummary:
    """Write a backup to the new file `path`, complete or not at all; only its owner may read it.

    Raises UsageError, ConfigError, Retryable.
    """
    state_dir = settings.state_dir
    if not state_dir.is_dir():
        raise UsageError(f"there is no state directory {printable(state_dir)}: nothing to back up")
    with (
        new_file(path) as file,
        zstandard.ZstdCompressor(_LEVEL).stream_writer(file, closefd=False) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        head = {"at": rfc3339(now), "newsdrop": __version__, "stream": settings.stream.name}
        _add_bytes(tar, _HEAD, orjson.dumps(head))
        keys = _add_redis(tar, settings, path.parent)
        files = sum(_add(tar, name, source) for name, source in _files(settings))
        _add_bytes(tar, _END, b"")
    return BackupSummary(str(path), files, keys, path.stat().st_size)


def restore_backup(settings: Settings, path: Path) -> RestoreSummary:
    """Restore a backup into an empty state directory and a Redis without newsdrop's keys.

    Files in drop folders below the state directory may be there. If the file or Redis fails,
    nothing is left; if it is ended after that, no service starts on the part that is there. Raises
    UsageError, ConfigError, Retryable.
    """
    state = StateDir(settings.state_dir)
    _refuse(settings, state)
    state.prepare()
    work = state.path / RESTORING
    with running_server(settings, "restore") as client:
        if has_keys(client, settings.stream.name):
            raise AlreadyThere(
                "Redis has keys of newsdrop already: delete them, or choose another database in "
                "redis.url"
            )
        try:
            (work / _STATE).mkdir(parents=True)
            head, files = _extract(path, work)
            if head["stream"] != (stream := settings.stream.name):
                raise UsageError(
                    f"the backup is of the stream {printable(head['stream'], 80)}: choose that as "
                    f"stream.name in place of {printable(stream, 80)}, and another Redis database "
                    "where it is in use"
                )
            check_files(work / _STATE)
            keys = _load_redis(settings, client, work)
            if keys is None:
                raise _incomplete(path)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        try:
            for child in (work / _STATE).iterdir():
                _merge(child, state.path / child.name)
            (state.path / redis_record.NAME).unlink(missing_ok=True)  # it is of another server
            published = _publish_again(settings, datetime.fromisoformat(head["at"]))
        except (NewsdropError, OSError) as error:
            raise ConfigError(f"{error}\n{incomplete_restore(state.path)}") from error
        shutil.rmtree(work, ignore_errors=True)
        return RestoreSummary(head["at"], files, keys, published, audit(settings))


def _refuse(settings: Settings, state: StateDir) -> None:
    if holder(state) is not None:
        raise UsageError(
            f"newsdrop runs on {printable(state.path)}: stop it with `newsdrop down`, and restore "
            "into an empty state directory"
        )
    drops = {folder.path.absolute() for folder in settings.all_folders()}
    ours = {state.run, state.server, state.logs}
    others = [path for path in state.path.glob("*") if path not in drops | ours]
    if others:
        raise UsageError(
            f"the state directory {printable(state.path)} is not empty: move it away, or choose "
            "another with NEWSDROP_STATE_DIR"
        )


def _queues(settings: Settings, state_dir: Path) -> list[str]:
    """The queues that a backup has: those of a broker of its own are not in Redis' keys."""
    return [] if settings.celery.broker_url else [queue_name(ENQUEUE_QUEUE, state_dir)]


def _load_redis(settings: Settings, client: Client, folder: Path) -> int | None:
    """Write the dumped keys, all or none; returns their number, None where they are damaged."""
    stream, queues = settings.stream.name, _queues(settings, folder / _STATE)
    keys = None
    try:
        with (folder / _REDIS).open("rb") as lines:
            keys = load_keys(client, stream, queues, lines, f"{ENQUEUE_QUEUE}.")
    finally:
        if keys is None:
            shutil.rmtree(folder, ignore_errors=True)  # room for a server whose disk is full
            delete_keys(client, stream, queues)
    return keys


def _add_redis(tar: tarfile.TarFile, settings: Settings, folder: Path) -> int:
    with TemporaryFile(dir=folder) as dump, running_server(settings) as client:
        queues = _queues(settings, settings.state_dir)
        keys = dump_keys(client, settings.stream.name, queues, dump.write)
        info = tarfile.TarInfo(_REDIS)
        info.size = dump.tell()
        dump.seek(0)
        tar.addfile(info, dump)
    return keys


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    """(name below `state/`, file) in the order that the module's docstring explains."""
    top = sorted(path.name for path in settings.state_dir.iterdir())
    middle = [name for name in top if name not in (*_FIRST, *_LAST, *_LEFT_OUT)]
    for name in (*middle, *_FIRST):
        yield from _below(settings.state_dir / name, name)
    for root in roots(settings):
        for batch in batch_names(root):
            yield from _below(root.work / batch, f"spool/work/{batch}")
    for name in _LAST:
        yield from _below(settings.state_dir / name, name)


def _below(path: Path, name: str) -> Iterator[tuple[str, Path]]:
    """The regular files at or below `path`, except spools, with their names."""
    if path.is_symlink() or path.name == SPOOL:
        return
    if path.is_file():
        yield name, path
        return
    with suppress(FileNotFoundError, NotADirectoryError):  # no folder, or it is gone meanwhile
        for child in sorted(path.iterdir()):
            yield from _below(child, f"{name}/{child.name}")


def _add(tar: tarfile.TarFile, name: str, path: Path) -> int:
    """Add a file; nothing if it is gone meanwhile. Returns the number of files."""
    try:
        with path.open("rb") as file:
            tar.addfile(tar.gettarinfo(arcname=_STATE + name, fileobj=file), file)
    except FileNotFoundError:
        return 0
    return 1


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def _extract(path: Path, folder: Path) -> tuple[dict[str, str], int]:
    """Unpack into `folder`; returns the head and the number of files. Raises UsageError."""
    names = []
    try:
        with (
            path.open("rb") as file,
            zstandard.ZstdDecompressor().stream_reader(file) as plain,
            tarfile.open(fileobj=plain, mode="r|") as tar,
        ):
            for member in tar:
                _unpack(tar, member, folder)
                names.append(member.name)
        head: dict[str, str] = orjson.loads((folder / _HEAD).read_bytes())
        head = {"at": rfc3339(datetime.fromisoformat(head["at"])), "stream": str(head["stream"])}
        (folder / _REDIS).open("rb").close()
    except (
        tarfile.TarError,
        zstandard.ZstdError,
        ValueError,
        TypeError,
        LookupError,
        FileNotFoundError,
    ) as error:
        if not path.exists():
            raise UsageError(f"there is no file {printable(path)}") from error
        names = []
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):  # of where it is unpacked
            raise disk_failure(error, folder.parent, is_command=True) from error
        raise SpoolUnavailable(
            f"{printable(path)} cannot be restored: {error.strerror}; correct it and try again"
        ) from error
    if names[-1:] != [_END]:
        raise _incomplete(path)
    return head, len(names) - 3


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write a regular file below `folder`, with its mode and time. tarfile's filters do the same,
    but Python 3.11.0 to 3.11.3 (Debian 12 has 3.11.2) has none."""
    source, path = tar.extractfile(member), folder / member.name
    if source is None or not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(member.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        shutil.copyfileobj(source, target)
    path.chmod(member.mode & 0o755 | 0o600)
    os.utime(path, (member.mtime, member.mtime))


def _incomplete(path: Path) -> UsageError:
    return UsageError(f"{printable(path)} is not a complete backup: use another one")


def _merge(source: Path, target: Path) -> None:
    """Move a file or folder; into a folder that exists its content, over nothing that is there."""
    if target.is_dir() and source.is_dir():
        for inner in source.iterdir():
            _merge(inner, target / inner.name)
    elif not target.exists():
        source.rename(target)


def _publish_again(settings: Settings, since: datetime) -> int:
    """Publish what was archived while the backup was made; returns the number of articles."""
    deps = open_context(settings).deps
    manual_root(settings).prepare()
    return sum(
        replay(segment, deps)
        for segment in deps.archive.segments()
        if datetime.fromisoformat(segment.head().archived_at) >= since
    )
