"""The values for /metrics: the overview, and the totals since the start of the service."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from worker.errors import Retryable
from worker.queries.status.disk import quarantine_usage
from worker.queries.status.overview import Overview, get_overview
from worker.settings import Settings
from worker.spool.folder_cache import DiskUsage
from worker.store.broker import ENQUEUE_QUEUE, INGEST_QUEUE, QUEUE, WakeupQueue, open_wakeups
from worker.store.connection import Client, connect, redis_url
from worker.store.counters import MeasureTotals
from worker.store.factory import (
    address_backlog,
    counter_store,
    feed_store,
    job_store,
    object_backlog,
)

MAX_FEEDS = 500
"""Feeds with a series of their own: each is a line in every scrape."""
MAX_LISTINGS = 100


@dataclass(frozen=True, slots=True)
class RedisMetrics:
    """`queue_messages` counts waiting messages by queue; `feed_articles` the published and revised
    articles of the first feeds by name; `backlog` the objects and addresses of buckets and
    back-fills by source and state (`waiting`, `paused`, `done`, `unfetchable`)."""

    totals: MeasureTotals
    queue_messages: Mapping[str, int]
    feed_articles: Mapping[str, int]
    backlog: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """`redis` is None where Redis does not answer; `quarantined` is the number of inputs."""

    overview: Overview
    redis: RedisMetrics | None
    quarantined: int
    quarantine: DiskUsage


def take_metrics(settings: Settings, now: datetime) -> MetricsSnapshot:
    """All values at `now` (aware). Raises ConfigError."""
    overview = get_overview(settings, now, minutes=1)
    redis = None if overview.status.problem else _read_redis(settings)
    return MetricsSnapshot(overview, redis, *quarantine_usage(settings))


def _read_redis(settings: Settings) -> RedisMetrics | None:
    try:
        with closing(connect(redis_url(settings))) as client:
            feeds = feed_store(settings, client)
            return RedisMetrics(
                counter_store(settings, client).read_measures(),
                _queue_messages(open_wakeups(settings, client)),
                feeds.count_published(sorted(feeds.names())[:MAX_FEEDS]),
                _count_backlog(settings, client),
            )
    except Retryable:
        return None  # Redis has just stopped: the next scrape says so


def _count_backlog(settings: Settings, client: Client) -> Mapping[tuple[str, str], int]:
    """Of buckets, and of the jobs that still fetch: the first of each kind by name."""
    jobs, counts = job_store(settings, client), Counter[tuple[str, str]]()
    for backlog in (object_backlog(settings, client), address_backlog(settings, client)):
        names = sorted(backlog.list_open())[:MAX_LISTINGS]
        states = {name: jobs.get(name) for name in names}
        listings = backlog.read_listings([name for name, job in states.items() if job is None])
        for name, job in states.items():
            state = job.fetching if job else listings.get(name)
            if state is None:
                continue  # it has just ended
            source = job.job.source if job else name
            is_paused = job is not None and job.fetching is not None and job.fetching.is_paused
            counts[source, "paused" if is_paused else "waiting"] += state.unfetched
            counts[source, "done"] += state.listed - state.unfetched
            counts[source, "unfetchable"] += state.unfetchable
    return counts


def _queue_messages(wakeups: WakeupQueue) -> Mapping[str, int]:
    """Waiting messages by queue; empty where a broker of its own does not answer."""
    try:
        with closing(wakeups):
            return {one: wakeups.count_waiting(one) for one in (QUEUE, INGEST_QUEUE, ENQUEUE_QUEUE)}
    except Retryable:
        return {}
