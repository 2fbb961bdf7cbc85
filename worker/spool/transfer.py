"""Moving or copying files that were found into a batch.

A file is transferred from the folder that was opened for it, and only if it is the file that was
examined. One that cannot be transferred stays where it is and does not block the others.
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from worker.model.frozen import dataclass
from worker.settings.flock import closing_fd
from worker.spool import manifest
from worker.spool.layout import READ_REGULAR, read_all
from worker.spool.open_folder import FolderOpener

PACKED_BYTES = 1_000_000
"""A larger copy is a file of its own: nothing larger is held in memory."""

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to claim: where it is, and its path; `origin` if it was fetched.

    With `top` the path is below that folder, and no link on the way is followed. `inode` is the
    device and inode of the file that was examined: another file under its name is not claimed.
    """

    location: str
    path: str
    size: int = 0
    origin: manifest.Origin | None = None
    top: str = ""
    inode: tuple[int, int] | None = None

    def split_location(self) -> tuple[str, str, str]:
        """(folder that may be reached by links, folder below it, file name)."""
        if not self.top:
            folder, name = os.path.split(self.location)
            return folder or ".", "", name
        folder, _, name = self.path.rpartition("/")
        return self.top, folder, name

    def is_same(self, status: os.stat_result) -> bool:
        """Whether `status` is of the file that was examined."""
        return self.inode is None or self.inode == inode_of(status)


OnSkipped = Callable[[Candidate, str], None]
"""Receives a file that stays where it is, and why."""


def inode_of(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def move_files(
    candidates: Sequence[Candidate], batch: Path, on_skipped: OnSkipped | None
) -> list[int]:
    """Rename the candidates into `batch`, each named by its number; returns the numbers.

    Files that are gone are passed over. Without `on_skipped`, and where no file could be
    transferred (a full disk), OSError is raised.
    """
    moved = []
    with closing(FolderOpener()) as folders:
        for number, candidate in enumerate(candidates):
            with _skipping(candidate, "moved", on_skipped):
                if _move(candidate, batch / str(number), folders):
                    moved.append(number)
    return moved


def copy_files(
    candidates: Sequence[Candidate], batch: Path, on_skipped: OnSkipped | None
) -> Iterator[manifest.Entry]:
    """Copy the candidates, durably: small ones into the pack, each large one into a file.

    Passes over what is gone, unreadable or no regular file. Raises as :func:`move_files`.
    """
    with (
        closing(FolderOpener()) as folders,
        (batch / manifest.PACK).open("xb", buffering=PACKED_BYTES) as pack,
    ):
        offset = 0
        for number, candidate in enumerate(candidates):
            data: bytes | None = None
            is_large = False
            with (
                _skipping(candidate, "copied", on_skipped),
                _open_regular(candidate, folders) as (fd, size),
            ):
                if fd is not None and size > PACKED_BYTES:
                    _copy(fd, batch / str(number))
                    is_large = True
                elif fd is not None:
                    data = read_all(fd, size)
            if is_large:
                yield manifest.Entry(number, candidate.path, origin=candidate.origin)
            elif data is not None:
                pack.write(data)
                yield manifest.Entry(number, candidate.path, offset, len(data), candidate.origin)
                offset += len(data)
        pack.flush()
        os.fsync(pack.fileno())


@contextmanager
def _skipping(candidate: Candidate, done: str, on_skipped: OnSkipped | None) -> Iterator[None]:
    """Pass over a file that is gone; report one that cannot be transferred."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        if on_skipped is None or error.errno in _ALL_FAIL:
            raise
        if error.errno in _DENIED:
            advice = "give the worker rights to read, write and search its folder"
        else:
            advice = "end what uses or mounts it, or check the disk; other files are not delayed"
        on_skipped(candidate, f"it cannot be {done} out of its folder: {error.strerror}; {advice}")


_ALL_FAIL = (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)
_UNREADABLE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP)


def _move(candidate: Candidate, target: Path, folders: FolderOpener) -> bool:
    """Rename one file in; across file systems, copy it, then remove it. False if it is gone."""
    top, folder, name = candidate.split_location()
    fd = folders.open(top, folder)
    if not candidate.is_same(os.stat(name, dir_fd=fd, follow_symlinks=False)):
        return False
    try:
        os.rename(name, target, src_dir_fd=fd)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _move_across(candidate, target, folders)
    return True


def _move_across(candidate: Candidate, target: Path, folders: FolderOpener) -> bool:
    top, folder, name = candidate.split_location()
    temporary = target.with_name(f".{target.name}.part")
    with _open_regular(candidate, folders) as (fd, _):
        if fd is None:
            return False
        copied = os.fstat(fd)
        _copy(fd, temporary)
    temporary.rename(target)
    try:
        folder_fd = folders.open(top, folder)
        if os.path.samestat(copied, os.stat(name, dir_fd=folder_fd, follow_symlinks=False)):
            os.unlink(name, dir_fd=folder_fd)
    except FileNotFoundError:
        pass
    except OSError:
        target.unlink()  # else every scan would claim it again
        raise
    return True


@contextmanager
def _open_regular(candidate: Candidate, folders: FolderOpener) -> Iterator[tuple[int | None, int]]:
    """A regular file and its size; None where it is gone, unreadable, not regular, or another than
    the one that was examined. Links are not followed: they were resolved when the file was found.
    """
    top, folder, name = candidate.split_location()
    try:
        fd = os.open(name, READ_REGULAR, dir_fd=folders.open(top, folder))
    except OSError as error:
        if error.errno not in _UNREADABLE:
            raise
        yield None, 0
        return
    with closing_fd(fd):
        status = os.fstat(fd)
        is_wanted = stat.S_ISREG(status.st_mode) and candidate.is_same(status)
        yield (fd if is_wanted else None), status.st_size


def _copy(fd: int, target: Path) -> None:
    """Copy an open file, durably; nothing stays of a copy that failed."""
    try:
        with open(fd, "rb", closefd=False) as reader, target.open("xb") as writer:
            shutil.copyfileobj(reader, writer, _BLOCK)
            writer.flush()
            os.fsync(writer.fileno())
    except OSError:
        target.unlink(missing_ok=True)
        raise
