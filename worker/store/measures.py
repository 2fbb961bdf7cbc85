"""What was measured: articles by the minute, seconds by stage, repeats and refusals by reason,
fetches by status.

All of it is added up in Redis, most of it in the call that settles a batch: no process has a count
of its own that could be lost with it. A histogram is a number a bucket and the sum in microseconds,
so that adding is exact. In the hash of measures:

=========================  =============================================================
``stage/<stage>/<bound>``  batches that took up to so many seconds, `inf` for longer
``stage/<stage>/us``       their microseconds together
``repeat/<why>``           what was no news, by :class:`~worker.model.Repeat`
``rejected/<reason>``      refusals, by :class:`~worker.errors.Reason`
``fetch/<kind>/<answer>``  fetches of `feed` and `page`, by status or trouble
=========================  =============================================================
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import redis

from worker.model import BatchMeasures, Stage
from worker.store.connection import translated, understood
from worker.store.layout import Layout
from worker.store.script import Script

MINUTES_KEPT = 26 * 60
"""A day, and two hours for whoever looks at it late."""

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)
"""Seconds. A small file is read in a few milliseconds; in a full spool batches may wait hours."""
_NAMES = (*(f"{bound:g}" for bound in BOUNDS), "inf")


@dataclass(frozen=True, slots=True)
class Minute:
    """The articles settled within one minute. `at_ms` is its beginning (the server's, Unix ms)."""

    at_ms: int
    published: int = 0
    revised: int = 0
    duplicate: int = 0
    rejected: int = 0

    @property
    def articles(self) -> int:
        return self.published + self.revised + self.duplicate + self.rejected


@dataclass(frozen=True, slots=True)
class Histogram:
    """How long batches took. `counts` are of each bucket alone, one more than there are BOUNDS."""

    counts: tuple[int, ...] = (0,) * len(_NAMES)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class MeasureTotals:
    """Everything ever measured. `fetches` is by kind and answer."""

    stages: Mapping[Stage, Histogram] = field(default_factory=dict)
    repeats: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    fetches: Mapping[tuple[str, str], int] = field(default_factory=dict)


class Measures:
    """Every method raises Retryable and nothing of redis."""

    def __init__(self, client: redis.Redis, *, stream: str) -> None:
        self._client: Any = client
        self._layout = Layout(stream, 1)
        self._minutes = Script("minutes.lua")

    def read_minutes(self, count: int) -> tuple[Minute, ...]:
        """The last `count` minutes (26 hours at most), oldest first; the last is the present one.

        Every minute is there, those without articles with zeros.
        """
        count = max(1, min(count, MINUTES_KEPT))
        with understood():
            present, found = self._minutes.run(self._client, [self._layout.minutes()], [count])
            return tuple(
                _minute(present - count + 1 + at, counts or b"") for at, counts in enumerate(found)
            )

    def count_fetches(self, answers: Mapping[tuple[str, str], int]) -> None:
        """Add fetches, by kind and answer."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for (kind, answer), count in answers.items():
                pipe.hincrby(self._layout.measures(), f"fetch/{kind}/{answer}", count)
            pipe.execute()

    def read_totals(self) -> MeasureTotals:
        """All that was measured so far."""
        with understood():
            found = self._client.hgetall(self._layout.measures())
            numbers = {tuple(name.decode().split("/")): int(value) for name, value in found.items()}
            return MeasureTotals(
                stages={stage: _histogram(stage, numbers) for stage in Stage},
                repeats=_below("repeat", numbers),
                rejected=_below("rejected", numbers),
                fetches={
                    (name[1], name[2]): number
                    for name, number in sorted(numbers.items())
                    if name[0] == "fetch" and len(name) == 3
                },
            )


def numbers_of(measured: BatchMeasures) -> list[tuple[bytes, int]]:
    """What settling a batch adds to the hash of measures."""
    found: list[tuple[str, int]] = []
    for stage, seconds in measured.seconds.items():
        found.append((f"stage/{stage}/{_NAMES[bisect_left(BOUNDS, seconds)]}", 1))
        found.append((f"stage/{stage}/us", round(seconds * 1e6)))
    found += ((f"repeat/{why}", count) for why, count in measured.repeats.items())
    found += ((f"rejected/{why}", count) for why, count in measured.rejected.items())
    return [(name.encode(), number) for name, number in found]


def _histogram(stage: Stage, numbers: Mapping[tuple[str, ...], int]) -> Histogram:
    return Histogram(
        counts=tuple(numbers.get(("stage", stage, name), 0) for name in _NAMES),
        seconds=numbers.get(("stage", stage, "us"), 0) / 1e6,
    )


def _below(group: str, numbers: Mapping[tuple[str, ...], int]) -> dict[str, int]:
    return {name[1]: number for name, number in sorted(numbers.items()) if name[0] == group}


def _minute(number: int, counts: bytes) -> Minute:
    """`counts` are published, revised, duplicate and rejected, as `settle.lua` writes them."""
    return Minute(number * 60_000, *map(int, counts.split()))
