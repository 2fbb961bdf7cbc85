"""Articles per minute as stacked bars: the geometry, and the same figures as a table.

There is one path for each outcome, in whole units, so that an update has a few kilobytes. The style
sheet has the colours.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from worker.model.times import rfc3339_from_ms
from worker.store.counters import Minute

OUTCOMES = ("published", "revised", "duplicate", "rejected")
"""From the bottom up."""

HEIGHT = 120
_STEP = 4
_BAR = 3
_ROW_MS = 10 * 60_000
_EMPTY = (0,) * len(OUTCOMES)


@dataclass(frozen=True, slots=True)
class Row:
    """The articles of some minutes from `at` (RFC 3339, UTC) on."""

    at: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """`paths` is (outcome, the path's `d`); `top` the articles per minute at the full height;
    `totals` by outcome. `begin` and `end` are RFC 3339, UTC."""

    width: int
    height: int
    top: int
    paths: tuple[tuple[str, str], ...]
    totals: tuple[tuple[str, int], ...]
    begin: str
    end: str
    rows: tuple[Row, ...]
    minutes: int

    @property
    def total(self) -> int:
        return sum(count for _, count in self.totals)


def make_chart(minutes: Sequence[Minute]) -> Chart:
    """The chart of consecutive `minutes`, oldest first; at least one."""
    counts = [[getattr(minute, name) for name in OUTCOMES] for minute in minutes]
    top = axis_top(max(map(sum, counts)))
    paths: dict[str, list[str]] = {name: [] for name in OUTCOMES}
    for place, stack in enumerate(counts):
        below = drawn = 0
        above = sum(map(bool, stack))
        for name, count in zip(OUTCOMES, stack, strict=True):
            if not count:
                continue
            below, above = below + count, above - 1
            # Each has at least one unit: a single refusal among thousands must be visible.
            upper = max(drawn + 1, min(HEIGHT - above, round(below * HEIGHT / top)))
            left, tall = place * _STEP, upper - drawn
            paths[name].append(f"M{left} {HEIGHT - upper}h{_BAR}v{tall}h-{_BAR}z")
            drawn = upper
    return Chart(
        width=len(minutes) * _STEP,
        height=HEIGHT,
        top=top,
        paths=tuple((name, "".join(parts)) for name, parts in paths.items() if parts),
        totals=tuple(zip(OUTCOMES, map(sum, zip(*counts, strict=True)), strict=True)),
        begin=rfc3339_from_ms(minutes[0].at_ms),
        end=rfc3339_from_ms(minutes[-1].at_ms),
        rows=_rows(minutes, counts),
        minutes=len(minutes),
    )


def axis_top(maximum: int) -> int:
    """The least of 4, 10, 20, 40, 100, 200, … that is not below `maximum`: the axis
    seldom changes, and its half is a whole number."""
    tops: Iterator[int] = (
        first * 10**power for power in itertools.count() for first in (4, 10, 20)
    )
    return next(top for top in tops if top >= maximum)


def _rows(minutes: Sequence[Minute], counts: Sequence[Sequence[int]]) -> tuple[Row, ...]:
    """The sums of each ten minutes, newest first, without empty ones."""
    sums: dict[int, Sequence[int]] = {}
    for minute, stack in zip(minutes, counts, strict=True):
        if any(stack):
            start = minute.at_ms // _ROW_MS * _ROW_MS
            sums[start] = [*map(sum, zip(sums.get(start, _EMPTY), stack, strict=True))]
    return tuple(
        Row(rfc3339_from_ms(start), tuple(total)) for start, total in reversed(sums.items())
    )
