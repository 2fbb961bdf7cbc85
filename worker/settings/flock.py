"""Locks of files (`flock`): the kernel frees a lock however its holder ends."""

import fcntl
import os
from pathlib import Path


def try_flock(fd: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file; False where another process holds it. Raises OSError where its file system
    has no locks."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: str | Path) -> bool:
    """Whether a process holds the lock of a file; True where its file system does not say. Raises
    OSError where the file cannot be opened."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return not try_flock(fd, fcntl.LOCK_SH)
    except OSError:
        return True
    finally:
        os.close(fd)
