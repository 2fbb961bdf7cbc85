"""The spool's requirements of a file system: free space, the right to write, and locks.

A batch is held by `flock`: on a file system without it two workers would take the same batch. Some
refuse the call (NFS without its lock daemon); some grant every lock to every process.
"""

import errno
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.settings import MEGABYTE, Settings
from worker.settings.flock import try_flock
from worker.spool.layout import translate_errors
from worker.spool.lockfile import try_lock

_MIN_INODES = 1_000
"""A batch of small files, with its journal and its segment, needs some hundreds."""


def check_free(path: Path, min_mb: int) -> None:
    """Raise SpoolUnavailable where less than `min_mb` megabytes or _MIN_INODES inodes are free at
    `path`.

    Accepted batches are still worked on: that frees space.
    """
    with translate_errors(path):
        disk = os.statvfs(path)
    if disk.f_files and disk.f_favail < _MIN_INODES:  # 0 files: as many as there is room for
        raise SpoolUnavailable(
            f"only {disk.f_favail:,} inodes are free at {printable(path)}, less than "
            f"{_MIN_INODES:,}: intake waits until there are more"
        )
    free = disk.f_bavail * disk.f_frsize // MEGABYTE
    if free < min_mb:
        raise SpoolUnavailable(
            f"only {free:,} MB are free at {printable(path)}, less than spool.min_free_mb = "
            f"{min_mb:,}: intake waits until there is room"
        )


def check_room(settings: Settings) -> None:
    """Raise SpoolUnavailable where the disk of the state directory or of a drop folder is too full
    for scans and enqueues. Folders that do not exist are skipped."""
    # A folder that is read in place may be a mount that never has room: nothing is written there.
    folders = [folder.path for folder in settings.all_folders() if not folder.in_place]
    for path in (settings.state_dir, *folders):
        if path.is_dir():
            check_free(path, settings.spool.min_free_mb)


@dataclass(frozen=True, slots=True)
class FsDefect:
    """What a folder does not allow, for people. `is_lock_failure`: it can be written, but has no
    locks. `is_full`: its disk is, which may end by itself."""

    message: str
    is_lock_failure: bool
    is_full: bool = False


def unwritable(folder: Path, error: OSError) -> FsDefect:
    why = f"{printable(folder)} cannot be written: {error.strerror}"
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return FsDefect(why, is_lock_failure=False, is_full=is_full)


def probe_fs(folder: Path) -> FsDefect | None:
    """Write and lock a temporary file in `folder` (which must exist); None where both worked."""
    try:
        fd, name = tempfile.mkstemp(prefix=".newsdrop-trial-", dir=folder)
    except OSError as error:
        return unwritable(folder, error)
    try:
        try_flock(fd)
        second = try_lock(Path(name))
        if second is None:
            return None
        os.close(second)
        defect = "they exclude no other process"
    except OSError as error:
        defect = f"{error.strerror}"
    finally:
        os.close(fd)
        with suppress(OSError):
            Path(name).unlink()
    return FsDefect(f"{printable(folder)} allows no locks: {defect}", is_lock_failure=True)
