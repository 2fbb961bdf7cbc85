"""How everything stands at one moment.

Two equations hold in every snapshot: files accepted = waiting + working + archived +
quarantined; articles = published + revised + duplicate + rejected. So the spool's batches are
listed first, and then one call to Redis tells the counters together with which of those batches
are in them already: a batch that is settled meanwhile is left out here, and one that is claimed
meanwhile is not here yet.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from worker.errors import ConfigError, SpoolUnavailable
from worker.escape import printable
from worker.feeds.catalog import load_catalog
from worker.feeds.schedule import next_of_cron
from worker.model import Tally
from worker.model.times import rfc3339, rfc3339_from_ms
from worker.queries.redis_snapshot import RedisSnapshot
from worker.settings import MANUAL, Folder, Settings
from worker.sources.pause import all_paused
from worker.sources.skipped import SkippedFile, noted
from worker.spool.batch import Waiting
from worker.spool.free_space import check_room
from worker.spool.layout import notes_dir, time_of
from worker.spool.wanted import WantedPages
from worker.store.connection import redis_url, shown_url
from worker.store.stream import StreamInfo
from worker.store.workers import WorkerInfo


@dataclass(frozen=True, slots=True)
class ArticleCounts:
    """Every decision ever made, by outcome. `content_differs`: so many of the duplicates."""

    published: int
    revised: int
    duplicate: int
    rejected: int
    content_differs: int

    @property
    def decided(self) -> int:
        return self.published + self.revised + self.duplicate + self.rejected


@dataclass(frozen=True, slots=True)
class FileCounts:
    """Accepted files by where they are. Without Redis only what waits can be told."""

    accepted: int | None
    waiting: int
    working: int
    archived: int | None
    quarantined: int | None


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Batches in the spool, waiting or worked on; the age of the oldest in seconds."""

    batches: int
    oldest_age_s: float | None


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source. `folder` is None for what is enqueued by hand; times are RFC 3339, UTC.

    `folder_there` is False where the drop folder is missing; `in_place` tells that nothing is
    moved out of it. `next_turn` is when it is looked at or polled next, None where it is looked at
    all the time; `failing` tells of a feed that its last poll was no good. `left_alone` holds the
    first files that were not taken, `left_alone_count` how many there are.
    """

    name: str
    folder: str | None
    folder_there: bool
    in_place: bool
    paused: bool
    schedule: str
    waiting: int
    articles: ArticleCounts | None
    last_success: str | None
    next_turn: str | None
    failing: bool
    left_alone: tuple[SkippedFile, ...]
    left_alone_count: int


@dataclass(frozen=True, slots=True)
class PollingStatus:
    """The feeds, all together, and the pages of theirs that are waited for.

    What only Redis knows is None while it does not answer; `due` counts what is to be fetched now.
    """

    feeds: int
    failing: int | None
    due: int | None
    pages_wanted: int


@dataclass(frozen=True, slots=True)
class Status:
    """The whole. Fields that only Redis knows are None while it does not answer.

    `problem` says in words why it does not, `intake_problem` why nothing is taken in (a full disk),
    `feeds_problem` why the feeds as they stand now cannot be read; `beat_age_s` is how long ago the
    scheduler ticked.
    """

    at: str
    redis: str
    problem: str | None
    intake_problem: str | None
    feeds_problem: str | None
    articles: ArticleCounts | None
    files: FileCounts
    queue: QueueStatus
    stream: StreamInfo | None
    workers: tuple[WorkerInfo, ...] | None
    beat_age_s: float | None
    polled: PollingStatus
    sources: tuple[SourceStatus, ...]


def exclude_settled(batches: list[Waiting], told: RedisSnapshot | None) -> list[Waiting]:
    """Those of `batches` that are in no counter yet."""
    if told is None:
        return batches
    return [batch for batch in batches if batch.name not in told.snapshot.settled]


def build_status(
    settings: Settings,
    now: datetime,
    batches: Sequence[Waiting],
    told: RedisSnapshot | None,
    problem: str | None,
) -> Status:
    """The status by what was listed and told; `problem` is why nothing was told."""
    feeds, feeds_problem = _feeds(settings)
    return Status(
        at=rfc3339(now),
        redis=shown_url(redis_url(settings)),
        problem=problem,
        intake_problem=_intake_problem(settings),
        feeds_problem=feeds_problem,
        articles=_articles(told.snapshot.totals) if told else None,
        files=_files(batches, told.snapshot.totals if told else None),
        queue=_queue(batches, now),
        stream=told.stream if told else None,
        workers=told.workers if told else None,
        beat_age_s=told.beat_age_s if told else None,
        polled=PollingStatus(
            # Those that are polled now; before the first poll only the files know.
            feeds=(told.feeds if told else 0) or feeds,
            # One that is held is not polled: it fails no more, and `feeds list` calls it paused.
            failing=len(told.failing - all_paused(settings.state_dir)) if told else None,
            due=told.due if told else None,
            pages_wanted=len(WantedPages(settings.state_dir).names()),
        ),
        sources=_sources(settings, now, batches, told),
    )


def _feeds(settings: Settings) -> tuple[int, str | None]:
    """(how many the files name, None), or (0, why they cannot be read)."""
    try:
        return len(load_catalog(settings)), None
    except ConfigError as error:
        return 0, str(error)


def _intake_problem(settings: Settings) -> str | None:
    """The condition under which scans and enqueues wait, asked the way they ask."""
    try:
        check_room(settings)
    except SpoolUnavailable as error:
        return str(error)
    return None


def _articles(tally: Tally) -> ArticleCounts:
    return ArticleCounts(
        published=tally.published,
        revised=tally.revised,
        duplicate=tally.duplicate,
        rejected=tally.rejected,
        content_differs=tally.content_differs,
    )


def _files(batches: Sequence[Waiting], totals: Tally | None) -> FileCounts:
    waiting = sum(batch.files for batch in batches if not batch.locked)
    working = sum(batch.files for batch in batches if batch.locked)
    if totals is None:
        return FileCounts(None, waiting, working, None, None)
    accepted = waiting + working + totals.archived + totals.quarantined
    return FileCounts(accepted, waiting, working, totals.archived, totals.quarantined)


def _queue(batches: Sequence[Waiting], now: datetime) -> QueueStatus:
    if not batches:
        return QueueStatus(0, None)
    oldest = time_of(min(batch.name for batch in batches))  # names begin with their time
    return QueueStatus(len(batches), round(max(0.0, (now - oldest).total_seconds()), 3))


def _sources(
    settings: Settings, now: datetime, batches: Sequence[Waiting], told: RedisSnapshot | None
) -> tuple[SourceStatus, ...]:
    """The drop folders, and every other source that has work or ever had."""
    folders: dict[str, Folder | None] = {f.name: f for f in settings.all_folders()}
    known = set(told.snapshot.by_source) if told else set()
    waits: Counter[str] = Counter()
    for batch in batches:
        waits[batch.source] += batch.files
    for name in sorted(known | set(waits) | {MANUAL}):
        folders.setdefault(name, None)
    paused = all_paused(settings.state_dir)
    return tuple(
        _source(settings, now, name, folder, waiting=waits[name], paused=name in paused, told=told)
        for name, folder in folders.items()
        # By hand: shown once something came that way.
        if folder or waits[name] or name in known
    )


def _source(
    settings: Settings,
    now: datetime,
    name: str,
    folder: Folder | None,
    *,
    waiting: int,
    paused: bool,
    told: RedisSnapshot | None,
) -> SourceStatus:
    snapshot = told.snapshot if told else None
    last = snapshot.last_success_ms.get(name) if snapshot else None
    left = noted(notes_dir(settings, folder)) if folder else ((), 0)
    return SourceStatus(
        name=name,
        folder=printable(folder.path, 4096) if folder else None,
        folder_there=folder is None or folder.path.is_dir(),
        in_place=folder is not None and folder.in_place,
        paused=paused,
        schedule=folder.schedule if folder else "",
        waiting=waiting,
        articles=_articles(snapshot.by_source.get(name, Tally())) if snapshot else None,
        last_success=rfc3339_from_ms(last) if last else None,
        next_turn=None if paused else _next_turn(settings, now, name, folder, told),
        failing=told is not None and name in told.failing,
        left_alone=left[0],
        left_alone_count=left[1],
    )


def _next_turn(
    settings: Settings, now: datetime, name: str, folder: Folder | None, told: RedisSnapshot | None
) -> str | None:
    if folder is not None and folder.schedule:
        zone = ZoneInfo(folder.time_zone or settings.dedupe.time_zone)
        return rfc3339(next_of_cron(folder.schedule, zone, now))
    due = told.turns.get(name) if told else None
    if due is None:
        return None
    return rfc3339_from_ms(due) if due else rfc3339(now)
