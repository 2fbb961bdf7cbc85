"""The chart of articles by the minute: its bars, its axis, and the same figures as a table."""

import re

import pytest

from worker.store.counters import Minute
from worker.web.chart import HEIGHT, Chart, axis_top, make_chart

MINUTE = 60_000


def heights(chart: Chart) -> dict[str, list[int]]:
    """How tall each bar of an outcome is."""
    return {name: [int(tall) for tall in re.findall(r"v(\d+)h", d)] for name, d in chart.paths}


@pytest.mark.parametrize("published", [1, 98, 3_998, 39_998, 999_998, 1_000_000])
def test_a_single_refusal_is_visible(published: int) -> None:
    """However many articles were published, also at full height."""
    drawn = heights(make_chart([Minute(0, published=published, rejected=1, revised=1)]))
    assert set(drawn) == {"published", "revised", "rejected"}
    assert min(min(each) for each in drawn.values()) >= 1
    assert sum(sum(each) for each in drawn.values()) <= HEIGHT


def test_bars_are_stacked_by_the_axis() -> None:
    """Each outcome is above the one before, as high as its share of the axis."""
    chart = make_chart([Minute(0, published=10, duplicate=10), Minute(MINUTE), Minute(2 * MINUTE)])
    assert (chart.top, chart.total, chart.width) == (20, 20, 12)
    assert dict(chart.paths) == {
        "published": f"M0 {HEIGHT // 2}h3v{HEIGHT // 2}h-3z",
        "duplicate": f"M0 0h3v{HEIGHT // 2}h-3z",
    }


def test_nothing_is_a_chart_too() -> None:
    """Without articles there is an axis, and no bar and no row."""
    chart = make_chart([Minute(0), Minute(MINUTE)])
    assert (chart.paths, chart.rows, chart.top) == ((), (), 4)


def test_the_table_has_ten_minutes_a_row() -> None:
    """Newest first, whole tens of the clock, those without articles left out."""
    counts = {9: 1, 10: 2, 19: 3, 45: 4}
    chart = make_chart([Minute(n * MINUTE, published=counts.get(n, 0)) for n in range(60)])
    assert [(row.at[11:16], row.counts[0]) for row in chart.rows] == [
        ("00:40", 4),
        ("00:10", 5),
        ("00:00", 1),
    ]


@pytest.mark.parametrize(
    ("most", "top"), [(0, 4), (4, 4), (5, 10), (11, 20), (21, 40), (41, 100), (4_001, 10_000)]
)
def test_the_axis_seldom_changes(most: int, top: int) -> None:
    """It ends at 4, 10 or 20 times a power of ten, so that its half is a whole number."""
    assert axis_top(most) == top
