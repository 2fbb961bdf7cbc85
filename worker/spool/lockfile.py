"""Lock files (`flock`), and which process holds one.

The kernel frees a lock when its holder dies, so nothing has to be cleaned up. The holder writes a
line about itself into the file, which is valid as long as the lock is held. It costs one small
write, and Redis nothing.
"""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from worker.settings.flock import closing_fd, is_locked, try_flock
from worker.spool.layout import translate_errors

_FLAGS = os.O_RDWR | os.O_CLOEXEC
_MAX_LINE = 400


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Wait for the lock, and hold it. Raises OSError."""
    with closing_fd(os.open(path, _FLAGS | os.O_CREAT, 0o660)) as fd:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield


def try_lock(path: Path, *, mode: int = 0o660, create: bool = True) -> int | None:
    """A descriptor that holds the lock; None where another process holds it. Raises OSError where
    the file cannot be opened, or its file system has no locks."""
    fd = os.open(path, _FLAGS | (os.O_CREAT if create else 0), mode)
    is_ours = False
    try:
        is_ours = try_flock(fd)
    finally:
        if not is_ours:
            os.close(fd)
    return fd if is_ours else None


def is_free(path: str | Path) -> bool:
    """True if no living process holds the lock file at `path`."""
    try:
        return not is_locked(path)
    except OSError:
        return True


# ── who holds it ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LockHolder:
    """A process that holds a lock. `parent` is the process that started it: a pool's worker.

    `since` is when it began (UTC), `count` how many things it works on now.
    """

    host: str
    pid: int
    parent: int
    count: int
    since: datetime


def write_holder(fd: int, count: int = 0, since: float | None = None) -> None:
    """Write into the lock file that this process holds it, `since` a Unix time or now.

    A full disk must not stop the work: then the line is missing.
    """
    began = time.time() if since is None else since
    line = f"{os.getpid()} {os.getppid()} {count} {began:.3f} {socket.gethostname()}\n".encode()
    with suppress(OSError):
        os.pwrite(fd, line, 0)
        os.ftruncate(fd, len(line))


def read_holder(path: Path) -> LockHolder | None:
    """The process that last wrote into the lock file; None where none did. Valid only while the
    file is locked."""
    try:
        with path.open("rb") as file:
            pid, parent, count, since, host = file.read(_MAX_LINE).decode().split()
        began = datetime.fromtimestamp(float(since), UTC)
        return LockHolder(host, int(pid), int(parent), int(count), began)
    except (OSError, ValueError):
        return None


# ── slots: how many processes of this machine may do one thing at once ──────────────────────


SCHEDULER = "beat"
"""The slots of schedulers: who holds the first one works, the others stand by."""


@dataclass(frozen=True, slots=True)
class Slot:
    fd: int
    number: int
    since: float

    def report(self, count: int) -> None:
        """Write down how many things the process works on now."""
        write_holder(self.fd, count, self.since)


@contextmanager
def acquire_slot(state_dir: Path, name: str, count: int) -> Iterator[Slot | None]:
    """Hold one of `count` slots; None where all are held. Raises SpoolUnavailable."""
    folder = _slots_dir(state_dir)
    with translate_errors(state_dir):
        folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        locks = ((try_lock(folder / f"{name}-{number}"), number) for number in range(count))
        fd, number = next(((fd, number) for fd, number in locks if fd is not None), (None, 0))
    if fd is None:
        yield None
        return
    with closing_fd(fd):
        slot = Slot(fd, number, time.time())
        slot.report(0)
        yield slot


def slot_holders(state_dir: Path, name: str) -> list[LockHolder]:
    """The processes that hold slots of that name now."""
    paths = [path for path in sorted(_slots_dir(state_dir).glob(f"{name}-*")) if not is_free(path)]
    return [holder for holder in map(read_holder, paths) if holder is not None]


def _slots_dir(state_dir: Path) -> Path:
    return state_dir / "slots"
