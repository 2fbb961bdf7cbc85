"""How many bytes folders hold, at a bounded cost: a folder is added up once, until it changes.

What this adds up is written once and then only removed as a whole, so that a folder's inode and
time tell whether its sum still holds. An archive of years is not added up in one look: each look
goes on for a bounded time, and says whether it came to the end.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_SURE_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """`whole` is False while not all was added up yet: it is more than `bytes`."""

    bytes: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Stamp:
    """A folder as it was looked at. `sure`: its last change was old enough then, so that another
    one would have moved its time; the clock of a file system ticks a few hundred times a second."""

    inode: int
    changed_ns: int
    sure: bool

    def holds(self, now: "Stamp") -> bool:
        """Whether nothing came or went until `now`."""
        return self.sure and (self.inode, self.changed_ns) == (now.inode, now.changed_ns)


def stamp(folder: str) -> Stamp:
    """Raises OSError."""
    about = os.stat(folder)
    sure = time.time_ns() - about.st_mtime_ns > _SURE_NS
    return Stamp(about.st_ino, about.st_mtime_ns, sure)


@dataclass(frozen=True, slots=True)
class _Sum:
    """A folder as it was added up; `at` by the monotonic clock."""

    stamp: Stamp
    size: int
    at: float


class UsageCache:
    """What folders hold, remembered. Safe to be asked by several threads."""

    def __init__(self, seconds: float, again_after: float) -> None:
        """A look takes about `seconds` at most; a folder that goes on changing is added up again
        after `again_after` seconds."""
        self._seconds = seconds
        self._again_after = again_after
        self._known: dict[str, _Sum] = {}
        self._next = 0

    def of(self, folders: Iterable[str]) -> DiskUsage:
        """The bytes of the files in `folders`, without those in folders below them.

        Each look begins where the one before had to end: however many there are, all have a turn.
        """
        begun = time.monotonic()
        known, seen = self._known, {}
        whole = True
        listed = list(folders)
        first = min(self._next, len(listed))
        looked = 0
        for folder in listed[first:] + listed[:first]:
            one = known.get(folder)
            if time.monotonic() - begun < self._seconds:
                one = self._again(folder, one, begun)
                looked += 1
            if one is None:
                whole &= not Path(folder).is_dir()
            else:
                seen[folder] = one
        self._known = seen
        self._next = (first + looked) % max(1, len(listed))
        return DiskUsage(sum(one.size for one in seen.values()), whole)

    def _again(self, folder: str, before: _Sum | None, now: float) -> _Sum | None:
        try:
            found = stamp(folder)
        except OSError:
            return None
        if before and before.stamp.holds(found):
            return before
        if before and now - before.at < self._again_after:
            return before
        size = size_of(folder)
        return before if size is None else _Sum(found, size, now)


def size_of(folder: str, counts: Callable[[str], bool] = lambda _: True) -> int | None:
    """The bytes of the files in `folder` whose names count; None where it cannot be read, or goes
    just now."""
    try:
        with os.scandir(folder) as entries:
            wanted = (one for one in entries if counts(one.name))
            return sum(one.stat(follow_symlinks=False).st_size for one in wanted)
    except OSError:
        return None


def archive_folders(state_dir: Path) -> Iterator[str]:
    """The folders that hold the archive's segments, one a day and source, the newest first."""
    for day in _below(f"{state_dir}/archive"):
        yield from _below(day)


def _below(folder: str) -> list[str]:
    try:
        return [f"{folder}/{name}" for name in sorted(os.listdir(folder), reverse=True)]
    except OSError:
        return []
