"""The figure of the index: bytes per article after a year (see :mod:`bench.index_memory`)."""

from collections.abc import Callable

from bench.figure import Figure
from bench.index_memory import measure

ARTICLES = 1_000_000
MOST = 64.0


def index(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """`quick` writes a tenth: smaller buckets have another overhead."""
    articles = ARTICLES // 10 if quick else ARTICLES
    say(f"index: {articles:,} articles over 365 days")
    measured = measure(articles)
    name = f"index, bytes an article at {articles:,} over 365 days"
    return [Figure(name, f"{measured:.1f}", f"≤ {MOST:g}", measured <= MOST, measured, {}, True)]
