"""What Prometheus scrapes at /metrics.

Nothing is counted in this process: each scrape reads what Redis and the spool tell, so it does not
matter how many processes work, on how many machines, or which of them was replaced or restarted.
Without Redis it answers `newsdrop_redis_up 0` and what the spool knows. docs/monitoring.md has a
row for each of these.
"""

import platform
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
from worker.queries.metrics import MetricsSnapshot, take_metrics
from worker.queries.overview import Overview
from worker.queries.status import SourceStatus
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.store.measures import BOUNDS, MeasureTotals
from worker.store.stream import StreamInfo

MOST_SOURCES = 500
"""Sources with series of their own; those after them, by name, are one more together."""
MOST_GROUPS = 100
OTHERS = "(others)"
_A_DAY = 86_400.0


def metrics(request: Request) -> Response:
    """All of them, as the header `Accept` wants them. It blocks: Starlette calls it in a thread."""
    settings: Settings = request.app.state.settings
    body, kind = exposition(settings, utc_now(), request.headers.get("accept", ""))
    return Response(body, headers={"content-type": kind})


def exposition(settings: Settings, now: datetime, accept: str = "") -> tuple[bytes, str]:
    """All metrics at `now` (aware), and their content type, chosen by the header `Accept`.

    Raises ConfigError where redis.url is none.
    """
    encode, content_type = choose_encoder(accept)
    return encode(_Scrape(take_metrics(settings, now))), content_type


class _Scrape:
    """One scrape, as prometheus_client wants it."""

    def __init__(self, told: MetricsSnapshot) -> None:
        self._told = told

    def collect(self) -> Iterator[Metric]:
        told = self._told
        seen = told.overview
        yield _build()
        yield _gauge("redis_up", "Whether Redis answers.", told.redis is not None)
        yield from _spool(seen)
        yield from _disk(told)
        yield from _sources(seen.status.sources)
        yield _labelled(
            "problems", "What is wrong now, by how grave it is.", "level", _problems(seen)
        )
        if told.redis is not None:
            yield from _measured(told.redis.totals)
            yield _labelled_counter(
                "feed_news", "Articles of a feed that were news.", "feed", told.redis.feed_articles
            )
            yield from _service(seen, told.redis.queue_messages)
        if seen.status.stream is not None:
            yield from _stream(seen.status.stream)


def _build() -> Metric:
    said = {"version": __version__, "python": platform.python_version()}
    return InfoMetricFamily("newsdrop_build", "Which newsdrop answers, on which Python.", said)


def _spool(seen: Overview) -> Iterator[Metric]:
    files, queue = seen.status.files, seen.status.queue
    states = {"waiting": files.waiting, "working": files.working}
    yield _labelled("files", "Accepted files that are not settled yet.", "state", states)
    yield _gauge("batches", "Batches in the spool, waiting or worked on.", queue.batches)
    yield _gauge(
        "oldest_batch_age_seconds",
        "How long the oldest batch in the spool is there; 0 where there is none.",
        queue.oldest_age_s or 0.0,
    )
    yield _gauge(
        "pages_wanted",
        "Articles of feeds that wait for their page.",
        seen.status.polled.pages_wanted,
    )
    yield _gauge(
        "intake_paused",
        "Whether nothing is taken in, for want of room on a disk.",
        seen.status.intake_problem is not None,
    )
    yield _gauge(
        "feeds_unreadable",
        "Whether the files of feeds cannot be read as they are now.",
        seen.status.feeds_problem is not None,
    )


def _disk(told: MetricsSnapshot) -> Iterator[Metric]:
    disk = told.overview.disk
    yield _gauge("spool_bytes", "What waits in the spool.", disk.spool)
    yield _gauge("archive_bytes", "What is kept in the archive.", disk.archive)
    yield _gauge("quarantine_bytes", "What is kept in quarantine.", told.quarantine.bytes)
    yield _gauge("quarantine_inputs", "Refused inputs in quarantine.", told.quarantined)
    yield _gauge(
        "sizes_complete",
        "0 while spool, archive or quarantine is not added up to its end: they are larger.",
        disk.whole and told.quarantine.whole,
    )
    if disk.free is not None and disk.total is not None:
        yield _gauge("disk_free_bytes", "Free on the state directory's disk.", disk.free)
        yield _gauge("disk_size_bytes", "Size of the state directory's disk.", disk.total)
    yield _gauge("disk_least_bytes", "Intake pauses below this (spool.min_free_mb).", disk.least)


