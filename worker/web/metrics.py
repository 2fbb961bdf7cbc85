"""The metrics that Prometheus scrapes at /metrics.

This process counts nothing: each scrape reads Redis and the spool, so it does not matter how many
processes work, on how many machines, or which of them was restarted. Without Redis the answer is
`newsdrop_redis_up 0` and what the spool knows. docs/monitoring.md has a row for each metric.
"""

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from worker import __version__
from worker.errors import Reason
from worker.escape import printable
from worker.model import DECISIONS, Repeat
from worker.queries.status.metrics import MetricsSnapshot, take_metrics
from worker.queries.status.nodes import NodeStatus
from worker.queries.status.overview import Overview
from worker.queries.status.service import Status
from worker.queries.status.sources import SourceStatus
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.spool.copy_record import CopyState
from worker.store.counters import BOUNDS, MeasureTotals
from worker.store.retention import Retention
from worker.store.stream import StreamInfo

MAX_SOURCES = 500
"""Sources with series of their own; all others, by name, share one."""
MAX_GROUPS = 100
MAX_NODES = 100
OTHERS = "(others)"
_A_DAY = 86_400.0


def metrics(request: Request) -> Response:
    """All metrics in the format of the header `Accept`. It blocks, so it runs in a thread."""
    settings: Settings = request.app.state.settings
    body, content_type = exposition(settings, utc_now(), request.headers.get("accept", ""))
    return Response(body, headers={"content-type": content_type})


def exposition(settings: Settings, now: datetime, accept: str = "") -> tuple[bytes, str]:
    """All metrics at `now` (aware), and their content type, chosen by the header `Accept`.

    Raises ConfigError where redis.url is not an address.
    """
    encode, content_type = choose_encoder(accept)
    return encode(_Scrape(take_metrics(settings, now))), content_type


