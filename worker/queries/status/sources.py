"""The state of each source: what waits, its articles by outcome, and the time of its next turn."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from worker.escape import printable
from worker.feeds.cron import next_cron_time
from worker.model import Tally
from worker.model.from_json import dataclass_from
from worker.model.times import rfc3339, rfc3339_from_ms
from worker.queries.status.redis_snapshot import RedisSnapshot
from worker.settings import Folder, Settings
from worker.sources.registry import paused_sources
from worker.sources.scan_result import SkippedFile, load_skipped
from worker.spool.batch import WaitingBatch
from worker.spool.layout import notes_dir
from worker.store.backlog import ListingState
from worker.store.counters import DecisionCounts


@dataclass(frozen=True, slots=True)
class ArticleCounts(DecisionCounts):
    """All decisions so far, by outcome. `content_differs` counts some of the duplicates,
    `warnings` the published articles with a warning, by its kind."""

    content_differs: int
    warnings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source. `folder` is None for files enqueued by hand, for a bucket it is its address;
    times are RFC 3339, UTC.

    `has_folder` is False where the drop folder is missing; with `in_place` nothing is moved out
    of it. `next_turn` is the time of the next scan or poll, None where the folder is watched all
    the time; `failing` is True for a feed whose last poll failed. `skipped_files` holds the first
    skipped files, `skipped_count` their number. `listing` is the state of a bucket.
    """

    name: str
    folder: str | None
    has_folder: bool
    in_place: bool
    paused: bool
    schedule: str
    waiting: int
    articles: ArticleCounts | None
    last_success: str | None
    next_turn: str | None
    failing: bool
    skipped_files: tuple[SkippedFile, ...]
    skipped_count: int
    listing: ListingState | None = None


def count_articles(tally: Tally, warnings: Mapping[str, int]) -> ArticleCounts:
    return dataclass_from(ArticleCounts, {**asdict(tally), "warnings": warnings})


def list_sources(
    settings: Settings,
    now: datetime,
    batches: Sequence[WaitingBatch],
    snapshot: RedisSnapshot | None,
) -> tuple[SourceStatus, ...]:
    """The drop folders, the buckets, and every other source that has or had files."""
    folders: dict[str, Folder | None] = {f.name: f for f in settings.all_folders()}
    waiting: Counter[str] = Counter()
    for batch in batches:
        waiting[batch.source] += batch.files
    buckets = {bucket.name: bucket for bucket in settings.buckets}
    folders |= dict.fromkeys(buckets)
    for name in sorted({*(snapshot.counters.by_source if snapshot else ()), *+waiting}):
        folders.setdefault(name, None)
    paused = paused_sources(settings.state_dir)
    counters = snapshot.counters if snapshot else None

    def describe(name: str, folder: Folder | None) -> SourceStatus:
        last = counters.last_success_ms.get(name) if counters else None
        skipped, skipped_count = load_skipped(notes_dir(settings, folder)) if folder else ((), 0)
        listing = snapshot.listings.get(name) if snapshot else None
        place = buckets[name].url if name in buckets else folder.path if folder else None
        due_ms = listing.due_ms if listing else snapshot.due_times.get(name) if snapshot else None
        tally = counters.by_source.get(name, Tally()) if counters else Tally()
        return SourceStatus(
            name=name,
            folder=printable(place, 4096) if place else None,
            has_folder=folder is None or folder.path.is_dir(),
            in_place=folder is not None and folder.in_place,
            paused=name in paused,
            schedule=folder.schedule if folder else "",
            waiting=waiting[name],
            articles=count_articles(tally, counters.warnings.get(name, {})) if counters else None,
            last_success=rfc3339_from_ms(last) if last else None,
            next_turn=None if name in paused else _next_turn(settings, now, folder, due_ms),
            failing=bool((snapshot and name in snapshot.failing) or (listing and listing.problem)),
            skipped_files=skipped,
            skipped_count=listing.unfetchable if listing else skipped_count,
            listing=listing,
        )

    return tuple(describe(name, folder) for name, folder in folders.items())


def _next_turn(
    settings: Settings, now: datetime, folder: Folder | None, due_ms: int | None
) -> str | None:
    if folder is not None and folder.schedule:
        zone = ZoneInfo(folder.time_zone or settings.dedupe.time_zone)
        return rfc3339(next_cron_time(folder.schedule, zone, now))
    if due_ms is None:
        return None
    return rfc3339_from_ms(due_ms) if due_ms else rfc3339(now)
