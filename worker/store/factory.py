"""Makes the stores from the settings. Nothing is connected before the first call.

Each function raises ConfigError if redis.url is invalid.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from worker.settings import Settings
from worker.spool.ownership import make_id, read_id
from worker.store.articles import ArticleStore
from worker.store.backlog import Backlog
from worker.store.connection import Client, connect, redis_url
from worker.store.counters import CounterStore
from worker.store.feeds import FeedStore
from worker.store.groups.past import PastStore
from worker.store.groups.store import GroupStore
from worker.store.jobs import JobStore
from worker.store.layout import DAY
from worker.store.leases import HostPace
from worker.store.pages import PageStore
from worker.store.rechecks import RecheckStore
from worker.store.results import ResultQueue
from worker.store.retention import RetentionStore, StreamBounds
from worker.store.samples import SampleStore
from worker.store.service_nodes import NodeStore
from worker.store.workers import Heartbeats

Queue = TypeVar("Queue", FeedStore, PageStore, RecheckStore)


def article_store(settings: Settings, client: Client | None = None) -> ArticleStore:
    return ArticleStore(
        client or connect(redis_url(settings)),
        stream=settings.stream.name,
        keep_days=settings.dedupe.keep_days,
        near_days=settings.dedupe.near_days,
    )


def retention_store(settings: Settings, client: Client | None = None) -> RetentionStore:
    return RetentionStore(client or connect(redis_url(settings)), settings.stream.name)


def stream_bounds(settings: Settings, now: datetime) -> StreamBounds:
    """The configured bounds of the stream; `now` is aware."""
    stream = settings.stream
    oldest = now - timedelta(days=stream.keep_days)
    return StreamBounds(
        stream.max_length,
        int(oldest.timestamp() * 1000) if stream.keep_days else 0,
        stream.max_mb * 2**20,
        stream.group_idle_days * DAY * 1000,
    )


def heartbeats(settings: Settings, client: Client | None = None) -> Heartbeats:
    client = client or connect(redis_url(settings))
    node = read_id(settings.state_dir) or ""
    return Heartbeats(client, stream=settings.stream.name, node=node)


def node_store(settings: Settings, client: Client | None = None) -> NodeStore:
    return NodeStore(client or connect(redis_url(settings)), settings.stream.name)


def past_store(settings: Settings, client: Client | None = None) -> PastStore:
    return PastStore(client or connect(redis_url(settings)), settings.stream.name)


def job_store(settings: Settings, client: Client | None = None) -> JobStore:
    client = client or connect(redis_url(settings))
    return JobStore(client, stream=settings.stream.name, keep_days=settings.jobs.keep_days)


def group_store(settings: Settings, client: Client | None = None) -> GroupStore:
    return GroupStore(client or connect(redis_url(settings)), settings.stream.name)


def result_queue(settings: Settings, client: Client | None = None) -> ResultQueue:
    client = client or connect(redis_url(settings))
    return ResultQueue(client, stream=settings.stream.name, keep_days=settings.jobs.keep_days)


def feed_store(settings: Settings, client: Client | None = None) -> FeedStore:
    return _queue(FeedStore, settings, client)


def page_store(settings: Settings, client: Client | None = None) -> PageStore:
    return _queue(PageStore, settings, client)


def recheck_store(settings: Settings, client: Client | None = None) -> RecheckStore:
    return _queue(RecheckStore, settings, client)


def _queue(kind: type[Queue], settings: Settings, client: Client | None) -> Queue:
    client = client or connect(redis_url(settings))
    pace, node = _host_pace(settings), _node(settings)
    return kind(client, stream=settings.stream.name, pace=pace, node=node)


def object_backlog(settings: Settings, client: Client | None = None) -> Backlog:
    """The objects of buckets: no pause between two of them, and a host's failures stop all."""
    pace = HostPace(0.0, settings.fetch.concurrency)
    return _backlog(settings, client, "object", pace)


def address_backlog(settings: Settings, client: Client | None = None) -> Backlog:
    """The addresses of jobs, at the pace of feeds and pages."""
    return _backlog(settings, client, "address", _host_pace(settings))


def _backlog(settings: Settings, client: Client | None, kind: str, pace: HostPace) -> Backlog:
    return Backlog(
        client or connect(redis_url(settings)),
        stream=settings.stream.name,
        kind=kind,
        pace=pace,
        keep_seconds=settings.jobs.keep_days * DAY,
    )


def counter_store(settings: Settings, client: Client | None = None) -> CounterStore:
    return CounterStore(
        client or connect(redis_url(settings)),
        stream=settings.stream.name,
        job_keep_days=settings.jobs.keep_days,
        max_refused=settings.jobs.max_refused,
    )


def sample_store(settings: Settings, client: Client | None = None) -> SampleStore:
    return SampleStore(client or connect(redis_url(settings)), stream=settings.stream.name)


def _node(settings: Settings) -> str:
    """The id of this node; '' where the state directory is not there, or is another user's."""
    with suppress(OSError):
        return make_id(settings.state_dir)
    return ""


def _host_pace(settings: Settings) -> HostPace:
    return HostPace(settings.fetch.host_interval_seconds, settings.fetch.host_connections)
