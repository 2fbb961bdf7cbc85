"""What a process that shows the work keeps between two looks, so that each of them is cheap."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from worker.spool.disk_usage import Sums
from worker.spool.waiting import Waits


@dataclass(frozen=True, slots=True)
class Kept:
    """Counts of batches, and sums of folders. All of it is only remembered, never believed: each
    look asks the file system whether it still holds."""

    waits: Waits = field(default_factory=lambda: Waits(seconds=0.005))
    archive: Sums = field(default_factory=lambda: Sums(seconds=0.01, again_after=30))


@lru_cache(maxsize=8)
def kept(state_dir: Path) -> Kept:
    """The same for each look at one state directory."""
    return Kept()
