"""Articles: the newest, those with some words in them, and one with all that is known of it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from worker.errors import NotThere, StoreUnavailable, UsageError
from worker.escape import printable
from worker.feeds.catalog import CatalogReader
from worker.model import Status
from worker.model.times import rfc3339, rfc3339_from_ms
from worker.normalize.title import fold, is_visible
from worker.pipeline.extract import EntryReader, ParsedArticle
from worker.pipeline.feed_documents import read_entry
from worker.queries.explain import Explained, explain_id
from worker.queries.history import HistoryEntry
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.sites import open_sites
from worker.spool.archive import Archive
from worker.spool.manifest import Entry
from worker.store.factory import article_store
from worker.store.stream import StreamEntry

SEARCHED = 2_000
"""Entries that one search looks at: some 10 MB of records."""

SEARCHED_BYTES = 50_000_000
"""Where records are long, fewer are looked at: folding so much takes two seconds."""

_CHUNK = 10
_CHUNK_BYTES = 10_000_000
"""What is asked for at once, as far as the last answer tells: a record may have 60 MB."""
_STREAM_ID = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?")
_MOST_WORDS = 10
_ROW_TEXT, _ROW_ADDRESS = 1_000, 8_000
"""Characters of what a list tells of an entry: another program's id of 20 MB made each page of the
list as long. A longer address is none, for the beginning of one leads elsewhere."""
_READ_AGAIN = 8_000_000
"""Bytes of a file that is parsed again to show an article of it. What is larger holds many."""


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """One entry of the stream. `ingested_at` is RFC 3339, UTC; title and address are as their
    source wrote them, in bounds: to be escaped where they are shown."""

    stream_id: str
    id: str
    title: str
    date: str | None
    source: str
    revision: int
    type: str
    ingested_at: str
    url: str | None
    language: str | None
    word_count: int | None


@dataclass(frozen=True, slots=True)
class ArticleList:
    """Entries, newest first. `next` is what to ask for as `before` to go on, None at the end;
    `looked` is how many entries a search went through."""

    articles: tuple[ArticleRow, ...]
    next: str | None
    looked: int | None = None


@dataclass(frozen=True, slots=True)
class ArticleView:
    """One article. `record` is its newest revision: `record_from` the `stream` or, once it was
    trimmed, read again from the `archive`; None where neither has it. `problem` says in words what
    could not be looked up."""

    id: str
    record: dict[str, Any] | None
    record_from: str | None
    explained: Explained
    problem: str | None = None


def list_articles(settings: Settings, count: int, before: str | None = None) -> ArticleList:
    """The last entries of the stream. Raises UsageError where `before` is no stream id,
    Retryable."""
    rows: list[ArticleRow] = []
    for entry in _entries(settings, _checked(before)):
        if len(rows) == count:
            return ArticleList(tuple(rows), rows[-1].stream_id)
        rows.append(_row(entry, _data(entry)))
    return ArticleList(tuple(rows), None)


def search_articles(
    settings: Settings, words: str, count: int, before: str | None = None
) -> ArticleList:
    """The newest entries that have every one of `words` in title or text, by their key's folding:
    case, width and white space make no difference.

    One call looks at SEARCHED entries or SEARCHED_BYTES at most; `next` goes on from there. Raises
    as :func:`newest`, and UsageError without words.
    """
    wanted = [fold(word) for word in words.split() if is_visible(word)]
    if not wanted or len(wanted) > _MOST_WORDS:
        raise UsageError(f"give one to {_MOST_WORDS} words to look for")
    rows: list[ArticleRow] = []
    looked, size, at = 0, 0, None
    for entry in _entries(settings, _checked(before)):
        if len(rows) == count or looked == SEARCHED or size > SEARCHED_BYTES:
            return ArticleList(tuple(rows), at, looked)
        looked, size, at = looked + 1, size + len(entry.data), entry.stream_id
        data = _data(entry)
        if _has(entry, data, wanted):
            rows.append(_row(entry, data))
    return ArticleList(tuple(rows), None, looked)


def get_article(settings: Settings, article_id: str) -> ArticleView:
    """One article by its id, its whole history with it.

    Raises NotThere where neither the index nor the archive knows it, StoreUnavailable where only
    Redis could tell.
    """
    answer = explain_id(settings, article_id)
    explained = answer.articles[0]
    if not explained.known and not explained.past:
        if answer.problem is not None:
            raise StoreUnavailable(answer.problem)
        raise NotThere(
            f"nothing is known of an article {printable(article_id, 80)}: look for its title and "
            "date, or for words of it"
        )
    record, origin = None, None
    if explained.in_stream is not None:
        where = explained.in_stream.stream_id
        entries = article_store(settings).read(where, 1, end=where)
        record, origin = next((_whole(one) for one in entries), None) or None, "stream"
    if record is None:
        record, origin = _archived(settings, article_id, explained.past), "archive"
    return ArticleView(article_id, record, origin if record else None, explained, answer.problem)


def _entries(settings: Settings, before: str | None) -> Iterator[StreamEntry]:
    """The entries before `before`, newest first, some at a time: records may be large."""
    store = article_store(settings)
    count = 1
    while found := store.read_before(before, count):
        before, size = found[-1].stream_id, sum(len(entry.data) for entry in found)
        count = max(1, min(_CHUNK, 2 * count, _CHUNK_BYTES * len(found) // max(1, size)))
        while found:  # none of them is kept beyond its turn
            yield found.pop(0)


def _checked(before: str | None) -> str | None:
    """A stream id, or None. Raises UsageError."""
    if before is None:
        return None
    found = _STREAM_ID.fullmatch(before)
    if found is None or any(int(part or 0) >= 2**64 for part in found.groups()):
        raise UsageError(f"{printable(before, 60)} is no stream id: take `next` of the page before")
    # Nothing is before the first id there can be, and Redis refuses to be asked.
    return before if any(int(part or 0) for part in found.groups()) else "0-1"


def _data(entry: StreamEntry) -> dict[str, Any]:
    """The record; nothing where another program wrote something else into the stream."""
    try:
        found = orjson.loads(entry.data)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _whole(entry: StreamEntry) -> dict[str, Any]:
    """The record, to be handed on; nothing where it is nested deeper than JSON is written here."""
    found = _data(entry)
    try:
        orjson.dumps({"record": [found]})
    except TypeError:
        return {}
    return found


def _row(entry: StreamEntry, data: dict[str, Any]) -> ArticleRow:
    def text(name: str) -> str | None:
        found = data.get(name)
        return found if isinstance(found, str) and found else None

    count, url, language = data.get("word_count"), text("url"), text("language")
    return ArticleRow(
        stream_id=entry.stream_id,
        id=_short(entry.id),
        title=_short(entry.title),
        date=_short(entry.date) if entry.date is not None else None,
        source=_short(entry.source),
        revision=entry.revision,
        type=_short(entry.type),
        ingested_at=_time(text("ingested_at")) or _written(entry.stream_id),
        url=url if url is not None and len(url) <= _ROW_ADDRESS else None,
        language=_short(language) if language is not None else None,
        word_count=count if type(count) is int else None,  # JSON's `true` is an int, too
    )


def _short(text: str) -> str:
    return text if len(text) <= _ROW_TEXT else text[:_ROW_TEXT] + "…"


def _time(text: str | None) -> str | None:
    """`text` where it is a time as records have it: of a zone."""
    try:
        at = datetime.fromisoformat(text or "")
        return rfc3339(at) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _written(stream_id: str) -> str:
    """When Redis wrote the entry; another program may have given it an id that is no time."""
    try:
        return rfc3339_from_ms(int(stream_id.partition("-")[0]))
    except (ValueError, OverflowError, OSError):
        return rfc3339_from_ms(0)


def _has(entry: StreamEntry, data: dict[str, Any], wanted: Sequence[str]) -> bool:
    title = fold(entry.title)
    left = [word for word in wanted if word not in title]
    if not left:
        return True
    text = fold(str(data.get("content_text") or ""))
    return all(word in text for word in left)


def _archived(
    settings: Settings, article_id: str, past: Sequence[HistoryEntry]
) -> dict[str, Any] | None:
    """The record as the archived file says it, read again by today's rules; None where the raw
    files have expired, or what was read then is not read so any more."""
    published = [one for one in past if one.status in (Status.PUBLISHED, Status.REVISED)]
    if not published:
        return None
    last = max(published, key=lambda one: one.revision)
    archive = Archive(settings.state_dir)
    if (segment := archive.find(last.batch)) is None:
        return None
    head = segment.head()
    entries = {one.entry: Entry(one.entry, one.path, origin=one.origin) for one in head.files}
    data = next((raw for entry, raw in segment.raws() if entry == last.entry), None)
    if data is None or len(data) > _READ_AGAIN:
        return None
    reader = EntryReader(
        settings, open_sites(settings), CatalogReader(settings).profile, head.batch
    )
    outcomes = {(one.entry, one.ordinal): one for one in segment.outcomes()}
    for item in read_entry(reader, entries[last.entry], data):
        if isinstance(item, ParsedArticle) and item.normalized.article.id == article_id:
            before = outcomes.get((last.entry, item.ordinal))
            at = (before and before.ingested_at) or rfc3339(utc_now())
            record = orjson.loads(reader.request(item, ingested_at=at).data)
            return record if isinstance(record, dict) else None
    return None
