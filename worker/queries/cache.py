"""What a process that shows the work keeps between two looks, so that each of them is cheap."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from worker.spool.disk_usage import UsageCache
from worker.spool.waiting import WaitingCache


@dataclass(frozen=True, slots=True)
class QueryCache:
    """Counts of batches, and sums of folders. All of it is only remembered, never believed: each
    look asks the file system whether it still holds."""

    waits: WaitingCache = field(default_factory=lambda: WaitingCache(seconds=0.005))
    archive: UsageCache = field(default_factory=lambda: UsageCache(seconds=0.01, again_after=30))


@lru_cache(maxsize=8)
def kept(state_dir: Path) -> QueryCache:
    """The same for each look at one state directory."""
    return QueryCache()
