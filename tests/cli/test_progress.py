"""How far an enqueue is, in numbers and words."""

import pytest

from worker.cli.progress import Course, Pace, lasting, speed


def test_the_rate_is_of_the_last_half_minute() -> None:
    """A slow beginning is forgotten; what stands still has no rate, and no time left."""
    pace = Pace()
    assert (pace.rate(), pace.left(10)) == (0.0, None)
    for second in range(100):
        pace.note(second if second < 50 else 50 + 10 * (second - 50), float(second))
    assert pace.rate() == pytest.approx(10, abs=0.5)
    assert pace.left(100) == pytest.approx(10, abs=0.5)
    for second in range(100, 140):
        pace.note(540, float(second))
    assert (pace.rate(), pace.left(10)) == (0.0, None)


def test_what_is_told() -> None:
    """How many of how many, how fast, how long yet, how many refused; not what is unknown."""
    course = Course(total=2000, waiting=True)
    assert course.words() == "0 of 2,000 files"
    course.look(0.0)
    course.done, course.refused = 1200, 3
    course.look(3.0)
    assert course.words() == "1,200 of 2,000 files, 400 files/s, 2 s left, 3 refused"
    assert Course(accepted=1).words() == "1 file"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (59.4, "59 s"), (200, "3 min 20 s"), (1500, "25 min"), (7500, "2 h 5 min")],
)
def test_spans(seconds: float, said: str) -> None:
    """As exactly as anyone can guess it."""
    assert lasting(seconds) == said


def test_speeds() -> None:
    """Whole files a second, tenths where there are few."""
    assert [speed(1234.5), speed(3.21)] == ["1,234 files/s", "3.2 files/s"]
