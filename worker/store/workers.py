"""Who is at work: heartbeats of the workers, and the last tick of the scheduler."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson
import redis

from worker.model.from_json import dataclass_from
from worker.store.connection import translated, understood
from worker.store.layout import DAY, Layout

BEAT_SECONDS = 10
"""How often a worker should say that it lives."""
ALIVE_SECONDS = 35
"""A worker that missed three beats is not counted."""

_NUMBERS = ("pid", "processes", "started_ms", "last_seen_ms")


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker. `name` is as Celery has it (`celery@host`); times are the server's, Unix ms."""

    name: str
    pid: int
    host: str
    processes: int
    started_ms: int
    last_seen_ms: int = 0


class Heartbeats:
    """Times are taken from the Redis server, so that clocks of several machines do not matter.

    Every method raises Retryable and nothing of redis.
    """

    def __init__(self, client: redis.Redis, *, stream: str) -> None:
        self._client: Any = client
        self._workers = Layout(stream, 1).key("workers")
        self._tick = Layout(stream, 1).key("tick")

    def beat(self, worker: WorkerInfo) -> None:
        """Say that `worker` lives."""
        with translated(), self._client.pipeline() as pipe:
            seen = replace(worker, last_seen_ms=self._now_ms())
            pipe.hset(self._workers, worker.name, orjson.dumps(asdict(seen)))
            pipe.expire(self._workers, DAY)
            pipe.execute()

    def remove(self, worker: str) -> None:
        """Say that a worker ends."""
        with translated():
            self._client.hdel(self._workers, worker)

    def list_workers(self) -> list[WorkerInfo]:
        """The workers heard of lately, by name; those long silent are struck off."""
        with translated():
            now = self._now_ms()
            told = map(_told, self._client.hvals(self._workers))
            known = [each for each in told if each is not None]
            gone = [each.name for each in known if now - each.last_seen_ms > DAY * 1000]
            if gone:
                self._client.hdel(self._workers, *gone)
        alive = (each for each in known if now - each.last_seen_ms <= ALIVE_SECONDS * 1000)
        return sorted(alive, key=lambda each: each.name)

    def record_tick(self) -> None:
        """Say that the scheduler's tick was heard."""
        with translated():
            self._client.set(self._tick, self._now_ms(), ex=DAY)

    def tick_age_seconds(self) -> float | None:
        """How long ago the scheduler's last tick was heard; None where there was none for a day."""
        with understood():
            last = self._client.get(self._tick)
            return None if last is None else max(0.0, (self._now_ms() - int(last)) / 1000)

    def _now_ms(self) -> int:
        seconds, micros = self._client.time()
        return int(seconds) * 1000 + int(micros) // 1000


def _told(said: bytes) -> WorkerInfo | None:
    """A heartbeat; None where it is none of this version's: the others count all the same."""
    try:
        values: dict[str, Any] = orjson.loads(said)
        wrong = [name for name in _NUMBERS if not isinstance(values.get(name), int)]
        named = isinstance(values.get("name"), str)
        return dataclass_from(WorkerInfo, values) if named and not wrong else None
    except (ValueError, TypeError, AttributeError):
        return None
