"""Slots: how many processes of this machine may do one thing at once.

A slot is a file that is held by `flock`: whoever dies gives it back.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from worker.spool.layout import translated
from worker.spool.lockfile import LockHolder, holder, is_free, note


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that this process holds."""

    fd: int
    since: float

    def at(self, count: int) -> None:
        """Say that the process is at so many things now."""
        note(self.fd, count, self.since)


@contextmanager
def acquire_slot(state_dir: Path, name: str, count: int) -> Iterator[Slot | None]:
    """Hold one of `count` slots; None where all are held. Raises SpoolUnavailable."""
    held = None
    with translated(state_dir):
        folder = _folder(state_dir)
        folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        for number in range(count):
            fd = os.open(folder / f"{name}-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(fd)
            else:
                held = Slot(fd, time.time())
                held.at(0)
                break
    try:
        yield held
    finally:
        if held is not None:
            os.close(held.fd)


def holders(state_dir: Path, name: str) -> list[LockHolder]:
    """Who holds slots of that name now."""
    paths = sorted(_folder(state_dir).glob(f"{name}-*"))
    return [who for path in paths if not is_free(path) and (who := holder(path))]


def _folder(state_dir: Path) -> Path:
    return state_dir / "slots"
