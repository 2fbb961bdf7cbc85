"""Put on a real process's PYTHONPATH: `flock` fails below the folder named in NO_LOCKS_BELOW.

As on a file system without locks: an error, or with NO_LOCKS=lies a yes to everybody.
"""

import errno
import fcntl
import os
from typing import Any

_flock = fcntl.flock


def _without(fd: Any, operation: int) -> None:
    number = fd if isinstance(fd, int) else fd.fileno()
    path = os.readlink(f"/proc/self/fd/{number}")
    if not path.startswith(os.environ["NO_LOCKS_BELOW"] + "/"):
        _flock(fd, operation)
    elif os.environ.get("NO_LOCKS") != "lies":
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


if "NO_LOCKS_BELOW" in os.environ:
    fcntl.flock = _without
