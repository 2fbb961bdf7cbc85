"""One story: its articles, the first seen first, from the read model."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from worker.readmodel.database import ReadModelUnavailable, open_reader
from worker.readmodel.decision import DecisionRow
from worker.readmodel.filters import Filters
from worker.readmodel.search import search
from worker.settings import Settings

MAX_ARTICLES = 50
_MAX_DECISIONS = 500


@dataclass(frozen=True, slots=True)
class StoryArticle:
    """One article of a story. `published_at` (RFC 3339, UTC) is when it was first published.

    `near_duplicate_of` and `similarity` are those of its newest revision; None for the first. Texts
    come from outside.
    """

    id: str
    title: str
    source: str
    date: str | None
    published_at: str
    is_withdrawn: bool
    near_duplicate_of: str | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class StoryView:
    """The articles of a story that are searchable, at most MAX_ARTICLES, first seen first;
    `has_more`: there are others."""

    id: str
    articles: tuple[StoryArticle, ...]
    has_more: bool


def read_story(settings: Settings, story_id: str) -> StoryView | None:
    """The story `story_id`; None where the read model cannot be read, or has one article of it."""
    try:
        with open_reader(settings.state_dir) as db:
            filters = Filters(story=story_id, outcome="any")
            page = search(db, filters, _MAX_DECISIONS, None, time.monotonic)
    except ReadModelUnavailable:
        return None
    articles = _articles(reversed(page.rows))
    if len(articles) < 2:
        return None
    has_more = page.next is not None or len(articles) > MAX_ARTICLES
    return StoryView(story_id, tuple(articles[:MAX_ARTICLES]), has_more)


def _articles(decisions: Iterable[DecisionRow]) -> list[StoryArticle]:
    """The articles after these decisions, oldest first."""
    articles: dict[str, StoryArticle] = {}
    for row in decisions:
        if row.article is None or row.status not in ("published", "revised", "withdrawn"):
            continue
        first = articles.get(row.article)
        articles[row.article] = StoryArticle(
            row.article,
            row.title or (first.title if first else ""),
            first.source if first else row.source,
            row.date,
            first.published_at if first else row.at,
            row.status == "withdrawn",
            row.near_duplicate_of,
            row.similarity,
        )
    return sorted(articles.values(), key=lambda article: article.published_at)
