"""The places of the spool's files: roots, batch names, durable writes."""

import errno
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

from worker.errors import AlreadyThere, SpoolUnavailable, UsageError
from worker.escape import printable
from worker.settings import Folder, Settings
from worker.settings.flock import closing_fd
from worker.spool.disk_errors import disk_failure

SPOOL = ".newsdrop"
"""newsdrop's own folder inside a drop folder."""

ROOT_LIST = "spools"
"""Every drop folder's root that was ever used, one JSON string a line: a drop folder can leave the
configuration, or be named for one `up` only, while accepted batches wait in it."""

_WRITES = 3  # tries
READ_REGULAR = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Opens a file for reading without following a link or waiting at a FIFO."""


@dataclass(frozen=True, slots=True)
class Root:
    """One spool folder. `source` is the drop folder it belongs to; None for enqueued files, and for
    a drop folder that left the configuration."""

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
        with translate_errors(self.path):
            for folder in (self.path, self.work, self.staging):
                make_folder(folder)


def roots(settings: Settings) -> tuple[Root, ...]:
    """Every place where batches may wait: the roots of the drop folders (a folder that is read in
    place has none), those of former drop folders, and the one for copies."""
    drop_folders = (folder for folder in settings.all_folders() if folder.mode == "take")
    current = {_absolute(root.path): root for root in map(_root_of, drop_folders)}
    former = [
        Root(path, None)
        for path in registered_roots(settings.state_dir)
        # A root that was removed or unmounted cannot be worked in.
        if path not in current and os.access(path / "work", os.R_OK | os.W_OK | os.X_OK)
    ]
    return (*current.values(), *former, manual_root(settings))


def manual_root(settings: Settings) -> Root:
    """The folder where copies wait: enqueued files, and files that are read in place."""
    return Root(settings.state_dir / "spool", None)


def partial_dir(settings: Settings) -> Path:
    """The folder of large objects while they are read: on the file system of their batches."""
    return manual_root(settings).path / "partial"


def notes_dir(settings: Settings, folder: Folder) -> Path:
    """The place of the notes about a folder's last scan: beside its spool; in the state directory
    for a folder that is read in place."""
    if folder.in_place:
        return settings.state_dir / "in-place" / folder.name
    return _root_of(folder).path


@cache
def register_root(state_dir: Path, root: Path) -> None:
    """Add `root` to the list of roots, durably; checked once a process. Raises OSError."""
    if root in registered_roots(state_dir):
        return
    append_line(state_dir / ROOT_LIST, json.dumps(str(_absolute(root))), is_synced=True)
    fsync_dir(state_dir)


def registered_roots(state_dir: Path) -> tuple[Path, ...]:
    """All registered roots, in order; a line that was cut off is skipped."""
    paths: dict[Path, None] = {}
    try:
        lines = (state_dir / ROOT_LIST).read_text("utf-8", "replace").splitlines()
    except OSError:
        return ()
    for line in lines:
        try:
            path = json.loads(line)
        except ValueError:
            continue
        if isinstance(path, str):
            paths[Path(path)] = None
    return tuple(paths)


def _root_of(folder: Folder) -> Root:
    return Root(folder.path / SPOOL, folder.name)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  resolve() would follow links


def batch_name(now: datetime, source: str) -> str:
    """A new batch's name, sorted by time: `20211126T122604.000001-a1b2c3d4-<source>`, UTC."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%f")
    return f"{stamp}-{secrets.token_hex(4)}-{source}"


def source_of(batch: str) -> str:
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


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, durably: what is synced into it is lost
    with its name where a power cut takes that. Raises OSError."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(mode=0o770, exist_ok=True)
    fsync_dir(path.parent)


def fsync_dir(path: Path) -> None:
    """Make renames in `path` durable."""
    fsync_file(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def fsync_file(path: str | Path, flags: int = READ_REGULAR) -> None:
    """Write a file's bytes to the disk."""
    with closing_fd(os.open(path, flags)) as fd:
        os.fsync(fd)


def write_durably(path: Path, data: bytes | Iterable[bytes], *, mode: int = 0o660) -> None:
    """Write `path` whole or not at all, and be sure of it; `data` may come in parts."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        write_synced(temporary, data, mode)
        temporary.rename(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename = str(path)  # a full disk has no name
        raise


def write_synced(path: Path, data: bytes | Iterable[bytes], mode: int = 0o660) -> None:
    """Write the new file `path`, which nobody reads before this returns."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "wb") as file:
        file.writelines((data,) if isinstance(data, bytes) else data)
        file.flush()
        os.fsync(file.fileno())


def append_line(path: Path, line: str, *, is_synced: bool = False) -> None:
    """Append a line in one write, which is safe among processes. One that is cut short is written
    again: a torn line stays a line of its own. Raises OSError."""
    data = f"\n{line}\n".encode()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    with closing_fd(os.open(path, flags, 0o660)) as fd:
        if not any(os.write(fd, data) == len(data) for _ in range(_WRITES)):
            raise OSError(errno.EIO, "a line was cut short again and again", str(path))
        if is_synced:
            os.fsync(fd)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Write the new file `path`, complete or not at all, and durably; only its owner may read it.
    Raises AlreadyThere, UsageError where its folder is missing, SpoolUnavailable."""
    if path.exists():
        raise AlreadyThere(f"{printable(path)} exists: name a new file")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {printable(path.parent)}: create it, or name another")
    with translate_errors(path, is_command=True):  # a name that nobody else can have made
        descriptor, name = mkstemp(".tmp", ".newsdrop-", path.parent)
    temporary = Path(name)
    try:
        with translate_errors(path, is_command=True), os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_all(fd: int, size: int) -> bytes:
    """The next `size` bytes of a file; fewer where it was cut meanwhile."""
    parts = []
    while size > 0 and (part := os.read(fd, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


@contextmanager
def translate_errors(path: Path, *, is_command: bool = False) -> Iterator[None]:
    """Turn an OSError at `path`, or at the file that it names, into SpoolUnavailable: a Retryable
    failure, not a bad input. `is_command`: a person repeats the work, not the service."""
    try:
        yield
    except OSError as error:
        raise disk_failure(error, path, is_command=is_command) from error


@dataclass(slots=True)
class Removals:
    """The number of removals that worked, and the first that did not: one must not stop those
    behind it, which free the disk."""

    count: int = 0
    failure: SpoolUnavailable | None = None

    def remove(self, path: Path, action: Callable[[Path], object]) -> None:
        """Remove `path` by `action`, unless it is gone."""
        try:
            with translate_errors(path):
                action(path)
            self.count += 1
        except SpoolUnavailable as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                self.failure = self.failure or error
