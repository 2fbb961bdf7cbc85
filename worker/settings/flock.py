"""Descriptors, and locks of files (`flock`): the kernel frees a lock however its holder ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def closing_fd(fd: int) -> Iterator[int]:
    """An open file, which is closed at the end of the block."""
    try:
        yield fd
    finally:
        os.close(fd)


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
    with closing_fd(os.open(path, os.O_RDONLY | os.O_CLOEXEC)) as fd:
        try:
            return not try_flock(fd, fcntl.LOCK_SH)
        except OSError:
            return True
