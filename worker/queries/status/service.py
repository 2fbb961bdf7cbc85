"""The state of the service at one moment.

Two equations hold in every status: accepted files = waiting + working + elsewhere + archived +
quarantined; articles = published + revised + withdrawn + duplicate + rejected. So the spool's
batches are listed first; then one call to Redis reads the counters and which of those batches they
already contain. A batch that is settled in between is left out, and one that is claimed in between
is not listed yet. What waits on other nodes is as they reported it last.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from worker.errors import ConfigError, SpoolUnavailable
from worker.feeds.catalog import load_catalog
from worker.model import Tally
from worker.model.times import rfc3339
from worker.queries.status.nodes import NodeStatus, count_elsewhere, list_nodes
from worker.queries.status.redis_snapshot import RedisSnapshot
from worker.queries.status.sources import ArticleCounts, SourceStatus, count_articles, list_sources
from worker.settings import Settings
from worker.sources.registry import paused_sources
from worker.spool.batch import WaitingBatch
from worker.spool.copy_record import CopyState, read_state
from worker.spool.filesystem import check_room
from worker.spool.layout import time_of
from worker.spool.rules_record import read_rules_record
from worker.spool.task_record import TaskFailure, read_failures, success_age
from worker.spool.wanted import WantedPages
from worker.store.connection import printable_url, redis_url
from worker.store.rechecks import RecheckCounts
from worker.store.retention import Retention
from worker.store.stream import StreamInfo
from worker.store.workers import WorkerInfo


@dataclass(frozen=True, slots=True)
class FileCounts:
    """Accepted files by place: `waiting` and `working` here, `elsewhere` those that wait on other
    nodes, as they reported last. Without Redis only the spool can be counted."""

    accepted: int | None
    waiting: int
    working: int
    archived: int | None
    quarantined: int | None
    elsewhere: int | None = None


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Batches in the spool, waiting or in processing; the age of the oldest in seconds."""

    batches: int
    oldest_age_s: float | None


@dataclass(frozen=True, slots=True)
class PollingStatus:
    """All feeds together, and their wanted pages.

    `failing` and `due` are None while Redis does not answer; `due` counts feeds and pages to fetch
    now, `rechecks_due` published pages to fetch again now. `behind` are the hosts whose feeds ask
    for more polls than the pace allows, the worst first, with the seconds by which the last poll
    was late.
    """

    feeds: int
    failing: int | None
    due: int | None
    pages_wanted: int
    rechecks: RecheckCounts | None = None
    rechecks_due: int | None = None
    behind: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SiteRulesStatus:
    """The site rules that workers use: a revision that changes with every key, the number of rules,
    and since when (RFC 3339, UTC). `problem` says in words why the present files are not used."""

    revision: str
    count: int
    since: str
    problem: str


