"""Counters of everything that was ever done, each batch counted once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import orjson
import redis

from worker.model import BatchMeasures, Outcome, Stage, Tally
from worker.store.connection import understood
from worker.store.layout import DAY, Layout
from worker.store.measures import MINUTES_KEPT, numbers_of
from worker.store.script import Script

COUNTERS = tuple(field.name for field in fields(Tally))


@dataclass(frozen=True, slots=True)
class RefusedSummary:
    """A file, or an article of one, that was refused. `path` is escaped for showing;
    `quarantine` is the id of its bytes."""

    path: str
    reason: str
    message: str
    quarantine: str | None = None


def summarize_refusal(outcome: Outcome) -> RefusedSummary:
    """What a rejected article's outcome says."""
    return RefusedSummary(
        path=outcome.path,
        reason=outcome.reason.value if outcome.reason else "",
        message=outcome.message or "",
        quarantine=outcome.quarantine,
    )


@dataclass(frozen=True, slots=True)
class CounterSnapshot:
    """The counters at one moment, and which of the batches asked for are in them.

    `last_success_ms` tells for each source when it last had a file archived (Unix, ms).
    """

    totals: Tally
    by_source: dict[str, Tally]
    settled: frozenset[str]
    last_success_ms: dict[str, int]


class CounterStore:
    """Every method raises Retryable and nothing of redis."""

    def __init__(
        self, client: redis.Redis, *, stream: str, job_keep_days: int = 14, max_refused: int = 1000
    ) -> None:
        self._client = client
        self._layout = Layout(stream, job_keep_days)
        self._max_refused = max_refused
        self._settle = Script("settle.lua")
        self._snapshot = Script("snapshot.lua")

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
        """Count a finished batch: in the totals, its source, its job, its minute and what is
        measured. False where it was before.

        The claims of the batch are forgotten; what remains for a day is that it was settled.
        """
        counts = [(name.encode(), number) for name, number in asdict(tally).items() if number]
        args: list[bytes | int] = [DAY, source.encode(), (job or "").encode()]
        args += (self._layout.keep_seconds, self._max_refused, MINUTES_KEPT)
        numbers = numbers_of(measured) if measured else []
        args += (len(counts), len(numbers), _worked(measured))
        args += (part for pair in (*counts, *numbers) for part in pair)
        args += map(orjson.dumps, refused[: self._max_refused])
        keys = [
            self._layout.claims(batch),
            *self._keys(),
            self._layout.jobs(),
            self._layout.job(job or ""),
            self._layout.refused(job or ""),
            self._layout.minutes(),
            self._layout.measures(),
        ]
        return bool(self._settle.run(self._client, keys, args))

    def snapshot(self, batches: Sequence[str] = ()) -> CounterSnapshot:
        """The counters now. Whoever adds the spool to them lists its batches first, asks for them
        here, and leaves out those that are settled: then nothing is missing or counted twice."""
        keys = [*self._keys(), *map(self._layout.claims, batches)]
        by_source: dict[str, dict[str, int]] = {}
        with understood():
            totals, sources, settled = self._snapshot.run(self._client, keys, [])
            for name, number in _pairs(sources):
                source, _, counter = name.rpartition("/")
                by_source.setdefault(source, {})[counter] = number
            together = parse_tally(dict(_pairs(totals)))
        return CounterSnapshot(
            totals=together,
            by_source={name: parse_tally(counts) for name, counts in sorted(by_source.items())},
            settled=frozenset(b for b, done in zip(batches, settled, strict=True) if done),
            last_success_ms={
                name: counts["last_success_ms"]
                for name, counts in by_source.items()
                if "last_success_ms" in counts
            },
        )

    def _keys(self) -> list[bytes]:
        return [self._layout.key("tally"), self._layout.key("tally", "sources")]


def parse_tally(counts: Mapping[str, int]) -> Tally:
    """A tally out of a mapping that may hold other things too."""
    return Tally(**{name: counts[name] for name in COUNTERS if name in counts})


def _worked(measured: BatchMeasures | None) -> bytes | int:
    """Milliseconds from when a worker took the batch until now: a job began when its first did."""
    seconds = measured.seconds if measured else {}
    if Stage.WAIT not in seconds or Stage.WHOLE not in seconds:
        return b""
    return max(0, round((seconds[Stage.WHOLE] - seconds[Stage.WAIT]) * 1000))


def _pairs(flat: Sequence[bytes]) -> list[tuple[str, int]]:
    return [
        (name.decode(), int(number)) for name, number in zip(flat[::2], flat[1::2], strict=True)
    ]
