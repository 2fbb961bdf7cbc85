"""The numbers of a service: how everything stands, and what was measured since it began.

One call is one look as :func:`~worker.queries.overview.overview` takes it, and a few more calls to
Redis: for the sums, for each queue, and for the feeds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from worker.errors import Retryable
from worker.queries.disk import quarantine_usage
from worker.queries.overview import Overview, get_overview
from worker.settings import Settings
from worker.spool.folder_cache import DiskUsage
from worker.store.connection import connect, redis_url
from worker.store.factory import feed_store
from worker.store.measures import Measures, MeasureTotals
from worker.store.wakeups import INGEST_QUEUE, QUEUE, WakeupQueue

MOST_FEEDS = 500
"""Feeds that are told of one by one: a line each in every scrape."""


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """`sums`, `queues` (messages that wait, by queue) and `news` (published and revised articles of
    the first feeds, by name) are None where Redis does not answer."""

    overview: Overview
    sums: MeasureTotals | None
    queues: Mapping[str, int] | None
    news: Mapping[str, int] | None
    quarantined: int
    quarantine: DiskUsage


def metrics_snapshot(settings: Settings, now: datetime) -> MetricsSnapshot:
    """All of it at `now` (aware). Raises ConfigError."""
    seen = get_overview(settings, now, minutes=1)
    told = None if seen.status.problem else _ask(settings)
    inputs, used = quarantine_usage(settings)
    sums, queues, news = told or (None, None, None)
    return MetricsSnapshot(seen, sums, queues, news, inputs, used)


def _ask(settings: Settings) -> tuple[MeasureTotals, Mapping[str, int], Mapping[str, int]] | None:
    client = connect(redis_url(settings))
    wakeups = WakeupQueue(client)
    try:
        sums = Measures(client, stream=settings.stream.name).sums()
        queues = {queue: wakeups.queued(queue) for queue in (QUEUE, INGEST_QUEUE)}
        feeds = feed_store(settings, client)
        return sums, queues, feeds.news(sorted(feeds.names())[:MOST_FEEDS])
    except Retryable:
        return None  # it went this moment: the next look says so
    finally:
        client.close()
