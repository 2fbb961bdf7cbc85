"""The overview's part in Redis, read over one connection."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from worker.errors import Retryable
from worker.settings import Settings
from worker.store.backlog import ListingState
from worker.store.connection import Client, connect, redis_url
from worker.store.counters import CounterSnapshot, Minute
from worker.store.factory import (
    counter_store,
    feed_store,
    heartbeats,
    node_store,
    object_backlog,
    page_store,
    recheck_store,
    retention_store,
)
from worker.store.rechecks import RecheckCounts
from worker.store.retention import Retention
from worker.store.server import ServerInfo, get_server_info
from worker.store.service_nodes import NodeReport
from worker.store.stream import Stream, StreamInfo
from worker.store.workers import WorkerInfo


@dataclass(frozen=True, slots=True)
class RedisSnapshot:
    """`failing` are names of feeds; `behind` are hosts, with seconds; `differing` are nodes whose
    feeds are not those that are polled; `due_times` holds the next poll (Unix ms) of each feed that
    had articles, `listings` the state of each bucket. `now_ms` is the server's time (Unix)."""

    server: ServerInfo
    counters: CounterSnapshot
    feeds: int
    failing: frozenset[str]
    behind: Mapping[str, int]
    differing: frozenset[str]
    due: int
    rechecks: RecheckCounts
    rechecks_due: int
    due_times: Mapping[str, int]
    listings: Mapping[str, ListingState]
    stream: StreamInfo
    retention: Retention
    workers: tuple[WorkerInfo, ...]
    nodes: tuple[NodeReport, ...]
    now_ms: int
    beat_age_s: float | None
    minutes: tuple[Minute, ...]


def take_snapshot(
    settings: Settings, batches: Sequence[str], minutes: int = 1
) -> tuple[RedisSnapshot | None, str | None]:
    """(the snapshot, None), or (None, why Redis does not answer).

    `batches` are the names of those in the spool; the snapshot counts the articles of each of the
    last `minutes`. Raises ConfigError.
    """
    try:
        with closing(connect(redis_url(settings))) as client:
            return _read(settings, client, batches, minutes), None
    except Retryable as error:
        return None, str(error)


def _read(
    settings: Settings, client: Client, batches: Sequence[str], minutes: int
) -> RedisSnapshot:
    name = settings.stream.name
    beats = heartbeats(settings, client)
    store = counter_store(settings, client)
    counters = store.snapshot(batches)
    feeds, pages = feed_store(settings, client), page_store(settings, client)
    rechecks = recheck_store(settings, client)
    nodes, now_ms = node_store(settings, client).list()
    return RedisSnapshot(
        server=get_server_info(client),
        counters=counters,
        feeds=feeds.count(),
        failing=frozenset(feeds.list_failing()),
        behind=feeds.list_behind(),
        differing=frozenset(feeds.list_differing()),
        due=feeds.count_due() + pages.count_due(),
        rechecks=rechecks.read_totals(),
        rechecks_due=rechecks.count_due(),
        due_times=feeds.get_due_times(list(counters.by_source)),
        listings=object_backlog(settings, client).read_listings(
            [bucket.name for bucket in settings.buckets]
        ),
        stream=Stream(client, name).get_info(),
        retention=retention_store(settings, client).read(),
        workers=tuple(beats.list_workers()),
        nodes=tuple(nodes),
        now_ms=now_ms,
        beat_age_s=beats.tick_age_seconds(),
        minutes=store.read_minutes(minutes),
    )
