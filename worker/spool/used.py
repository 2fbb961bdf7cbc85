"""How many bytes folders hold, at a bounded cost: a folder is added up once, until it changes.

What this adds up is written once and then only removed as a whole, so that a folder's inode and
time tell whether its sum still holds. An archive of years is not added up in one look: each look
goes on for a bounded time, and says whether it came to the end.
"""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Used:
    """`whole` is False while not all was added up yet: it is more than `bytes`."""

    bytes: int
    whole: bool


class Sums:
    """What folders hold, remembered. Safe to be asked by several threads."""

    def __init__(self, seconds: float, again_after: float) -> None:
        """A look takes `seconds` at most; a folder that goes on changing is added up again after
        `again_after` seconds."""
        self._seconds = seconds
        self._again_after = again_after
        self._known: dict[str, tuple[int, int, int, float]] = {}

    def of(self, folders: Iterable[str]) -> Used:
        """The bytes of the files in `folders`, without those in folders below them."""
        now = time.monotonic()
        total, whole = 0, True
        seen: dict[str, tuple[int, int, int, float]] = {}
        for folder in folders:
            before = self._known.get(folder)
            kept = before
            if time.monotonic() - now < self._seconds:
                kept = self._again(folder, before, now)
            if kept is None:
                whole &= not Path(folder).is_dir()
                continue
            seen[folder] = kept
            total += kept[2]
        self._known = seen
        return Used(total, whole)

    def _again(
        self, folder: str, before: tuple[int, int, int, float] | None, now: float
    ) -> tuple[int, int, int, float] | None:
        try:
            about = os.stat(folder)
            if before and before[:2] == (about.st_ino, about.st_mtime_ns):
                return before
            if before and now - before[3] < self._again_after:
                return before
            with os.scandir(folder) as entries:
                size = sum(one.stat(follow_symlinks=False).st_size for one in entries)
        except OSError:
            return before  # it goes just now, or may not be read: problems are told elsewhere
        return about.st_ino, about.st_mtime_ns, size, now


def archive_folders(state_dir: Path) -> Iterator[str]:
    """The folders that hold the archive's segments: one a day and source."""
    for day in _below(f"{state_dir}/archive"):
        yield from _below(day)


def _below(folder: str) -> list[str]:
    try:
        return [f"{folder}/{name}" for name in sorted(os.listdir(folder), reverse=True)]
    except OSError:
        return []
