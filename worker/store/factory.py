"""The stores as the settings have them. Nothing is connected before the first call."""

from worker.settings import Settings
from worker.store.articles import ArticleStore
from worker.store.connection import Client, connect, redis_url
from worker.store.feeds import FeedStore
from worker.store.jobs import JobStore
from worker.store.leases import HostPace
from worker.store.pages import PageStore
from worker.store.tally import CounterStore


def article_store(settings: Settings, client: Client | None = None) -> ArticleStore:
    """The stream and its index. Raises ConfigError where redis.url is none."""
    return ArticleStore(
        client or connect(redis_url(settings)),
        stream=settings.stream.name,
        max_length=settings.stream.max_length,
        keep_days=settings.dedupe.keep_days,
    )


def job_store(settings: Settings, client: Client | None = None) -> JobStore:
    """The jobs. Raises ConfigError where redis.url is none."""
    return JobStore(
        client or connect(redis_url(settings)),
        stream=settings.stream.name,
        keep_days=settings.jobs.keep_days,
    )


def feed_store(settings: Settings, client: Client | None = None) -> FeedStore:
    """What is remembered of feeds. Raises ConfigError where redis.url is none."""
    return FeedStore(
        client or connect(redis_url(settings)), stream=settings.stream.name, pace=_pace(settings)
    )


def page_store(settings: Settings, client: Client | None = None) -> PageStore:
    """When wanted pages are fetched. Raises ConfigError where redis.url is none."""
    return PageStore(
        client or connect(redis_url(settings)), stream=settings.stream.name, pace=_pace(settings)
    )


def _pace(settings: Settings) -> HostPace:
    return HostPace(settings.fetch.host_interval_seconds, settings.fetch.host_connections)


def counter_store(settings: Settings, client: Client) -> CounterStore:
    """The counters."""
    return CounterStore(
        client,
        stream=settings.stream.name,
        job_keep_days=settings.jobs.keep_days,
        max_refused=settings.jobs.max_refused,
    )
