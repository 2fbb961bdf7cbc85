"""The content of folders, read once and remembered until they change: open pages ask every second.

Files in these folders are written once and removed together with their folder, so a folder's inode
and modification time tell whether a remembered value still holds. An archive of years is too much
for one call: a call stops after a fixed time, and the next one continues there.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

_STABLE_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    """A folder's value, and the state of the folder when it was read. Only a `stable` state can be
    compared: the last change was old enough then that another one would have moved the time (the
    clock of a file system ticks a few hundred times a second)."""

    value: T | None
    inode: int
    changed_ns: int
    is_stable: bool
    read_at: float


@dataclass(slots=True)
class FolderCache(Generic[T]):
    """Values of folders by `read`, which returns None for a folder that cannot be read now. Safe
    to use from several threads.

    A call ends after about `budget_seconds`; a folder that keeps changing is read again after
    `recheck_seconds`.
    """

    read: Callable[[str], T | None]
    budget_seconds: float = math.inf
    recheck_seconds: float = 0.0
    _entries: dict[str, _Entry[T]] = field(default_factory=dict, init=False)
    _next: int = field(default=0, init=False)

    def get_values(self, folders: Sequence[str]) -> dict[str, T | None]:
        """The value of each folder: None where it was not read yet. Folders that are gone are left
        out. Raises what `read` raises, except FileNotFoundError."""
        start = time.monotonic()
        entries: dict[str, _Entry[T]] = {}
        values: dict[str, T | None] = {}
        first = min(self._next, len(folders))
        read_count = 0
        for folder in (*folders[first:], *folders[:first]):
            entry = self._entries.get(folder)
            if time.monotonic() - start < self.budget_seconds:
                read_count += 1
                try:
                    entry = self._refresh(folder, entry, start)
                except FileNotFoundError:
                    continue
            if entry is not None:
                entries[folder] = entry
            values[folder] = entry.value if entry else None
        self._entries = entries
        self._next = (first + read_count) % max(1, len(folders))
        return values

    def _refresh(self, folder: str, entry: _Entry[T] | None, now: float) -> _Entry[T]:
        about = os.stat(folder)
        state = (about.st_ino, about.st_mtime_ns)
        if entry and entry.value is not None:
            is_unchanged = entry.is_stable and state == (entry.inode, entry.changed_ns)
            if is_unchanged or now - entry.read_at < self.recheck_seconds:
                return entry
        is_stable = time.time_ns() - about.st_mtime_ns > _STABLE_NS
        return _Entry(self.read(folder), *state, is_stable, now)


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """`whole` is False while some folders were not read yet: it is more than `bytes`."""

    bytes: int
    whole: bool


def disk_usage(cache: FolderCache[int], folders: Sequence[str]) -> DiskUsage:
    """The sum over `folders`."""
    sizes = cache.get_values(folders).values()
    return DiskUsage(sum(filter(None, sizes)), None not in sizes)


def measure_folder(folder: str, is_counted: Callable[[str], bool] = lambda _: True) -> int | None:
    """The bytes of the files in `folder` whose names count, without those in folders below it.
    None where it cannot be read, or is being removed."""
    try:
        with os.scandir(folder) as entries:
            counted = (entry for entry in entries if is_counted(entry.name))
            return sum(entry.stat(follow_symlinks=False).st_size for entry in counted)
    except OSError:
        return None
