"""How fast each source's articles are decided, told from one look to the next."""

from datetime import UTC, datetime, timedelta

from worker.queries.status.sources import ArticleCounts, SourceStatus
from worker.web.pages.overview import Rates

BEGIN = datetime(2026, 1, 31, tzinfo=UTC)


def source(name: str, published: int | None) -> SourceStatus:
    articles = None if published is None else ArticleCounts(published, 0, 0, 0, 0, 0)
    return SourceStatus(
        name=name,
        folder=None,
        folder_there=True,
        in_place=False,
        paused=False,
        schedule="",
        waiting=0,
        articles=articles,
        last_success=None,
        next_turn=None,
        failing=False,
        left_alone=(),
        left_alone_count=0,
    )


def looked(*looks: tuple[float, int | None]) -> Rates:
    """Looks at one source: (seconds since the first, its total)."""
    rates = Rates()
    for seconds, total in looks:
        rates.add(BEGIN + timedelta(seconds=seconds), [source("a", total)])
    return rates


def test_a_rate_is_the_mean_of_the_looks() -> None:
    """Of the last five minutes at most; what was before is forgotten."""
    assert looked((0, 0), (30, 100)).get("a") == 200
    assert looked((0, 0), (200, 9_000), (320, 9_000), (380, 9_060)).get("a") == 20


def test_nothing_is_said_too_early_or_of_strangers() -> None:
    """Not of one look, of two within seconds, or of a source that is not there."""
    assert looked((0, 5)).get("a") is None
    assert looked((0, 5), (2, 50)).get("a") is None
    assert looked((0, 5), (60, 50)).get("b") is None


def test_a_redis_that_is_away_or_empty_does_no_harm() -> None:
    """A look without totals counts for nothing; totals that begin anew are no negative rate."""
    assert looked((0, 0), (30, None), (60, 60)).get("a") == 60
    assert looked((0, 500), (60, 10)).get("a") == 0