def _sources(sources: Sequence[SourceStatus]) -> Iterator[Metric]:
    articles = _counter("articles", "Articles by what became of them.", "source", "outcome")
    success = _metric("source_last_success_timestamp_seconds", "When a file was last archived.")
    waiting = _metric("source_waiting_files", "Files of a source that are not settled yet.")
    paused = _metric("source_paused", "Whether a person paused the source.")
    shown, rest = sources[:MOST_SOURCES], sources[MOST_SOURCES:]
    for source in shown:
        for outcome, count in _outcomes([source]).items():
            articles.add_metric([source.name, outcome], count)
        if source.last_success:
            at = datetime.fromisoformat(source.last_success).timestamp()
            success.add_metric([source.name], at)
        waiting.add_metric([source.name], source.waiting)
        paused.add_metric([source.name], source.paused)
    if rest:
        for outcome, count in _outcomes(rest).items():
            articles.add_metric([OTHERS, outcome], count)
        waiting.add_metric([OTHERS], sum(source.waiting for source in rest))
    yield from (articles, success, waiting, paused)


def _outcomes(sources: Iterable[SourceStatus]) -> dict[str, int]:
    """The articles of the sources together; nothing where Redis does not tell."""
    told = [source.articles for source in sources if source.articles is not None]
    return {one.value: sum(getattr(each, one) for each in told) for one in DECISIONS if told}


def _measured(sums: MeasureTotals) -> Iterator[Metric]:
    repeats = {why.value: sums.repeats.get(why, 0) for why in Repeat}
    yield _labelled_counter(
        "duplicates", "Articles that were no news, by how that was seen.", "reason", repeats
    )
    # All that there may be, with zeros: what appears with its first count has no increase.
    reasons = {why.value: sums.rejected.get(why, 0) for why in Reason}
    yield _labelled_counter("rejected", "Refused files and articles.", "reason", reasons)
    fetches = _counter("fetches", "Fetches of feeds and pages, by status.", "kind", "status")
    for (kind, answer), count in sums.fetches.items():
        fetches.add_metric([kind, answer], count)
    yield fetches
    stages = HistogramMetricFamily(
        "newsdrop_stage_seconds", "How long batches took, by stage.", labels=["stage"]
    )
    bounds = (*(str(float(bound)) for bound in BOUNDS), "+Inf")
    for stage, told in sums.stages.items():
        below = [float(count) for count in accumulate(told.counts)]
        stages.add_metric([stage], list(zip(bounds, below, strict=True)), told.seconds)
    yield stages


def _service(seen: Overview, queues: Mapping[str, int]) -> Iterator[Metric]:
    status = seen.status
    if status.files.archived is not None and status.files.quarantined is not None:
        files = {"archived": status.files.archived, "quarantined": status.files.quarantined}
        yield _labelled_counter("files_settled", "Files that came to their end.", "outcome", files)
    yield _labelled("queue_messages", "Messages in Celery's queues: bells.", "queue", queues)
    workers = status.workers or ()
    yield _gauge("workers", "Workers heard of lately.", len(workers))
    yield _gauge(
        "worker_processes", "Processes of these workers.", sum(one.processes for one in workers)
    )
    yield _gauge(
        "processes_working",
        "Processes that ingest or fetch now, of this machine's spool.",
        len(seen.working),
    )
    age = _A_DAY if status.beat_age_s is None else status.beat_age_s
    yield _gauge("beat_age_seconds", "Since the scheduler was heard; a day at most.", age)
    polled = status.polled
    yield _gauge("feeds", "Feeds that are polled.", polled.feeds)
    if polled.failing is not None and polled.due is not None:
        yield _gauge("feeds_failing", "Polled feeds whose last poll was no good.", polled.failing)
        yield _gauge("fetches_due", "Feeds and pages that are to be fetched now.", polled.due)
    if seen.memory is not None:
        yield _gauge("redis_memory_used_bytes", "Memory that Redis uses.", seen.memory.used)
        yield _gauge(
            "redis_memory_max_bytes", "Redis' maxmemory; 0 where none is set.", seen.memory.max
        )


def _stream(stream: StreamInfo) -> Iterator[Metric]:
    yield _gauge("stream_entries", "Entries in the stream.", stream.length)
    lag = _metric("consumer_group_lag_entries", "Entries that a group has not read.", "group")
    pending = _metric(
        "consumer_group_pending_entries", "Entries that a group read and did not confirm.", "group"
    )
    consumers = _metric("consumer_group_consumers", "Consumers of a group.", "group")
    for group in stream.groups[:MOST_GROUPS]:
        name = [printable(group.name, 200)]
        if group.lag is not None:
            lag.add_metric(name, group.lag)
        pending.add_metric(name, group.pending)
        consumers.add_metric(name, group.consumers)
    yield from (lag, pending, consumers)


def _problems(seen: Overview) -> dict[str, int]:
    levels = [problem.level for problem in seen.problems]
    return {level: levels.count(level) for level in ("fail", "warn", "note")}


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"newsdrop_{name}", text, float(value))


def _metric(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"newsdrop_{name}", text, labels=labels or ("source",))


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"newsdrop_{name}", text, labels=labels)


def _labelled(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = _metric(name, text, label)
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def _labelled_counter(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = _counter(name, text, label)
    for value, count in values.items():
        family.add_metric([value], count)
    return family