class _Scrape:
    """One scrape, as a collector of prometheus_client."""

    def __init__(self, snapshot: MetricsSnapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        overview, redis = self._snapshot.overview, self._snapshot.redis
        status = overview.status
        versions = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily("newsdrop_build", "The versions of newsdrop and Python.", versions)
        yield _gauge("redis_up", "1 if Redis answers.", redis is not None)
        yield from _spool(status)
        yield from _disk(self._snapshot)
        yield from _archive_copy(status)
        yield from _sources(status.sources)
        levels = [problem.level for problem in overview.problems]
        counts = {level: levels.count(level) for level in ("fail", "warn", "note")}
        yield _gauges("problems", "Current problems by severity.", "level", counts)
        if redis is not None:
            yield from _work(redis.totals)
            news = redis.feed_articles
            yield _counters("feed_news", "Published or revised articles of a feed.", "feed", news)
            yield from _service(overview, redis.queue_messages)
            text = "Objects and addresses to fetch, by state."
            yield _filled(_metric("backlog", text, "source", "state"), redis.backlog.items())
        if status.stream is not None:
            yield from _stream(status.stream)
        if status.retention is not None:
            yield from _retention(status.retention)


def _spool(status: Status) -> Iterator[Metric]:
    states = {"waiting": status.files.waiting, "working": status.files.working}
    yield _gauges("files", "Accepted files that are not settled yet.", "state", states)
    yield _gauge("batches", "Batches in the spool.", status.queue.batches)
    oldest = status.queue.oldest_age_s or 0.0
    yield _gauge("oldest_batch_age_seconds", "Age of the oldest batch; 0 without one.", oldest)
    pages = status.polled.pages_wanted
    yield _gauge("pages_wanted", "Feed articles that wait for their page.", pages)
    paused = status.intake_problem is not None
    yield _gauge("intake_paused", "1 while intake is paused: a disk is nearly full.", paused)
    unreadable = status.feeds_problem is not None
    yield _gauge("feeds_unreadable", "1 if the list of feeds cannot be read.", unreadable)
    wrong = bool(status.site_rules and status.site_rules.problem)
    yield _gauge("site_rules_unreadable", "1 if a site rule has an error.", wrong)


def _disk(snapshot: MetricsSnapshot) -> Iterator[Metric]:
    disk, quarantine = snapshot.overview.disk, snapshot.quarantine
    yield _gauge("spool_bytes", "Size of the spool.", disk.spool)
    yield _gauge("archive_bytes", "Size of the archive.", disk.archive)
    yield _gauge("quarantine_bytes", "Size of the quarantine.", quarantine.bytes)
    yield _gauge("quarantine_inputs", "Refused inputs in quarantine.", snapshot.quarantined)
    is_complete = disk.whole and quarantine.whole
    yield _gauge("sizes_complete", "0 while these sizes are still being added up.", is_complete)
    if disk.free is not None and disk.total is not None:
        yield _gauge("disk_free_bytes", "Free space on the state directory's disk.", disk.free)
        yield _gauge("disk_size_bytes", "Size of the state directory's disk.", disk.total)
    yield _gauge("disk_least_bytes", "Intake pauses below this (spool.min_free_mb).", disk.least)


def _archive_copy(status: Status) -> Iterator[Metric]:
    state, at = status.archive_copy or CopyState(), datetime.fromisoformat(status.at)
    yield _gauge("archive_uncopied_batches", "Archived batches to be copied.", state.waiting)
    age = (at - datetime.fromisoformat(state.oldest)).total_seconds() if state.oldest else 0.0
    yield _gauge("archive_uncopied_seconds", "Age of the oldest of them.", max(0.0, age))


def _sources(sources: Sequence[SourceStatus]) -> Iterator[Metric]:
    articles = _counter("articles", "Articles by outcome.", "source", "outcome")
    warnings = _counter("warnings", "Published articles with a warning.", "source", "kind")
    success = _metric("source_last_success_timestamp_seconds", "When a file was last archived.")
    waiting = _metric("source_waiting_files", "Files of a source that are not settled yet.")
    paused = _metric("source_paused", "1 if a person paused the source.")
    failing = _metric("bucket_failing", "1 if the last listing of a bucket failed.")
    named = {source.name: [source] for source in sources[:MAX_SOURCES]}
    if others := sources[MAX_SOURCES:]:
        named[OTHERS] = [*others]
    for name, group in named.items():
        for outcome, count in _outcomes(group).items():
            articles.add_metric([name, outcome], count)
        for kind, count in _warnings(group).items():
            warnings.add_metric([name, kind], count)
        waiting.add_metric([name], sum(source.waiting for source in group))
    for source in sources[:MAX_SOURCES]:
        if source.last_success:
            at = datetime.fromisoformat(source.last_success).timestamp()
            success.add_metric([source.name], at)
        paused.add_metric([source.name], source.paused)
        if source.listing is not None:
            failing.add_metric([source.name], source.failing)
    yield from (articles, warnings, success, waiting, paused, failing)


def _outcomes(sources: Iterable[SourceStatus]) -> dict[str, int]:
    """The articles of all sources by outcome; nothing where Redis does not answer."""
    counts = [source.articles for source in sources if source.articles is not None]
    return {it.value: sum(getattr(count, it) for count in counts) for it in DECISIONS if counts}


def _warnings(sources: Iterable[SourceStatus]) -> dict[str, int]:
    """The published articles of all sources with a warning, by its kind; only kinds that occurred:
    with all of them each source would have 13 series."""
    counts: Counter[str] = Counter()
    for source in sources:
        counts.update(source.articles.warnings if source.articles else {})
    return dict(counts)


def _work(totals: MeasureTotals) -> Iterator[Metric]:
    # All reasons, with zeros: a series that appears with its first count shows no increase.
    repeats = {reason.value: totals.repeats.get(reason, 0) for reason in Repeat}
    yield _counters("duplicates", "Articles that were not new, by reason.", "reason", repeats)
    reasons = {reason.value: totals.rejected.get(reason, 0) for reason in Reason}
    yield _counters("rejected", "Refused files and articles.", "reason", reasons)
    text = "Fetches of feeds, pages and rechecks, by status."
    yield _filled(_counter("fetches", text, "kind", "status"), totals.fetches.items())
    stages = HistogramMetricFamily(
        "newsdrop_stage_seconds", "Duration of a batch's stages.", labels=["stage"]
    )
    bounds = (*(str(float(bound)) for bound in BOUNDS), "+Inf")
    for stage, total in totals.stages.items():
        cumulative = map(float, accumulate(total.counts))
        stages.add_metric([stage], list(zip(bounds, cumulative, strict=True)), total.seconds)
    yield stages


def _service(overview: Overview, queues: Mapping[str, int]) -> Iterator[Metric]:
    status, polled = overview.status, overview.status.polled
    if status.files.archived is not None and status.files.quarantined is not None:
        files = {"archived": status.files.archived, "quarantined": status.files.quarantined}
        yield _counters("files_settled", "Finished files by outcome.", "outcome", files)
    text = "Messages in Celery's queues: wake-ups, and orders of clients."
    yield _gauges("queue_messages", text, "queue", queues)
    workers = status.workers or ()
    yield _gauge("workers", "Workers with a recent heartbeat.", len(workers))
    processes = sum(worker.processes for worker in workers)
    yield _gauge("worker_processes", "Processes of these workers.", processes)
    yield from _nodes(status.nodes or ())
    working = len(overview.working)
    yield _gauge("processes_working", "Processes that work on this machine's spool now.", working)
    age = _A_DAY if status.beat_age_s is None else status.beat_age_s
    yield _gauge("beat_age_seconds", "Time since the scheduler's last tick; a day at most.", age)
    yield _gauge("feeds", "Feeds that are polled.", polled.feeds)
    if polled.failing is not None and polled.due is not None:
        yield _gauge("feeds_failing", "Polled feeds whose last poll failed.", polled.failing)
        yield _gauge("fetches_due", "Feeds and pages that are due now.", polled.due)
    if (rechecks := polled.rechecks) is not None and polled.rechecks_due is not None:
        yield _gauge("rechecks_waiting", "Published pages to be fetched again.", rechecks.waiting)
        yield _gauge("rechecks_due", "Those of them that are due now.", polled.rechecks_due)
        ended = {"done": rechecks.done, "dropped": rechecks.dropped}
        yield _counters("rechecks", "Rechecks of published pages by outcome.", "outcome", ended)
    if memory := overview.memory:
        yield _gauge("redis_memory_used_bytes", "Memory that Redis uses.", memory.used)
        yield _gauge("redis_memory_max_bytes", "Redis' maxmemory; 0 if not set.", memory.max)


def _nodes(nodes: Sequence[NodeStatus]) -> Iterator[Metric]:
    values = {
        "node_silent_seconds": ("Time since a node's last report.", "silent_seconds"),
        "node_files": ("Accepted files that wait on a node.", "files"),
        "node_pages": ("Pages that a node is to fetch.", "pages"),
        "node_leases": ("Feeds and pages that a node fetches now.", "leases"),
        "node_other_feeds": ("1 if a node has other feeds.", "has_other_feeds"),
        "node_processes": ("Processes of a node's workers.", "processes"),
        "node_clock_ahead_seconds": ("By how much a clock is ahead of Redis'.", "ahead_seconds"),
    }
    for name, (text, field) in values.items():
        rows = (([node.name], getattr(node, field)) for node in nodes[:MAX_NODES])
        yield _filled(_metric(name, text, "node"), rows)


def _stream(stream: StreamInfo) -> Iterator[Metric]:
    yield _gauge("stream_entries", "Entries in the stream.", stream.length)
    lag = _metric("consumer_group_lag_entries", "Entries that a group has not read.", "group")
    text = "Entries read by a group without an acknowledgement."
    pending = _metric("consumer_group_pending_entries", text, "group")
    consumers = _metric("consumer_group_consumers", "Consumers of a group.", "group")
    for group in stream.groups[:MAX_GROUPS]:
        name = [printable(group.name, 200)]
        if group.lag is not None:
            lag.add_metric(name, group.lag)
        pending.add_metric(name, group.pending)
        consumers.add_metric(name, group.consumers)
    yield from (lag, pending, consumers)


def _retention(retention: Retention) -> Iterator[Metric]:
    trimmed = _counter("stream_trimmed", "Entries removed from the stream.")
    trimmed.add_metric([], retention.trimmed)
    unread = _counter("stream_trimmed_unread", "Entries removed before a group had read them.")
    unread.add_metric([], retention.unread)
    idle = _metric("consumer_group_idle_seconds", "Time without progress of a group.", "group")
    for group, seconds in list(retention.idle_seconds.items())[:MAX_GROUPS]:
        idle.add_metric([printable(group, 200)], seconds)
    yield from (trimmed, unread, idle)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"newsdrop_{name}", text, float(value))


def _metric(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"newsdrop_{name}", text, labels=labels or ("source",))


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"newsdrop_{name}", text, labels=labels)


def _gauges(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    rows = (([value], count) for value, count in values.items())
    return _filled(_metric(name, text, label), rows)


def _counters(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    rows = (([value], count) for value, count in values.items())
    return _filled(_counter(name, text, label), rows)


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, rows: Iterable[tuple[Sequence[str], float]]
) -> Metric:
    for labels, value in rows:
        family.add_metric(labels, value)
    return family
