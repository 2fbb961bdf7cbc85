"""The published version of an article, and how the article as it is read now differs from it.

The newest revision is taken from the stream. Where it was trimmed, only the hash of the content in
the index tells whether something changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from worker.model import (
    Article,
    Change,
    ChangeKind,
    IndexEntry,
    OnChange,
    Outcome,
    Revision,
    RevisionReason,
    Status,
    Story,
)
from worker.model.warning import WarningKind, read_kinds
from worker.normalize.changes import Version, changes
from worker.pipeline.extract import EntryReader, ParsedArticle, first_seen_at
from worker.pipeline.failure import ParseFailure
from worker.pipeline.feeds.documents import read_entry
from worker.pipeline.ports import ArticlePort
from worker.spool.manifest import Entry, Form, Reread
from worker.store.layout import parse_article_id
from worker.store.stream import StreamEntry

NOT_COMPARED = frozenset(
    {"id", "schema_version", "dedupe", "provenance", "first_seen_at", "ingested_at", "revised"}
)
"""Fields of a record that say how it came here, not what the article is."""

_UNKNOWN = tuple(
    Change(name, ChangeKind.REPLACED, None, None, None)
    for name in ("title", "date", "date_published", "content_text")
)
"""The changes of a revision where the one before was trimmed."""

_NOT_THERE = "it was read again, and the file does not contain the article any more"


@dataclass(frozen=True, slots=True)
class NewestRevision:
    """The newest revision of an article. `record` is None if it was trimmed, as is its `story`;
    `has_alias` says whether the key that the article has now is known already."""

    index_entry: IndexEntry
    record: Mapping[str, Any] | None
    has_alias: bool
    story: Story | None = None


def may_revise(item: ParsedArticle, reader: EntryReader) -> bool:
    """Whether the article, if it is known, may become a revision."""
    if item.entry.form is Form.TOMBSTONE:
        return False
    is_revised = reader.profile(item.entry).on_change is OnChange.REVISE or reader.head.force
    return is_revised or item.entry.reread is not None


def find_newest(item: ParsedArticle, articles: ArticlePort) -> NewestRevision | None:
    """The published version of an article; None if the index does not hold it. Raises Retryable."""
    index_entry = articles.find(item.identity.id)
    if index_entry is None:
        return None
    own = item.normalized.identity
    has_alias = own.key == index_entry.identity.key or articles.find(own.id) is not None
    entry = articles.find_entry(index_entry)
    record, story = read_record(entry), entry.story if entry else None
    return NewestRevision(index_entry, record, has_alias, story)


def find_first(article: IndexEntry, articles: ArticlePort) -> StreamEntry | None:
    """The first entry of an article; None if it was trimmed. Raises Retryable."""
    return articles.find_entry(replace(article, last_published_ms=article.first_published_ms))


def read_record(entry: StreamEntry | None) -> Mapping[str, Any] | None:
    """The record of an entry; None for a withdrawal, or where another program wrote it."""
    if entry is None or entry.type == "article.withdrawn":
        return None
    try:
        record = orjson.loads(entry.data)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None


def with_own_alias(
    item: ParsedArticle, article: IndexEntry, articles: ArticlePort
) -> ParsedArticle:
    """`item` as a version of `article`, to which it gives an alias, unless it is of a feed and
    another source published that first, as far as the stream still has it. Raises Retryable."""
    entry = find_first(article, articles) or articles.find_entry(article)
    source = item.normalized.article.provenance.source
    is_copy = item.guid is not None and entry is not None and entry.source != source
    return replace(item, makes_alias=not is_copy)


def compare(
    article: Article, item: ParsedArticle, newest: NewestRevision, *, force: bool
) -> tuple[Article, Revision | None]:
    """`article` with what stays of the published one, and how it differs from that; None if it is
    not a revision of it."""
    if item.guid and item.article and newest.record is not None:
        article = _with_first_date(article, newest.record, is_reread=item.entry.reread is not None)
    return article, _revision(article, item, newest, force=force)


def _with_first_date(article: Article, published: Mapping[str, Any], *, is_reread: bool) -> Article:
    """An edited entry of a feed has the date of the edit: the article keeps its first one."""
    first, moved = published.get("date_published"), article.date_published
    if not first or not moved or (is_reread and moved != published.get("date_modified")):
        return article
    names = ("date", "date_published", "date_precision", "date_source")
    dates: dict[str, Any] = {name: published.get(name) for name in names}
    modified = article.date_modified or (moved if moved > first else None)
    return replace(article, date_modified=modified, **dates)


def _revision(
    article: Article, item: ParsedArticle, newest: NewestRevision, *, force: bool
) -> Revision | None:
    reread = item.entry.reread
    is_other = not item.identity.content.startswith(newest.index_entry.identity.content)
    reason = RevisionReason.FORCED if force else RevisionReason.CHANGED
    listed_changes, fields = _UNKNOWN, tuple(change.field for change in _UNKNOWN)
    if newest.record is not None:
        new = orjson.loads(orjson.dumps(article))
        old = newest.record
        fields = tuple(n for n in new if n not in NOT_COMPARED and old.get(n) != new[n])
        listed_changes = changes(Version.of(newest.record), Version.of(new))
    if reread is not None:
        reason = RevisionReason(reread.reason)
        is_changed = bool(fields)
        if newest.record is None:
            is_changed = is_other or not newest.has_alias
        if reason is RevisionReason.RECHECK:
            # Only the text counts: addresses of pictures and links change at every fetch. The
            # feed's text in the place of an unreadable page says nothing about the page.
            has_page = WarningKind.FEED_TEXT not in read_kinds(item.normalized.warnings)
            is_changed = is_other and has_page
        if not is_changed or newest.index_entry.is_withdrawn:
            return None
    elif not (is_other or force or (item.is_edit and newest.record and "title" in fields)):
        return None
    return Revision(reason, newest.index_entry.revision, fields, listed_changes)


def as_published(item: ParsedArticle, article_id: str | None) -> ParsedArticle:
    """The article as the record `article_id`, which it was published as: rules may have changed."""
    if article_id in (None, item.normalized.identity.id):
        return item
    is_edit = item.guid is not None and item.entry.reread is None
    return replace(item, article=parse_article_id(article_id or ""), is_edit=is_edit)


def read_again(
    reader: EntryReader, entry: Entry, reread: Reread, data: bytes, digest: str | None = None
) -> Iterator[ParsedArticle | Outcome]:
    """The articles of an entry that is read again, each with the identity of its record.

    One that cannot be read now changes nothing: it is a duplicate with a message.
    """
    missing = dict(reread.articles)
    for item in read_entry(reader, entry, data, digest or None):
        if isinstance(item, ParseFailure) and item.whole_file:
            yield from (
                _unchanged(reader, entry, n, missing.pop(n), item.message) for n in list(missing)
            )
        elif item.ordinal in missing:
            article = missing.pop(item.ordinal)
            if isinstance(item, ParseFailure):
                yield _unchanged(reader, entry, item.ordinal, article, item.message)
            else:
                yield replace(item, article=parse_article_id(article))
    yield from (_unchanged(reader, entry, n, missing[n], _NOT_THERE) for n in missing)


def _unchanged(
    reader: EntryReader, entry: Entry, ordinal: int, article: str, message: str
) -> Outcome:
    seen_at = first_seen_at(entry, reader.head)
    return Outcome(
        entry.number, ordinal, Status.DUPLICATE, entry.path, article,
        first_seen_at=seen_at, message=message,
    )  # fmt: skip
