"""Articles per minute of each source, from one reading to the next."""

from datetime import UTC, datetime, timedelta

from worker.queries.status.sources import ArticleCounts, SourceStatus
from worker.web.pages.overview import Rates

BEGIN = datetime(2026, 1, 31, tzinfo=UTC)


def source(name: str, published: int | None) -> SourceStatus:
    articles = None if published is None else ArticleCounts(published, 0, 0, 0, 0, 0)
    return SourceStatus(
        name=name,
        folder=None,
        has_folder=True,
        in_place=False,
        paused=False,
        schedule="",
        waiting=0,
        articles=articles,
        last_success=None,
        next_turn=None,
        failing=False,
        skipped_files=(),
        skipped_count=0,
    )


def rates_of(*looks: tuple[float, int | None]) -> Rates:
    """Readings of one source: (seconds since the first, its total)."""
    rates = Rates()
    for seconds, total in looks:
        rates.add(BEGIN + timedelta(seconds=seconds), [source("a", total)])
    return rates


def test_a_rate_is_the_mean_of_the_readings() -> None:
    """Of the last five minutes at most."""
    assert rates_of((0, 0), (30, 100)).get("a") == 200
    assert rates_of((0, 0), (200, 9_000), (320, 9_000), (380, 9_060)).get("a") == 20


def test_no_rate_too_early_or_for_unknown_sources() -> None:
    """Not of one reading, of two within seconds, or of an unknown source."""
    assert rates_of((0, 5)).get("a") is None
    assert rates_of((0, 5), (2, 50)).get("a") is None
    assert rates_of((0, 5), (60, 50)).get("b") is None


def test_an_unavailable_or_emptied_redis() -> None:
    """A reading without totals is ignored; no rate is negative."""
    assert rates_of((0, 0), (30, None), (60, 60)).get("a") == 60
    assert rates_of((0, 500), (60, 10)).get("a") == 0
