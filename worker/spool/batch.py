"""Waiting batches, and holding one while it is worked on.

A batch is held by `flock` on its `lock` file: the kernel frees it when the holder dies. The file,
not the folder, is locked: NFS cannot lock a folder. Nothing here forks, so no child inherits a
lock.
"""

import errno
import os
import shutil
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import chain, zip_longest
from pathlib import Path
from typing import BinaryIO

from worker.errors import Reason, Rejected, SpoolUnavailable
from worker.settings.flock import closing_fd
from worker.spool import journal, lockfile, manifest
from worker.spool.claim import LOCK
from worker.spool.layout import (
    READ_REGULAR,
    Root,
    fsync_dir,
    is_batch,
    read_all,
    source_of,
    translate_errors,
    write_durably,
)

SUSPECTS_FILE = "aside"
"""A file in a batch with the numbers of the entries that are read last."""
POSTPONED_FILE = "behind"
"""A file that marks a batch which waits until no other does."""
_REMOVED = "removed-"


@dataclass(frozen=True, slots=True)
class WaitingBatch:
    """A batch in `work/`. `is_locked`: while a worker holds it (or a claimer fills it)."""

    root: Root
    name: str
    files: int
    is_locked: bool

    @property
    def source(self) -> str:
        return source_of(self.name)


def batch_names(root: Root) -> list[str]:
    """The batches in `root`, oldest first; none where the folder does not exist yet."""
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
        for name in batch_names(root):
            queues[source_of(name)].append((root, name))
    turns = zip_longest(*queues.values())
    return [pair for pair in chain.from_iterable(turns) if pair is not None]


def inspect_waiting(root: Root) -> Iterator[WaitingBatch]:
    """The batches in `root`, with the number of files that are really there."""
    for name in batch_names(root):
        folder = root.work / name
        try:
            names = os.listdir(folder)
            # Only copies need the manifest to be counted: there may be thousands of batches.
            packed = manifest.load(folder).entries if manifest.PACK in names else ()
            files = len(_present(names, packed) or [name for name in names if name.isdigit()])
        except (FileNotFoundError, SpoolUnavailable):
            if folder.exists():
                raise
            continue  # finished meanwhile
        yield WaitingBatch(root, name, files, is_locked=not is_free(folder))


def acquire(root: Root, name: str) -> "Batch | None":
    """Lock the batch; None where another process holds it or it is finished.

    Raises SpoolUnavailable.
    """
    folder = root.work / name
    with translate_errors(folder):
        try:
            fd = lockfile.try_lock(folder / LOCK, create=False)
        except FileNotFoundError:
            return None
        if fd is None:
            return None
    try:
        # Between open and lock another process may have finished and removed the batch.
        if not _is_same_file(fd, folder / LOCK):
            os.close(fd)
            return None
        lockfile.write_holder(fd)
        return Batch(root, name, fd)
    except BaseException:
        os.close(fd)
        raise


def is_free(folder: Path) -> bool:
    """True if no living process holds the batch in `folder`."""
    return lockfile.is_free(folder / LOCK)


def is_postponed(root: Root, name: str) -> bool:
    """Whether the batch waits until no other does."""
    return (root.work / name / POSTPONED_FILE).exists()


def delete_removed(root: Root) -> None:
    """Delete the files of removed batches. Before that their removal is synced, once for many (4 ms
    each): a power cut could bring one back into `work/` without its files. Raises
    SpoolUnavailable."""
    with translate_errors(root.staging), suppress(FileNotFoundError):
        removed = [name for name in os.listdir(root.staging) if name.startswith(_REMOVED)]
        if removed:
            fsync_dir(root.work)
        for name in removed:
            shutil.rmtree(root.staging / name, ignore_errors=True)  # another process may do it, too


