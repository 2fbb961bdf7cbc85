"""Taking batches: which wait, and holding one while it is worked on.

A batch is held by `flock` on its `lock` file: the kernel frees it when the holder dies. The
file, not the folder, is locked: a folder cannot be over NFS. Nothing here forks, so no child
inherits a lock.
"""

import fcntl
import os
import shutil
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from worker.errors import Reason, Rejected, SpoolUnavailable
from worker.spool import journal, lockfile, manifest
from worker.spool.claim import LOCK
from worker.spool.layout import (
    Root,
    is_batch,
    read_all,
    source_of,
    translated,
    write_durably,
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A batch in `work/`. `locked` is true while a worker holds it (or a claimer fills it)."""

    root: Root
    name: str
    files: int
    locked: bool

    @property
    def source(self) -> str:
        return source_of(self.name)


def names(root: Root) -> list[str]:
    """The batches in `root`, oldest first; none where there is no such folder yet."""
    try:
        return sorted(name for name in os.listdir(root.work) if is_batch(name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SpoolUnavailable(
            f"the spool folder {root.work} cannot be listed: check its rights"
        ) from error


def fair_order(roots: Sequence[Root]) -> list[tuple[Root, str]]:
    """All batches, each source's oldest first, the sources taking turns."""
    queues: defaultdict[str, list[tuple[Root, str]]] = defaultdict(list)
    for root in roots:
        for name in names(root):
            queues[source_of(name)].append((root, name))
    turns = zip_longest(*queues.values())
    return [pair for pair in chain.from_iterable(turns) if pair is not None]


def look(root: Root) -> Iterator[Waiting]:
    """What waits in `root`, with its number of files and whether somebody holds it."""
    for name in names(root):
        folder = root.work / name
        try:
            found = os.listdir(folder)
            # Only copies need the manifest to be counted: thousands of batches may be listed.
            packed = manifest.load(folder).entries if manifest.PACK in found else ()
            files = len(_here(found, packed) or [name for name in found if name.isdigit()])
        except (FileNotFoundError, SpoolUnavailable):
            if folder.exists():
                raise
            continue  # finished meanwhile
        yield Waiting(root, name, files, locked=not is_free(folder))


def take(root: Root, name: str) -> "Batch | None":
    """Hold the batch, or None where somebody else does or it is finished.

    Raises SpoolUnavailable.
    """
    folder = root.work / name
    with translated(folder):
        try:
            fd = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        # Between open and lock another may have finished and removed the batch: the lock held
        # must be the one that is there now.
        held = False
        try:
            held = _lock(fd, fcntl.LOCK_EX) and _same(fd, folder / LOCK)
        finally:
            if not held:
                os.close(fd)
        if not held:
            return None
    lockfile.note(fd)
    try:
        return Batch(root, name, fd)
    except BaseException:
        os.close(fd)
        raise


def is_free(folder: Path) -> bool:
    """True if no living process holds the batch in `folder`."""
    return lockfile.is_free(folder / LOCK)


class Batch:
    """A batch held by this process; close it to let go."""

    def __init__(self, root: Root, name: str, lock: int) -> None:
        self.root = root
        self.name = name
        self.folder = root.work / name
        self._lock = lock
        self.manifest = manifest.load(self.folder)
        self._entries = {entry.number: entry for entry in self.manifest.entries}
        self._pack: int | None = None
        with translated(self.folder):
            self.progress = journal.read(self.folder)
            self.journal = journal.Journal(self.folder)

    def __enter__(self) -> "Batch":
        return self

    def __exit__(self, *_: object) -> None:
        # An error is no death: what was in hand did not kill this process.
        with suppress(OSError):
            self.journal.hand(None)
        self.journal.close()
        if self._pack is not None:
            os.close(self._pack)
        os.close(self._lock)

    def entries(self) -> list[manifest.Entry]:
        """The entries that are here: a claimer may have died, or come second, before the rest."""
        with translated(self.folder):
            return _here(os.listdir(self.folder), self.manifest.entries)

    def remove(self) -> None:
        """Take the batch out of `work/`: everything in it is in the archive or quarantine."""
        gone = self.root.staging / self.name
        with translated(self.folder):
            self.folder.rename(gone)
            shutil.rmtree(gone)

    def size(self, entry: int) -> int:
        """The bytes of an entry, in number. Raises OSError where it is gone."""
        about = self._entries[entry]
        return about.size if about.offset is not None else self._path(entry).lstat().st_size

    def file(self, entry: int) -> Path:
        """An entry as a file of its own, whatever kind of file it is; the pack gives it out."""
        path = self._path(entry)
        if self._entries[entry].offset is not None:
            with translated(self.folder):
                write_durably(path, self._packed(entry))
        return path

    def content(self, entry: int) -> bytes:
        """The bytes of an entry that is a regular file, of any length. Raises OSError."""
        if self._entries[entry].offset is not None:
            return self._packed(entry)
        return self._path(entry).read_bytes()

    def read(self, entry: int, limit: int) -> bytes:
        """The bytes of an entry, at most `limit`.

        Never follows a link or waits at a FIFO. Raises Rejected for what is no regular file,
        cannot be opened or is too large, SpoolUnavailable where the disk fails.
        """
        if self._entries[entry].offset is not None:
            _check_size(self._entries[entry].size, limit)
            with translated(self.folder):
                return self._packed(entry)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            fd = os.open(self._path(entry), flags)
        except PermissionError as error:
            raise Rejected(
                Reason.UNREADABLE, "the file may not be read: give the worker read rights to it"
            ) from error
        except OSError as error:
            if error.errno in _NOT_A_FILE:
                raise _no_file() from error
            raise SpoolUnavailable(
                f"entry {entry} of batch {self.name} is not readable: check the disk"
            ) from error
        with translated(self.folder), closing_fd(fd):
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise _no_file()
            _check_size(status.st_size, limit)
            return read_all(fd, status.st_size)

    def _path(self, entry: int) -> Path:
        return self.folder / str(entry)

    def _packed(self, entry: int) -> bytes:
        about = self._entries[entry]
        assert about.offset is not None
        if self._pack is None:
            self._pack = os.open(self.folder / manifest.PACK, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(self._pack, about.size, about.offset)  # below 2 GB: it comes in one piece


@contextmanager
def closing_fd(fd: int) -> Iterator[None]:
    """Close the descriptor at the end, whatever kind of file it is."""
    try:
        yield
    finally:
        os.close(fd)


_NOT_A_FILE = {6, 40}  # ENXIO: a socket or a FIFO without reader; ELOOP: a symbolic link


def _here(found: Sequence[str], entries: Sequence[manifest.Entry]) -> list[manifest.Entry]:
    """The entries that have come, by the names in the batch's folder: a pack comes whole."""
    names = set(found)
    return [
        one for one in entries if str(one.number if one.offset is None else manifest.PACK) in names
    ]


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise Rejected(
            Reason.TOO_LARGE,
            f"the file has {size:,} bytes, more than limits.file_mb allows: "
            "split it, or raise the limit",
        )


def _no_file() -> Rejected:
    return Rejected(
        Reason.NOT_A_FILE, "this is no regular file (a link, FIFO or device): drop the file itself"
    )


def _lock(fd: int, kind: int) -> bool:
    """False where somebody else has the lock. Raises OSError where there can be none."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False
