"""Samples of the counters, the groups' lags and what is in force, for charts of the last day.

A sample holds sums since the beginning, so the difference of any two is what came between them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
import redis

from worker.model.from_json import dataclass_from
from worker.store.errors import translated, translated_replies
from worker.store.layout import Layout

STEPS = {1: 3 * 60, 15: 26 * 60}
"""Minutes between two samples -> minutes for which these are kept: in all 284 samples of 1.5 kB."""

MAX_GROUPS = 50
"""Groups with a lag in a sample, the first by name."""

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Sample:
    """The state at `at_ms` (Unix). `counts` are the fields of the measures' hash
    (:mod:`worker.store.counters`) for stages and fetches, `lags` the unread entries by group (None:
    unknown), `started_ms` when the workers started that are alive. `settings` and `rules` identify
    what is in force at `host`."""

    at_ms: int
    counts: Mapping[str, int] = field(default_factory=dict)
    lags: Mapping[str, int | None] = field(default_factory=dict)
    started_ms: tuple[int, ...] = ()
    host: str = ""
    settings: str = ""
    rules: str = ""


class SampleStore:
    """Every method raises Retryable, no error of redis-py."""

    def __init__(self, client: redis.Redis, *, stream: str) -> None:
        self._client: Any = client
        self._layout = Layout(stream, 1)

    def is_due(self, now_ms: int) -> bool:
        """Whether this minute has no sample."""
        return bool(self._missing(now_ms))

    def add(self, sample: Sample) -> None:
        """Add a sample with the counts that Redis has now."""
        with translated_replies(), self._client.pipeline() as pipe:
            measures: dict[bytes, bytes] = self._client.hgetall(self._layout.measures())
            counts = {
                name.decode(): int(number)
                for name, number in measures.items()
                if name.startswith((b"stage/", b"fetch/"))
            }
            data = orjson.dumps({**asdict(sample), "counts": counts})
            for step in self._missing(sample.at_ms):
                slot, keep_minutes = sample.at_ms // _MINUTE_MS // step, STEPS[step]
                pipe.zadd(self._key(step), {data: slot})
                pipe.zremrangebyscore(self._key(step), "-inf", slot - keep_minutes // step - 2)
                pipe.expire(self._key(step), (keep_minutes + step) * 60)
            pipe.execute()

    def read(self, minutes: int, now_ms: int) -> list[Sample]:
        """The samples of the last `minutes`, and the one before; oldest first."""
        step = 1 if minutes <= STEPS[1] else 15
        first = (now_ms // _MINUTE_MS - minutes) // step - 1
        with translated_replies():
            members = self._client.zrangebyscore(self._key(step), first, "+inf")
            return sorted(map(_sample, members), key=lambda sample: sample.at_ms)

    def _missing(self, at_ms: int) -> list[int]:
        """The steps whose present slot has no sample."""
        slots = {step: at_ms // _MINUTE_MS // step for step in STEPS}
        with translated():
            return [
                step
                for step, slot in slots.items()
                if not self._client.zcount(self._key(step), slot, slot)
            ]

    def _key(self, step: int) -> bytes:
        return self._layout.key("samples", str(step))


def _sample(data: bytes) -> Sample:
    """A sample whose values have their types: another program may have written it."""
    sample = dataclass_from(Sample, orjson.loads(data))
    return Sample(
        int(sample.at_ms),
        {name: int(count) for name, count in sample.counts.items()},
        {name: None if lag is None else int(lag) for name, lag in sample.lags.items()},
        tuple(map(int, sample.started_ms)),
        str(sample.host),
        str(sample.settings),
        str(sample.rules),
    )