@dataclass(frozen=True, slots=True)
class Status:
    """The status. Fields that are read from Redis are None while it does not answer. Articles,
    stream and workers are those of all nodes; spool, folders and scheduler those of this one.

    In words: `problem` says why Redis does not answer, `intake_problem` why no files are accepted
    (a full disk), `feeds_problem` why the configured feeds cannot be read. `beat_age_s` is the age
    of the scheduler's last tick, `scan_age_s` that of the last scan of the folders, None before the
    first. `site_rules` is None until a worker has loaded them, `archive_copy` where the archive is
    not copied to a bucket.
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
    retention: Retention | None
    nodes: tuple[NodeStatus, ...] | None
    workers: tuple[WorkerInfo, ...] | None
    beat_age_s: float | None
    scan_age_s: float | None
    polled: PollingStatus
    site_rules: SiteRulesStatus | None
    archive_copy: CopyState | None
    failing_tasks: tuple[TaskFailure, ...]
    sources: tuple[SourceStatus, ...]

    def own_workers(self) -> tuple[WorkerInfo, ...]:
        """The workers that see the files here; all where no service ran on this state directory."""
        own = next((node.id for node in self.nodes or () if node.is_here), None)
        return tuple(one for one in self.workers or () if own is None or one.node in ("", own))


def build_status(
    settings: Settings,
    now: datetime,
    batches: Sequence[WaitingBatch],
    snapshot: RedisSnapshot | None,
    problem: str | None,
) -> Status:
    """The status of listed batches and a snapshot of Redis; `problem` says why there is none."""
    totals = snapshot.counters.totals if snapshot else None
    feeds, feeds_problem = _feeds(settings)
    nodes = (
        list_nodes(settings, snapshot.nodes, snapshot.workers, snapshot.differing, snapshot.now_ms)
        if snapshot
        else None
    )
    return Status(
        at=rfc3339(now),
        redis=printable_url(redis_url(settings)),
        problem=problem,
        intake_problem=_intake_problem(settings),
        feeds_problem=feeds_problem,
        articles=count_articles(totals, _all_warnings(snapshot)) if totals else None,
        files=_files(batches, totals, count_elsewhere(nodes or ())),
        queue=_queue(batches, now),
        stream=snapshot.stream if snapshot else None,
        retention=snapshot.retention if snapshot else None,
        nodes=nodes,
        workers=snapshot.workers if snapshot else None,
        beat_age_s=snapshot.beat_age_s if snapshot else None,
        scan_age_s=success_age(settings.state_dir, "newsdrop.scan", now),
        polled=PollingStatus(
            # Feeds that are polled now; before the first poll only the configuration knows.
            feeds=(snapshot.feeds if snapshot else 0) or feeds,
            # A paused feed is not polled, so it no longer fails; `feeds list` shows it as paused.
            failing=len(snapshot.failing - paused_sources(settings.state_dir))
            if snapshot
            else None,
            due=snapshot.due if snapshot else None,
            pages_wanted=len(WantedPages(settings.state_dir).names()),
            rechecks=snapshot.rechecks if snapshot else None,
            rechecks_due=snapshot.rechecks_due if snapshot else None,
            behind=snapshot.behind if snapshot else {},
        ),
        site_rules=_site_rules(settings),
        archive_copy=read_state(settings.state_dir) if settings.archive.url else None,
        failing_tasks=read_failures(settings.state_dir),
        sources=list_sources(settings, now, batches, snapshot),
    )


def _site_rules(settings: Settings) -> SiteRulesStatus | None:
    record = read_rules_record(settings.state_dir)
    if record is None:
        return None
    return SiteRulesStatus(record.revision, record.count, record.since, record.problem)


def _feeds(settings: Settings) -> tuple[int, str | None]:
    """(number of configured feeds, None), or (0, why they cannot be read)."""
    try:
        return len(load_catalog(settings)), None
    except ConfigError as error:
        return 0, str(error)


def _intake_problem(settings: Settings) -> str | None:
    """Why scans and enqueues wait, by the same check that they use."""
    try:
        check_room(settings)
    except SpoolUnavailable as error:
        return str(error)
    return None


def _all_warnings(snapshot: RedisSnapshot | None) -> Mapping[str, int]:
    by_source = snapshot.counters.warnings.values() if snapshot else ()
    return dict(sorted(sum(map(Counter, by_source), Counter[str]()).items()))


def _files(batches: Sequence[WaitingBatch], totals: Tally | None, elsewhere: int) -> FileCounts:
    waiting = sum(batch.files for batch in batches if not batch.is_locked)
    working = sum(batch.files for batch in batches if batch.is_locked)
    if totals is None:
        return FileCounts(None, waiting, working, None, None)
    accepted = waiting + working + elsewhere + totals.archived + totals.quarantined
    return FileCounts(accepted, waiting, working, totals.archived, totals.quarantined, elsewhere)


def _queue(batches: Sequence[WaitingBatch], now: datetime) -> QueueStatus:
    if not batches:
        return QueueStatus(0, None)
    oldest = time_of(min(batch.name for batch in batches))  # names begin with their time
    return QueueStatus(len(batches), round(max(0.0, (now - oldest).total_seconds()), 3))
