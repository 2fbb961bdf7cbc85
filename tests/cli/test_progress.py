"""How far an enqueue is, in numbers and words."""

import pytest

from worker.cli.formatting import format_estimate, format_speed
from worker.cli.progress import FileProgress


def test_the_rate_is_of_the_last_half_minute() -> None:
    """A slow start is forgotten; without progress there is no rate and no time left."""
    progress = FileProgress(total=640)
    assert progress.rate() == 0.0
    for second in range(100):
        progress.count = second if second < 50 else 50 + 10 * (second - 50)
        progress.record(float(second))
    assert progress.rate() == pytest.approx(10, abs=0.5)
    assert progress.describe() == "540 of 640 files, 10 files/s, 10 s left"
    for second in range(100, 140):
        progress.record(float(second))
    assert progress.describe() == "540 of 640 files"


def test_the_progress_text() -> None:
    """Count, total, rate, time left and refusals; unknown values are left out."""
    progress = FileProgress(total=2000)
    assert progress.describe() == "0 of 2,000 files"
    progress.record(0.0)
    progress.count, progress.refused = 1200, 3
    progress.record(3.0)
    assert progress.describe() == "1,200 of 2,000 files, 400 files/s, 2 s left, 3 refused"
    assert FileProgress(count=1).describe() == "1 file"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.2, "1 s"), (59.4, "59 s"), (200, "3 min 20 s"), (1500, "25 min"), (7500, "2 h 5 min")],
)
def test_spans(seconds: float, expected: str) -> None:
    """As exactly as anyone can guess it."""
    assert format_estimate(seconds) == expected


def test_speeds() -> None:
    """Whole files a second, tenths where there are few."""
    assert [format_speed(1234.5), format_speed(3.21)] == ["1,234 files/s", "3.2 files/s"]
