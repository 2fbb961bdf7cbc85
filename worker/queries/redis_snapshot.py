"""What Redis tells of how everything stands, in one look and over one connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.errors import Retryable
from worker.settings import Settings
from worker.store.connection import Client, connect, redis_url
from worker.store.factory import counter_store, feed_store, page_store
from worker.store.measures import Measures, Minute
from worker.store.server import ServerInfo, server_info
from worker.store.stream import Stream, StreamInfo
from worker.store.tally import CounterSnapshot
from worker.store.workers import Heartbeats, WorkerInfo


@dataclass(frozen=True, slots=True)
class RedisSnapshot:
    """`failing` are feeds; `turns` tells of feeds that had articles when each is due (Unix ms)."""

    server: ServerInfo
    snapshot: CounterSnapshot
    feeds: int
    failing: frozenset[str]
    due: int
    turns: Mapping[str, int]
    stream: StreamInfo
    workers: tuple[WorkerInfo, ...]
    beat_age_s: float | None
    minutes: tuple[Minute, ...]


def take_snapshot(
    settings: Settings, batches: Sequence[str], minutes: int = 1
) -> tuple[RedisSnapshot | None, str | None]:
    """(what Redis tells, None), or (None, why it does not).

    `batches` are those that wait; of the last `minutes` it tells how many articles came out.
    Raises ConfigError.
    """
    client = connect(redis_url(settings))
    try:
        return _told(settings, client, batches, minutes), None
    except Retryable as error:
        return None, str(error)
    finally:
        client.close()


def _told(
    settings: Settings, client: Client, batches: Sequence[str], minutes: int
) -> RedisSnapshot:
    name = settings.stream.name
    heartbeats = Heartbeats(client, stream=name)
    snapshot = counter_store(settings, client).snapshot(batches)
    feeds, pages = feed_store(settings, client), page_store(settings, client)
    return RedisSnapshot(
        server=server_info(client),
        snapshot=snapshot,
        feeds=feeds.count(),
        failing=frozenset(feeds.failing()),
        due=feeds.due() + pages.due(),
        turns=feeds.due_times(list(snapshot.by_source)),
        stream=Stream(client, name).info(),
        workers=tuple(heartbeats.alive()),
        beat_age_s=heartbeats.tick_age_seconds(),
        minutes=Measures(client, stream=name).minutes(minutes),
    )
