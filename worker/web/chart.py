"""Charts: the geometry of stacked bars, lines and marks, and articles as a table too.

There is one path for each outcome, in whole units, so that an update has a few kilobytes. The style
sheet has the colours.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from worker.model import DECISIONS
from worker.model.times import rfc3339_from_ms
from worker.store.counters import Minute

OUTCOMES = tuple(status.value for status in DECISIONS)
"""From the bottom up."""

HEIGHT = 120
_STEP = 4
_BAR = 3
_EMPTY = (0,) * len(OUTCOMES)


@dataclass(frozen=True, slots=True)
class Row:
    """The articles of some minutes from `at` (RFC 3339, UTC) on."""

    at: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Stacked bars: `paths` is (series, the path's `d`), `top` the number at the full height,
    `totals` by series."""

    width: int
    height: int
    top: int
    paths: tuple[tuple[str, str], ...]
    totals: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return sum(count for _, count in self.totals)


@dataclass(frozen=True, slots=True)
class Chart(Bars):
    """Articles by outcome, a bar for each `bar_minutes`. `begin` and `end` are RFC 3339, UTC."""

    begin: str
    end: str
    rows: tuple[Row, ...]
    minutes: int
    bar_minutes: int


def make_chart(minutes: Sequence[Minute], bar_minutes: int = 1, row_minutes: int = 10) -> Chart:
    """The chart of consecutive `minutes`, oldest first; at least one."""
    counts = [[getattr(minute, name) for name in OUTCOMES] for minute in minutes]
    stacks = [
        [*map(sum, zip(*counts[at : at + bar_minutes], strict=True))]
        for at in range(0, len(counts), bar_minutes)
    ]
    bars = make_bars(OUTCOMES, stacks)
    return Chart(
        **{name: getattr(bars, name) for name in Bars.__slots__},
        begin=rfc3339_from_ms(minutes[0].at_ms),
        end=rfc3339_from_ms(minutes[-1].at_ms),
        rows=_rows(minutes, counts, row_minutes * 60_000),
        minutes=len(minutes),
        bar_minutes=bar_minutes,
    )


def make_bars(names: Sequence[str], stacks: Sequence[Sequence[int]]) -> Bars:
    """A bar for each of `stacks`, which has a number for each of `names`, from the bottom up."""
    top = axis_top(max(map(sum, stacks)))
    paths: dict[str, list[str]] = {name: [] for name in names}
    for place, stack in enumerate(stacks):
        below = drawn = 0
        above = sum(map(bool, stack))
        for name, count in zip(names, stack, strict=True):
            if not count:
                continue
            below, above = below + count, above - 1
            # Each has at least one unit: a single refusal among thousands must be visible.
            upper = max(drawn + 1, min(HEIGHT - above, round(below * HEIGHT / top)))
            x, tall = place * _STEP, upper - drawn
            paths[name].append(f"M{x} {HEIGHT - upper}h{_BAR}v{tall}h-{_BAR}z")
            drawn = upper
    return Bars(
        width=len(stacks) * _STEP,
        height=HEIGHT,
        top=top,
        paths=tuple((name, "".join(parts)) for name, parts in paths.items() if parts),
        totals=tuple(zip(names, map(sum, zip(*stacks, strict=True)), strict=True)),
    )


def draw_line(values: Sequence[float | None], top: float) -> str:
    """The `d` of a line through `values`, one each _STEP units, with gaps where they are None;
    `top` is the value at the full height."""
    parts, pen = [], "M"
    for place, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        parts.append(f"{pen}{place * _STEP} {HEIGHT - round(value * HEIGHT / (top or 1))}")
        if pen == "M":
            parts.append("h.1")  # a value between two gaps is a dot
        pen = "L"
    return "".join(parts)


def draw_marks(times_ms: Iterable[int], begin_ms: int, end_ms: int, width: int) -> str:
    """The `d` of a vertical line at each time."""
    scale = width / (end_ms - begin_ms)
    return "".join(f"M{(at - begin_ms) * scale:.1f} 0V{HEIGHT}" for at in times_ms)


def axis_top(maximum: int) -> int:
    """The least of 4, 10, 20, 40, 100, 200, … that is not below `maximum`: the axis
    seldom changes, and its half is a whole number."""
    tops: Iterator[int] = (
        first * 10**power for power in itertools.count() for first in (4, 10, 20)
    )
    return next(top for top in tops if top >= maximum)


def _rows(
    minutes: Sequence[Minute], counts: Sequence[Sequence[int]], row_ms: int
) -> tuple[Row, ...]:
    """The sums of each `row_ms`, newest first, without empty ones."""
    sums: dict[int, Sequence[int]] = {}
    for minute, stack in zip(minutes, counts, strict=True):
        if any(stack):
            start = minute.at_ms // row_ms * row_ms
            sums[start] = [*map(sum, zip(sums.get(start, _EMPTY), stack, strict=True))]
    return tuple(
        Row(rfc3339_from_ms(start), tuple(total)) for start, total in reversed(sums.items())
    )
