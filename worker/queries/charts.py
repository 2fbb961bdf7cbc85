"""Charts of the last minutes or hours: seconds by stage, fetches by answer, lags, and marks."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from worker.model import Stage
from worker.settings import Settings
from worker.store.counters import BOUNDS, Histogram, MeasureTotals, parse_measures
from worker.store.factory import sample_store
from worker.store.samples import Sample

RANGES = {"15m": (15, 1), "3h": (180, 5), "24h": (1440, 30)}
"""Name of a range -> its minutes, and the minutes between two points."""

DEFAULT_RANGE = "3h"
ANSWERS = ("2xx", "304", "4xx", "5xx", "failed")
"""Classes of answers to fetches; `failed`: there was no answer that could be used."""

_SAME_START_MS = 60_000
"""Workers that start within a minute are one start of the service."""


@dataclass(frozen=True, slots=True)
class StageChart:
    """Seconds that half (`p50`), and 95 %, of the batches took at most, between each two points and
    (`whole_…`) in the whole range; None without batches."""

    stage: Stage
    batches: int
    p50: tuple[float | None, ...]
    p95: tuple[float | None, ...]
    whole_p50: float | None
    whole_p95: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A change at `at_ms` (Unix): `start` of the service, its `settings`, or the `rules`."""

    at_ms: int
    kind: str


@dataclass(frozen=True, slots=True)
class Charts:
    """Charts from `begin_ms` to `end_ms` (Unix). `fetches` counts by answer between each two
    points; `lags` are at the points, None where unknown. `is_empty`: no two samples yet."""

    begin_ms: int
    end_ms: int
    stages: tuple[StageChart, ...]
    fetches: Mapping[str, tuple[int, ...]]
    lags: Mapping[str, tuple[int | None, ...]]
    marks: tuple[Mark, ...]
    is_empty: bool


def read_charts(settings: Settings, name: str, now: datetime) -> Charts:
    """The charts of the range `name`, up to `now`. Raises Retryable."""
    minutes, step = RANGES[name]
    end_ms = int(now.timestamp() * 1000)
    samples = sample_store(settings).read(minutes, end_ms)
    points = [end_ms - past * 60_000 for past in range(minutes, -1, -step)]
    return make_charts(samples, points)


def make_charts(samples: Sequence[Sample], points: Sequence[int]) -> Charts:
    """The charts of `samples` (oldest first) at `points` (Unix ms)."""
    times = [sample.at_ms for sample in samples]
    places = [bisect_right(times, point) - 1 for point in points]
    at_points = [samples[place] if place >= 0 else None for place in places]
    first = samples[0] if samples else None  # within a part, where the service has just started
    parts = [_difference(before or first, after) for before, after in pairwise(at_points)]
    whole = _difference(first, at_points[-1])
    groups = dict.fromkeys(group for sample in samples for group in sample.lags)
    return Charts(
        begin_ms=points[0],
        end_ms=points[-1],
        stages=tuple(_stage(stage, parts, whole) for stage in Stage),
        fetches={answer: tuple(_count(part, answer) for part in parts) for answer in ANSWERS},
        lags={
            group: tuple(sample.lags.get(group) if sample else None for sample in at_points)
            for group in groups
        },
        marks=tuple(mark for mark in _marks(samples) if mark.at_ms >= points[0]),
        is_empty=len(samples) < 2,
    )


def _difference(before: Sample | None, after: Sample | None) -> MeasureTotals:
    """The counts between two samples; counters of an emptied Redis start at 0 again."""
    if before is None or after is None:
        return parse_measures({})
    return parse_measures(
        {name: max(0, count - before.counts.get(name, 0)) for name, count in after.counts.items()}
    )


def _stage(stage: Stage, parts: Sequence[MeasureTotals], whole: MeasureTotals) -> StageChart:
    histograms = [part.stages[stage] for part in parts]
    return StageChart(
        stage,
        batches=sum(whole.stages[stage].counts),
        p50=tuple(quantile(each, 0.5) for each in histograms),
        p95=tuple(quantile(each, 0.95) for each in histograms),
        whole_p50=quantile(whole.stages[stage], 0.5),
        whole_p95=quantile(whole.stages[stage], 0.95),
    )


def quantile(histogram: Histogram, share: float) -> float | None:
    """Seconds that `share` of the batches took at most, linear within a bucket as Prometheus has
    it; of those beyond the last bound, that bound. None without batches."""
    rank = share * sum(histogram.counts)
    if not rank:
        return None
    lower, below = 0.0, 0
    for bound, count in zip(BOUNDS, histogram.counts, strict=False):
        if below + count >= rank:
            return lower + (bound - lower) * (rank - below) / count
        lower, below = bound, below + count
    return lower


def _count(part: MeasureTotals, wanted: str) -> int:
    return sum(count for (_, answer), count in part.fetches.items() if _class(answer) == wanted)


def _class(answer: str) -> str:
    kind = "304" if answer == "304" else f"{answer[:1]}xx"
    return kind if kind in ANSWERS else "failed"


def _marks(samples: Sequence[Sample]) -> Iterator[Mark]:
    """Oldest first."""
    starts = sorted({start for sample in samples for start in sample.started_ms})
    marks = [
        Mark(start, "start")
        for before, start in zip([None, *starts], starts, strict=False)
        if before is None or start - before > _SAME_START_MS
    ]
    last: dict[str, Sample] = {}
    for sample in samples:
        before = last.get(sample.host, sample)
        last[sample.host] = sample
        for kind in ("settings", "rules"):
            if getattr(before, kind) != getattr(sample, kind):
                marks.append(Mark(sample.at_ms, kind))
    yield from sorted(marks, key=lambda mark: mark.at_ms)
