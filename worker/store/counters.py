"""Counters of everything that was ever processed: each batch is counted once.

All of it is added up in Redis, most of it by the script that settles a batch, so no count is lost
with a process. The hash of measures has the fields

=========================  ==============================================================
``stage/<stage>/<bound>``  batches whose stage took up to so many seconds; `inf`: longer
``stage/<stage>/us``       the sum of their microseconds, so that adding is exact
``repeat/<why>``           what was not news, by :class:`~worker.model.Repeat`
``rejected/<reason>``      refusals, by :class:`~worker.errors.Reason`
``fetch/<kind>/<answer>``  fetches of `feed` and `page`, by status or trouble
=========================  ==============================================================
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import chain
from typing import Any

import orjson
import redis

from worker.model import DECISIONS, BatchMeasures, Outcome, Stage, Tally
from worker.store.connection import Script
from worker.store.errors import translated, translated_replies
from worker.store.layout import DAY, Layout

MINUTES_KEPT = 26 * 60
"""A day, and two hours for readers that are late."""

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)
"""Seconds. A small file is read in a few milliseconds; in a full spool batches may wait hours."""
_BUCKETS = (*(f"{bound:g}" for bound in BOUNDS), "inf")
_WARNING = "warning:"
"""Counters of published articles with a warning, by its kind: in totals, sources and jobs."""
_COUNTERS = tuple(counter.name for counter in fields(Tally))


@dataclass(frozen=True, slots=True)
class RefusedSummary:
    """A refused file, or a refused article of a file. `path` is escaped for people; `quarantine`
    is the id of its bytes."""

    path: str
    reason: str
    message: str
    quarantine: str | None = None


@dataclass(frozen=True, slots=True)
class CounterSnapshot:
    """The counters at one moment, and which of the given batches they include.

    `last_success_ms` is when each source last had a file archived (Unix, ms). `warnings` counts
    published articles with a warning, by its kind, for each source.
    """

    totals: Tally
    by_source: dict[str, Tally]
    settled: frozenset[str]
    last_success_ms: dict[str, int]
    warnings: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecisionCounts:
    """Articles by decision."""

    published: int
    revised: int
    withdrawn: int
    duplicate: int
    rejected: int

    @property
    def decision_count(self) -> int:
        return sum(getattr(self, status) for status in DECISIONS)


@dataclass(frozen=True, slots=True)
class Minute:
    """The articles settled within one minute. `at_ms` is its beginning (the server's, Unix ms)."""

    at_ms: int
    published: int = 0
    revised: int = 0
    duplicate: int = 0
    rejected: int = 0
    withdrawn: int = 0

    @property
    def articles(self) -> int:
        return sum(getattr(self, status) for status in DECISIONS)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations of batches. `counts` are of each bucket alone, one more than there are BOUNDS."""

    counts: tuple[int, ...] = (0,) * len(_BUCKETS)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class MeasureTotals:
    """All measures ever taken. `fetches` is by kind and answer."""

    stages: Mapping[Stage, Histogram] = field(default_factory=dict)
    repeats: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    fetches: Mapping[tuple[str, str], int] = field(default_factory=dict)


class CounterStore:
    """Every method raises Retryable, no error of redis-py."""

    def __init__(
        self, client: redis.Redis, *, stream: str, job_keep_days: int = 14, max_refused: int = 1000
    ) -> None:
        self._client: Any = client
        self._layout = Layout(stream, job_keep_days)
        self._max_refused = max_refused
        self._settle = Script("preconditions.lua", "settle.lua")
        self._snapshot = Script("snapshot.lua")
        self._minutes = Script("minutes.lua")

    def settle(
        self,
        batch: str,
        *,
        source: str,
        job: str | None,
        tally: Tally,
        measured: BatchMeasures | None = None,
        refused: Sequence[RefusedSummary] = (),
    ) -> bool:
        """Add a finished batch to the totals, its source, its job, its minute and the measures.
        False if that was done before.

        The claims of the batch are deleted; for a day its key says that it was settled.
        """
        counts = [(name, number) for name, number in asdict(tally).items() if number]
        if measured:
            counts += ((_WARNING + kind, count) for kind, count in measured.warnings.items())
        measures = list(_measures(measured)) if measured else []
        args: list[bytes | int] = [DAY, source.encode(), (job or "").encode()]
        args += (self._layout.keep_seconds, self._max_refused, MINUTES_KEPT)
        args += (len(counts), len(measures), _worked_ms(measured))
        for name, number in chain(counts, measures):
            args += (name.encode(), number)
        args += map(orjson.dumps, refused[: self._max_refused])
        keys = [
            self._layout.claims(batch),
            *self._tally_keys(),
            self._layout.jobs(),
            self._layout.job(job or ""),
            self._layout.refused(job or ""),
            self._layout.minutes(),
            self._layout.measures(),
        ]
        return bool(self._settle.run(self._client, keys, args))

    def snapshot(self, batches: Sequence[str] = ()) -> CounterSnapshot:
        """The counters now. To add the spool to them, list its batches first, pass them here and
        leave out those that are settled: then nothing is missing or counted twice."""
        keys = [*self._tally_keys(), *map(self._layout.claims, batches)]
        by_source: dict[str, dict[str, int]] = {}
        with translated_replies():
            totals, sources, settled = self._snapshot.run(self._client, keys, [])
            for name, number in _pairs(sources):
                source, _, counter = name.rpartition("/")
                by_source.setdefault(source, {})[counter] = number
            tally = parse_tally(dict(_pairs(totals)))
        return CounterSnapshot(
            totals=tally,
            by_source={name: parse_tally(counts) for name, counts in sorted(by_source.items())},
            settled=frozenset(b for b, done in zip(batches, settled, strict=True) if done),
            last_success_ms={
                name: counts["last_success_ms"]
                for name, counts in by_source.items()
                if "last_success_ms" in counts
            },
            warnings={name: parse_warnings(counts) for name, counts in by_source.items()},
        )

    def read_minutes(self, count: int) -> tuple[Minute, ...]:
        """The last `count` minutes (26 hours at most), oldest first; the last is the present one.

        Minutes without articles are included.
        """
        count = max(1, min(count, MINUTES_KEPT))
        with translated_replies():
            present, rows = self._minutes.run(self._client, [self._layout.minutes()], [count])
            # published, revised, duplicate, rejected and withdrawn, as settle.lua writes them
            return tuple(
                Minute(minute * 60_000, *map(int, (counts or b"").split()))
                for minute, counts in enumerate(rows, present - count + 1)
            )

    def count_fetches(self, answers: Mapping[tuple[str, str], int]) -> None:
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for (kind, answer), count in answers.items():
                pipe.hincrby(self._layout.measures(), f"fetch/{kind}/{answer}", count)
            pipe.execute()

    def read_measures(self) -> MeasureTotals:
        with translated_replies():
            values = self._client.hgetall(self._layout.measures())
            return parse_measures({name.decode(): int(value) for name, value in values.items()})

    def _tally_keys(self) -> list[bytes]:
        return [self._layout.key("tally"), self._layout.key("tally", "sources")]


def summarize_refusal(outcome: Outcome) -> RefusedSummary:
    """The summary of a rejected article's outcome."""
    return RefusedSummary(
        path=outcome.path,
        reason=outcome.reason.value if outcome.reason else "",
        message=outcome.message or "",
        quarantine=outcome.quarantine,
    )


def parse_tally(counts: Mapping[str, int]) -> Tally:
    """A tally from a mapping that may hold other things too."""
    return Tally(**{name: counts[name] for name in _COUNTERS if name in counts})


def parse_warnings(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of warnings by kind, from a mapping that may hold other things too."""
    return {
        name.removeprefix(_WARNING): number
        for name, number in sorted(counts.items())
        if name.startswith(_WARNING)
    }


def parse_measures(fields: Mapping[str, int]) -> MeasureTotals:
    numbers = {tuple(name.split("/")): number for name, number in fields.items()}
    return MeasureTotals(
        stages={
            stage: Histogram(
                counts=tuple(numbers.get(("stage", stage, name), 0) for name in _BUCKETS),
                seconds=numbers.get(("stage", stage, "us"), 0) / 1e6,
            )
            for stage in Stage
        },
        repeats=_group("repeat", numbers),
        rejected=_group("rejected", numbers),
        fetches={
            (name[1], name[2]): number
            for name, number in sorted(numbers.items())
            if name[0] == "fetch" and len(name) == 3
        },
    )


def _measures(measured: BatchMeasures) -> Iterator[tuple[str, int]]:
    for stage, seconds in measured.seconds.items():
        yield f"stage/{stage}/{_BUCKETS[bisect_left(BOUNDS, seconds)]}", 1
        yield f"stage/{stage}/us", round(seconds * 1e6)
    for group, counts in (("repeat", measured.repeats), ("rejected", measured.rejected)):
        yield from ((f"{group}/{why}", count) for why, count in counts.items())


def _worked_ms(measured: BatchMeasures | None) -> bytes | int:
    """Milliseconds since a worker took the batch. A job begins when work on its first one does."""
    seconds = measured.seconds if measured else {}
    if Stage.WAIT not in seconds or Stage.WHOLE not in seconds:
        return b""
    return max(0, round((seconds[Stage.WHOLE] - seconds[Stage.WAIT]) * 1000))


def _group(group: str, numbers: Mapping[tuple[str, ...], int]) -> dict[str, int]:
    return {name[1]: number for name, number in sorted(numbers.items()) if name[0] == group}


def _pairs(flat: Sequence[bytes]) -> list[tuple[str, int]]:
    return [
        (name.decode(), int(number)) for name, number in zip(flat[::2], flat[1::2], strict=True)
    ]
