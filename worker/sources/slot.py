"""Slots: how many processes of this machine may do one thing at once.

A slot is a file that is held by `flock`: whoever dies gives it back.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.spool.layout import translated


@contextmanager
def slot(state_dir: Path, name: str, count: int) -> Iterator[bool]:
    """Hold one of `count` slots; False where all are held. Raises SpoolUnavailable."""
    held = None
    with translated(state_dir):
        folder = state_dir / "slots"
        folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        for number in range(count):
            fd = os.open(folder / f"{name}-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(fd)
            else:
                held = fd
                break
    try:
        yield held is not None
    finally:
        if held is not None:
            os.close(held)
