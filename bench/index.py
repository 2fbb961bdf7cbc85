"""The figure of the index: its bytes an article after a year (see :mod:`bench.index_memory`)."""

from collections.abc import Callable

from bench.figure import Figure
from bench.index_memory import measure

ARTICLES = 1_000_000
MOST = 64.0


def index(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """`quick` writes a tenth: buckets are then smaller, and cost another share."""
    articles = ARTICLES // 10 if quick else ARTICLES
    say(f"index: {articles:,} articles over 365 days")
    found = measure(articles)
    name = f"index, bytes an article at {articles:,} over 365 days"
    runs = {"bytes": found}
    return [Figure(name, f"{found:.1f}", f"≤ {MOST:g}", found <= MOST, found, runs)]
