"""The state of the service in Redis: heartbeats of the workers, and the schedulers' last ticks."""

import math
from dataclasses import dataclass, replace
from typing import Any

import orjson
import redis

from worker.model.from_json import checked_from
from worker.store.connection import server_ms
from worker.store.errors import translated, translated_replies
from worker.store.layout import DAY, Layout

BEAT_SECONDS = 10
"""Seconds between two heartbeats of a worker."""
ALIVE_SECONDS = 35
"""A worker that missed three heartbeats is not counted."""

_AHEAD_MS = 2000
"""A heartbeat further in the future comes from a clock that was ahead, and is ignored: for a server
8 hours ahead for 8 seconds, a dead scheduler passed as alive for 8 hours. After a failover the
clocks of two servers may differ by a little."""


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker. `name` is Celery's name for it (`celery@host`), `node` the id of its state
    directory ('' of an older version); times are the server's, Unix ms."""

    name: str
    pid: int
    host: str
    processes: int
    started_ms: int
    last_seen_ms: int = 0
    node: str = ""


class Heartbeats:
    """Of all nodes' workers, and of the scheduler of `node`. All times are the Redis server's, so
    the clocks of several machines may differ.

    Every method raises Retryable, no error of redis-py.
    """

    def __init__(self, client: redis.Redis, *, stream: str, node: str = "") -> None:
        self._client: Any = client
        self._node = node
        layout = Layout(stream, 1)
        self._workers = layout.key("workers")
        self._tick = layout.key("tick", *filter(None, [node]))
        self._older_tick = layout.key("tick")
        """Key of the scheduler of an older version, which had one for all nodes."""

    def beat(self, worker: WorkerInfo) -> None:
        with translated(), self._client.pipeline() as pipe:
            report = replace(worker, last_seen_ms=server_ms(self._client))
            pipe.hset(self._workers, worker.name, orjson.dumps(report))
            pipe.expire(self._workers, DAY)
            pipe.execute()

    def remove(self, worker: str) -> None:
        """Record that a worker ends."""
        with translated():
            self._client.hdel(self._workers, worker)

    def list_workers(self) -> list[WorkerInfo]:
        """The workers that are alive, by name. Those silent for a day are deleted."""
        with translated():
            now = server_ms(self._client)
            workers = list(filter(None, map(_parse_worker, self._client.hvals(self._workers))))
            silent = [w.name for w in workers if silence_ms(w.last_seen_ms, now) > DAY * 1000]
            if silent:
                self._client.hdel(self._workers, *silent)
        alive = (w for w in workers if silence_ms(w.last_seen_ms, now) <= ALIVE_SECONDS * 1000)
        return sorted(alive, key=lambda worker: worker.name)

    def list_own_workers(self) -> list[WorkerInfo]:
        """Those of this node: only they see its files."""
        return [worker for worker in self.list_workers() if worker.node in ("", self._node)]

    def record_tick(self) -> None:
        """Record that a tick of the scheduler arrived."""
        with translated():
            self._client.set(self._tick, server_ms(self._client), ex=DAY)

    def tick_age_seconds(self) -> float | None:
        """Seconds since the scheduler's last tick arrived; None if there was none for a day, or
        only one that the server's clock, set back since, puts into the future."""
        with translated_replies():
            times = map(self._client.get, {self._tick, self._older_tick})
            ticks = [int(tick) for tick in times if tick is not None]
            now = server_ms(self._client) if ticks else 0
        silence = min((silence_ms(tick, now) for tick in ticks), default=math.inf)
        return None if math.isinf(silence) else silence / 1000


def silence_ms(last_ms: int, now_ms: int) -> float:
    """Milliseconds since a heartbeat; infinite if it lies in the future."""
    return math.inf if last_ms > now_ms + _AHEAD_MS else max(0, now_ms - last_ms)


def _parse_worker(data: bytes) -> WorkerInfo | None:
    """A heartbeat; None if this version cannot read it: the others still count."""
    try:
        return checked_from(WorkerInfo, orjson.loads(data))
    except (ValueError, TypeError, AttributeError):
        return None
