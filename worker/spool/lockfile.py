"""Who holds a lock file: a line in the file itself, true as long as the lock is held.

The kernel frees the lock when its holder dies, so nothing has to be taken back: the line of a dead
holder is one that nobody reads. It costs one small write, and Redis nothing.
"""

import fcntl
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class LockHolder:
    """A process that holds a lock. `parent` is the process that started it: a pool's worker.

    `since` is when it began (UTC), `count` how many things it is at now.
    """

    host: str
    pid: int
    parent: int
    count: int
    since: datetime


def note(fd: int, count: int = 0, since: float | None = None) -> None:
    """Write who holds the file; `since` is Unix time, now where it is None.

    A full disk must keep nobody from working: then it is not told.
    """
    began = time.time() if since is None else since
    who = f"{os.getpid()} {os.getppid()} {count} {began:.3f} {socket.gethostname()}\n".encode()
    with suppress(OSError):
        os.pwrite(fd, who, 0)
        os.ftruncate(fd, len(who))


def is_free(path: str | Path) -> bool:
    """True if no living process holds the lock file at `path`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(fd)


def holder(path: Path) -> LockHolder | None:
    """Who wrote into the lock file last; None where nobody did. Ask only while it is locked."""
    try:
        with path.open("rb") as file:
            pid, parent, count, since, host = file.read(_LONGEST).decode().split()
        return LockHolder(host, int(pid), int(parent), int(count), _moment(since))
    except (OSError, ValueError):
        return None


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
