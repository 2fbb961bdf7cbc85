"""What waits, told often and cheaply: a status page asks each second, of thousands of batches.

:func:`worker.spool.batch.look` reads each batch's manifest and counts what is there; that is what
an audit wants. Here a batch is counted once and then known by its folder's inode and time, which
change with every file that comes or goes. (With strings for paths: making Path objects took three
quarters of the time.)
"""

import os
import time
from dataclasses import dataclass, replace

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.spool import manifest
from worker.spool.batch import Waiting, names
from worker.spool.claim import LOCK
from worker.spool.disk_usage import DiskUsage, Stamp, size_of, stamp
from worker.spool.layout import Root, read_all
from worker.spool.lockfile import is_free


@dataclass(frozen=True, slots=True)
class _Counted:
    """A batch's folder as it was counted; `size` in bytes, None where it was not added up yet."""

    stamp: Stamp
    files: int
    size: int | None


class WaitingCache:
    """Counts batches, and remembers those that it counted. Safe to be asked by several threads."""

    def __init__(self, seconds: float) -> None:
        """Adding up sizes takes `seconds` at most, each time."""
        self._seconds = seconds
        self._known: dict[Root, dict[str, _Counted]] = {}

    def look(self, root: Root) -> list[Waiting]:
        """Every batch in `root`, oldest first. Raises SpoolUnavailable."""
        work = os.fspath(root.work)
        before = self._known.get(root, {})
        after: dict[str, _Counted] = {}
        waiting = []
        for name in names(root):
            folder = f"{work}/{name}"
            counted = _counted(folder, before.get(name))
            if counted is not None:
                after[name] = counted
                locked = not is_free(f"{folder}/{LOCK}")
                waiting.append(Waiting(root, name, counted.files, locked))
        self._known[root] = after
        return waiting

    def used(self) -> DiskUsage:
        """The bytes of what was there at the last looks."""
        end = time.monotonic() + self._seconds
        total, whole = 0, True
        for root, batches in list(self._known.items()):
            work = os.fspath(root.work)
            for name, one in list(batches.items()):
                size = one.size
                if size is None and time.monotonic() < end:
                    size = size_of(f"{work}/{name}", str.isdecimal) or 0
                    batches[name] = replace(one, size=size)
                whole &= size is not None
                total += size or 0
        return DiskUsage(total, whole)


def _counted(folder: str, before: _Counted | None) -> _Counted | None:
    """The batch in `folder`; None where it is finished meanwhile."""
    try:
        found = stamp(folder)
        if before and before.stamp.holds(found):
            return before
        return _Counted(found, *_count(folder))
    except FileNotFoundError as error:
        if os.access(folder, os.F_OK):
            raise SpoolUnavailable(
                f"the batch {printable(folder)} has no manifest: check the disk"
            ) from error
        return None
    except OSError as error:
        told = f"the batch {printable(folder)} cannot be read: {error.strerror}"
        raise SpoolUnavailable(told) from error


def _count(folder: str) -> tuple[int, int | None]:
    """(files, bytes). What was copied came whole, as its manifest says; what is moved comes one
    by one, and to add it up takes a call for each file."""
    found = os.listdir(folder)
    if manifest.PACK not in found:
        return sum(map(str.isdecimal, found)), None
    fd = os.open(f"{folder}/{manifest.NAME}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        lines = read_all(fd, os.fstat(fd).st_size).count(b"\n")
    finally:
        os.close(fd)
    large = [manifest.PACK, *filter(str.isdecimal, found)]
    return lines - 1, sum(os.stat(f"{folder}/{name}").st_size for name in large)
