"""The values for /metrics: the overview, and the totals since the start of the service."""

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
from worker.store.connection import connect, redis_url
from worker.store.counters import MeasureTotals
from worker.store.factory import counter_store, feed_store

MAX_FEEDS = 500
"""Feeds with a series of their own: each is a line in every scrape."""


@dataclass(frozen=True, slots=True)
class RedisMetrics:
    """`queue_messages` counts waiting messages by queue; `feed_articles` the published and revised
    articles of the first feeds by name."""

    totals: MeasureTotals
    queue_messages: Mapping[str, int]
    feed_articles: Mapping[str, int]


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
    client = connect(redis_url(settings))
    wakeups = open_wakeups(settings, client)
    try:
        feeds = feed_store(settings, client)
        return RedisMetrics(
            counter_store(settings, client).read_measures(),
            _queue_messages(wakeups),
            feeds.count_published(sorted(feeds.names())[:MAX_FEEDS]),
        )
    except Retryable:
        return None  # Redis has just stopped: the next scrape says so
    finally:
        client.close()


def _queue_messages(wakeups: WakeupQueue) -> Mapping[str, int]:
    """Waiting messages by queue; empty where a broker of its own does not answer."""
    try:
        with closing(wakeups):
            return {one: wakeups.count_waiting(one) for one in (QUEUE, INGEST_QUEUE, ENQUEUE_QUEUE)}
    except Retryable:
        return {}
