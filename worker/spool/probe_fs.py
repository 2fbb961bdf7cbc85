"""Whether a folder allows what the spool needs, tried once with a file that is removed again.

A batch is held by `flock`: on a file system without it two workers would take the same batch. Some
refuse the call (NFS without its lock daemon); some say yes to everybody, which is worse.
"""

import fcntl
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from worker.escape import printable


@dataclass(frozen=True, slots=True)
class FsDefect:
    """What a folder does not allow, for people. `locks`: it can be written, but allows no locks."""

    told: str
    locks: bool


def probe_fs(folder: Path) -> FsDefect | None:
    """Make a file in `folder` (which must be there) and hold it; None where all went well."""
    try:
        fd, name = tempfile.mkstemp(prefix=".newsdrop-trial-", dir=folder)
    except OSError as error:
        return FsDefect(f"{printable(folder)} cannot be written: {error.strerror}", locks=False)
    try:
        return _no_lock(folder, fd, name)
    finally:
        os.close(fd)
        with suppress(OSError):
            Path(name).unlink()


def _no_lock(folder: Path, fd: int, name: str) -> FsDefect | None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return FsDefect(f"{printable(folder)} allows no locks: {error.strerror}", locks=True)
    other = os.open(name, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None  # the first holds it, as it should
    finally:
        os.close(other)
    return FsDefect(f"{printable(folder)} allows no locks: they hold nobody off", locks=True)
