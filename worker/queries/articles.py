"""Lists of articles: the newest entries of the stream, and a search with filters and words."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from worker.errors import UsageError
from worker.escape import printable
from worker.model import Story
from worker.model.times import rfc3339, rfc3339_from_ms
from worker.readmodel.database import ReadModelUnavailable, open_reader
from worker.readmodel.decision import DecisionRow
from worker.readmodel.filters import Filters
from worker.readmodel.search import (
    MAX_OF_STORY,
    Freshness,
    list_story,
    parse_number,
    read_freshness,
    search,
)
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.store.factory import article_store
from worker.store.stream import StreamEntry

_LATE_SECONDS = 60.0
"""The schedule feeds the read model every few seconds."""

_MAX_SIMILAR, _MAX_DECISIONS = 10, 50
"""Similar articles, and decisions among which they are looked for: an article may have many."""

_CHUNK = 10
_CHUNK_BYTES = 10_000_000
"""Read at once, estimated from the previous answer: a record may have 60 MB."""
_STREAM_ID = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?")
_ROW_TEXT, _ROW_ADDRESS = 1_000, 8_000
"""Maximum characters in a row: another program's id of 20 MB made each page of the list as long. A
longer address is left out, because a cut one leads elsewhere."""


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """One entry of the stream, or one decision of the archive, which may have no entry and no id.
    `ingested_at` is RFC 3339, UTC. `story_others_count`: the other articles of its story that are
    searchable, of which at most MAX_OF_STORY are counted. Texts have a bounded length and come from
    outside: escape them where they are shown."""

    stream_id: str | None
    id: str | None
    title: str
    date: str | None
    source: str
    revision: int
    type: str
    ingested_at: str
    url: str | None
    language: str | None
    word_count: int | None
    outcome: str
    quarantine: str | None = None
    story: Story | None = None
    story_others_count: int = 0


@dataclass(frozen=True, slots=True)
class ArticleList:
    """Newest first. `next` is the value of `before` for the next page, None at the end; `problem`
    says in words that a search did not have all articles."""

    articles: tuple[ArticleRow, ...]
    next: str | None
    problem: str | None = None


def list_articles(settings: Settings, count: int, before: str | None = None) -> ArticleList:
    """The newest entries of the stream. Raises UsageError for an invalid `before`, Retryable."""
    rows: list[ArticleRow] = []
    for entry in _entries(settings, _check_id(before)):
        if len(rows) == count:
            return ArticleList(_with_others(settings, rows), rows[-1].stream_id)
        rows.append(_row(entry, read_data(entry)))
    return ArticleList(_with_others(settings, rows), None)


def search_articles(
    settings: Settings, filters: Filters, count: int, before: str | None, now: datetime
) -> ArticleList:
    """The newest articles that pass `filters`, from the read model, which is a little behind the
    stream. Raises UsageError, ReadModelUnavailable."""
    with open_reader(settings.state_dir) as db:
        freshness = read_freshness(db)
        result = search(db, filters, count, parse_number(before), time.monotonic)
    rows = _with_others(settings, [_row_of_decision(each) for each in result.rows])
    following = str(result.next) if result.next is not None else None
    return ArticleList(rows, following, _describe_lag(freshness, now))


def find_similar(settings: Settings, words: str) -> tuple[ArticleRow, ...]:
    """The newest articles and refusals that have all `words` in title, text or path; none without a
    search index."""
    try:
        filters = Filters(q=words, outcome="any")
        rows = search_articles(settings, filters, _MAX_DECISIONS, None, utc_now()).articles
    except (UsageError, ReadModelUnavailable):
        return ()
    return tuple({row.id or row.quarantine: row for row in rows}.values())[:_MAX_SIMILAR]


def _with_others(settings: Settings, rows: Sequence[ArticleRow]) -> tuple[ArticleRow, ...]:
    """The rows with the sizes of their stories. Where the read model does not say, a near-duplicate
    has one other."""
    stories: dict[str, frozenset[str]] = {row.story.id: frozenset() for row in rows if row.story}
    if stories:
        with suppress(ReadModelUnavailable), open_reader(settings.state_dir) as db:
            stories = {story_id: list_story(db, story_id) for story_id in stories}

    def count_others(story: Story, article_id: str | None) -> int:
        others = len(stories[story.id] - {article_id})
        return min(MAX_OF_STORY, max(others, story.near_duplicate_of is not None))

    return tuple(
        replace(row, story_others_count=count_others(row.story, row.id)) if row.story else row
        for row in rows
    )


def _entries(settings: Settings, before: str | None) -> Iterator[StreamEntry]:
    """The entries before `before`, newest first, a few at a time: records may be large."""
    store = article_store(settings)
    count = 1
    while entries := store.read_before(before, count):
        before, size = entries[-1].stream_id, sum(len(entry.data) for entry in entries)
        count = max(1, min(_CHUNK, 2 * count, _CHUNK_BYTES * len(entries) // max(1, size)))
        while entries:  # frees each entry after its use
            yield entries.pop(0)


def _check_id(before: str | None) -> str | None:
    """A stream id, or None. Raises UsageError."""
    if before is None:
        return None
    match = _STREAM_ID.fullmatch(before)
    parts = [int(part or 0) for part in match.groups()] if match else []
    if not parts or max(parts) >= 2**64:
        raise UsageError(
            f"{printable(before, 60)} is not a stream ID: use `next` of the previous page"
        )
    # Redis refuses the id 0-0, before which there is nothing.
    return before if any(parts) else "0-1"


def read_data(entry: StreamEntry) -> dict[str, Any]:
    """The record; empty where another program wrote something else to the stream."""
    try:
        data = orjson.loads(entry.data)
    except orjson.JSONDecodeError:
        return {}
    return data if isinstance(data, dict) else {}


def _row(entry: StreamEntry, data: dict[str, Any]) -> ArticleRow:
    def text(name: str) -> str | None:
        value = data.get(name)
        return value if isinstance(value, str) and value else None

    count, url, language = data.get("word_count"), text("url"), text("language")
    return ArticleRow(
        stream_id=entry.stream_id,
        id=_short(entry.id),
        title=_short(entry.title),
        date=_short(entry.date) if entry.date is not None else None,
        source=_short(entry.source),
        revision=entry.revision,
        type=_short(entry.type),
        ingested_at=_time(text("ingested_at")) or _time_of_id(entry.stream_id),
        url=url if url is not None and len(url) <= _ROW_ADDRESS else None,
        language=_short(language) if language is not None else None,
        word_count=count if type(count) is int else None,  # JSON's `true` is an int, too
        outcome=_OUTCOMES.get(entry.type, "published"),
        story=entry.story,
    )


_OUTCOMES = {"article.revised": "revised", "article.withdrawn": "withdrawn"}


def _short(text: str) -> str:
    return text if len(text) <= _ROW_TEXT else text[:_ROW_TEXT] + "…"


def _time(text: str | None) -> str | None:
    """`text` where it is a time with a zone, as in our records."""
    try:
        at = datetime.fromisoformat(text or "")
        return rfc3339(at) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _time_of_id(stream_id: str) -> str:
    """The time in the entry's id; another program may have chosen an id that is not a time."""
    try:
        return rfc3339_from_ms(int(stream_id.partition("-")[0]))
    except (ValueError, OverflowError, OSError):
        return rfc3339_from_ms(0)


def _row_of_decision(decision: DecisionRow) -> ArticleRow:
    return ArticleRow(
        stream_id=decision.stream_id,
        id=decision.article,
        title=decision.title or decision.path,
        date=decision.date,
        source=decision.source,
        revision=decision.revision,
        type=f"article.{decision.status}",
        ingested_at=decision.at,
        url=decision.url,
        language=decision.language,
        word_count=decision.word_count,
        outcome=decision.status,
        quarantine=decision.quarantine,
        story=Story(decision.story, decision.near_duplicate_of, decision.similarity)
        if decision.story
        else None,
    )


def _describe_lag(freshness: Freshness, now: datetime) -> str | None:
    if freshness.missing:
        count = f"{freshness.missing:,} finished batches are"
        if freshness.missing == 1:
            count = "1 finished batch is"
        return f"{count} not in the search index yet: it is filled while no work waits"
    if now.timestamp() - freshness.at > _LATE_SECONDS:
        at = rfc3339_from_ms(int(freshness.at * 1000))
        return (
            f"the search index was last updated at {at}: later articles are missing until a worker "
            "runs"
        )
    return None