class Batch:
    """A batch held by this process; leaving the context releases it."""

    def __init__(self, root: Root, name: str, lock: int) -> None:
        self.root = root
        self.name = name
        self.folder = root.work / name
        self._lock = lock
        self.manifest = manifest.load(self.folder)
        self._entries = {entry.number: entry for entry in self.manifest.entries}
        self._pack: int | None = None
        with translate_errors(self.folder):
            self.progress = journal.read(self.folder)
            self.journal = journal.Journal(self.folder)

    def __enter__(self) -> "Batch":
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        # An error is not a crash: the entry did not end this process. Memory that ran out
        # is one: the same entry would use it up again, without end.
        if kind is None or not issubclass(kind, MemoryError):
            with suppress(SpoolUnavailable):
                self.journal.start(None)
        self.journal.close()
        if self._pack is not None:
            os.close(self._pack)
        os.close(self._lock)

    def entries(self) -> list[manifest.Entry]:
        """The entries that are present: a claimer may have died before the rest."""
        with translate_errors(self.folder):
            return _present(os.listdir(self.folder), self.manifest.entries)

    def mark_suspect(self, entry: int) -> None:
        """Record that an entry may end a process: it is read last from now on."""
        with translate_errors(self.folder), (self.folder / SUSPECTS_FILE).open("a") as file:
            file.write(f"{entry}\n")

    def suspects(self) -> frozenset[int]:
        try:
            text = (self.folder / SUSPECTS_FILE).read_text()
        except OSError:
            return frozenset()
        return frozenset(int(line) for line in text.split() if line.isdecimal())

    def postpone(self) -> None:
        """Let the batch wait until no other does: what is left of it may end a process."""
        with translate_errors(self.folder):
            (self.folder / POSTPONED_FILE).touch()

    def remove(self) -> None:
        """Remove the batch from `work/`: everything in it is in the archive or quarantine."""
        with translate_errors(self.folder):
            self.folder.rename(self.root.staging / f"{_REMOVED}{self.name}")

    def size(self, entry: int) -> int:
        """An entry's size in bytes. Raises OSError where it is gone."""
        packed = self._entries[entry]
        return packed.size if packed.offset is not None else self._path(entry).lstat().st_size

    def file(self, entry: int) -> Path:
        """An entry as a file of its own, of any kind; a packed entry is written to one."""
        path = self._path(entry)
        if self._entries[entry].offset is not None:
            with translate_errors(self.folder):
                write_durably(path, self._read_packed(entry))
        return path

    def open(self, entry: int) -> BinaryIO:
        """An entry as a file of any length, which is a regular one. Raises SpoolUnavailable."""
        with translate_errors(self.folder):
            if self._entries[entry].offset is not None:
                return BytesIO(self._read_packed(entry))
            return os.fdopen(os.open(self._path(entry), READ_REGULAR), "rb", buffering=0)

    def content(self, entry: int) -> bytes:
        """The bytes of an entry that is a regular file, of any length. Raises OSError."""
        if self._entries[entry].offset is not None:
            return self._read_packed(entry)
        return self._path(entry).read_bytes()

    def read(self, entry: int, limit: int) -> bytes:
        """The bytes of an entry, at most `limit`.

        Never follows a link or waits at a FIFO. Raises Rejected for what is not a regular file,
        cannot be opened or is too large, SpoolUnavailable where the disk fails.
        """
        if self._entries[entry].offset is not None:
            _check_size(self._entries[entry].size, limit)
            with translate_errors(self.folder):
                return self._read_packed(entry)
        try:
            fd = os.open(self._path(entry), READ_REGULAR)
        except PermissionError as error:
            raise Rejected(
                Reason.UNREADABLE, "the file may not be read: give the worker read rights to it"
            ) from error
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.ELOOP):  # a socket or FIFO; a symbolic link
                raise _not_regular() from error
            raise SpoolUnavailable(
                f"entry {entry} of batch {self.name} is not readable: check the disk"
            ) from error
        with closing_fd(fd), translate_errors(self.folder):
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise _not_regular()
            _check_size(status.st_size, limit)
            return read_all(fd, status.st_size)

    def _path(self, entry: int) -> Path:
        return self.folder / str(entry)

    def _read_packed(self, entry: int) -> bytes:
        packed = self._entries[entry]
        assert packed.offset is not None
        if self._pack is None:
            self._pack = os.open(self.folder / manifest.PACK, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(self._pack, packed.size, packed.offset)  # below 2 GB: one call is enough


def _present(
    present_names: Sequence[str], entries: Sequence[manifest.Entry]
) -> list[manifest.Entry]:
    """The entries whose files are in the batch's folder; the pack is there whole or not at all."""
    names = set(present_names)
    return [
        entry
        for entry in entries
        if (str(entry.number) if entry.offset is None else manifest.PACK) in names
    ]


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise Rejected(
            Reason.TOO_LARGE,
            f"the file has {size:,} bytes, more than limits.file_mb allows: "
            "split it, or raise the limit",
        )


def _not_regular() -> Rejected:
    return Rejected(
        Reason.NOT_A_FILE,
        "this is not a regular file (a link, FIFO or device): drop the file itself",
    )


def _is_same_file(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False
