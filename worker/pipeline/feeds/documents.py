"""Fetched documents: feed documents, and feed entries bundled with their pages.

Most entries of a feed were there at the last poll. An entry with the same content as then is found
by its mark in the index and is not normalized again.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

from worker.errors import Reason
from worker.escape import printable
from worker.formats.context import LookUp
from worker.formats.feed.polled import FeedEntry, FeedFile, read_feed
from worker.formats.page.entry_bundle import unpack
from worker.formats.page.full_text import merge
from worker.formats.tombstone import read_tombstone
from worker.model import Article, FeedRead, RawArticle, Refusal
from worker.model.frozen import dataclass
from worker.model.warning import WarningKind, warn
from worker.normalize import Normalized
from worker.normalize.identity import entry_mark
from worker.pipeline.extract import (
    EntryReader,
    ParsedArticle,
    normalize_item,
    parse_entry,
    sha256,
    to_document,
)
from worker.pipeline.failure import ParseFailure, classify_error
from worker.spool.manifest import Entry, Form
from worker.store.layout import parse_article_id

_MAX_TITLE_LENGTH = 300
_TOO_MANY_PAGES = warn(
    WarningKind.FEED_TEXT, "too many pages wait to be fetched: this is the feed's own text"
)
MAX_FINGERPRINTS = 1000
"""Of one document: enough to tell whether two polls overlap."""


@dataclass(frozen=True, slots=True)
class FeedArticle:
    """One entry of a feed: its article, or why it cannot be read. `page` is the article as the feed
    gives it, if its page is to be fetched instead."""

    item: ParsedArticle | ParseFailure
    entry: FeedEntry
    page: RawArticle | None = None


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A feed document, the index mark of each of its entries, and whether the index has it.
    Immutable; entries are normalized one at a time."""

    reader: EntryReader
    entry: Entry
    feed: FeedFile
    marks: Sequence[bytes]
    is_seen: Sequence[bool]
    digest: str

    def articles(self, *, may_fetch_pages: bool = True) -> Iterator[FeedArticle]:
        """The entries that are not seen. Without `may_fetch_pages` each has the feed's own text,
        with a warning where its page would have been fetched."""
        if all(self.is_seen):
            return
        full_text = self.reader.profile(self.entry).full_text
        counts = Counter(entry.key for entry in self.feed.entries)
        for ordinal, feed_entry in enumerate(self.feed.entries):
            if self.is_seen[ordinal]:
                continue
            raw, page = self._read(feed_entry), None
            if counts[feed_entry.key] > 1 and isinstance(raw, RawArticle):
                raw = replace(raw, guid=None)  # it identifies nothing
            is_web = isinstance(raw, RawArticle) and (raw.url or "").startswith(_WEB)
            if full_text and isinstance(raw, RawArticle) and is_web:
                if may_fetch_pages:
                    page = raw
                else:
                    raw = replace(raw, warnings=(*raw.warnings, _TOO_MANY_PAGES))
            item = normalize_item(
                self.reader,
                self.entry,
                ordinal,
                raw,
                self.digest,
                whole_file=False,
                mark=self.marks[ordinal],
                is_final=page is None,
            )
            page = page if isinstance(item, ParsedArticle) else None
            yield FeedArticle(item, feed_entry, page)

    def _read(self, feed_entry: FeedEntry) -> RawArticle | Refusal:
        try:
            return feed_entry.read()
        except Exception as error:  # no other entry's fault
            return Refusal(*classify_error(error, self.entry.path))

    def summary(self, unchanged: int, refused: Sequence[str]) -> FeedRead:
        """The document as a whole; `refused` are the fingerprints of unreadable entries."""
        return FeedRead(
            entries=len(self.marks),
            unchanged=unchanged,
            prints="".join(map(fingerprint, self.feed.entries[:MAX_FINGERPRINTS])),
            hold_seconds=self.feed.hold_seconds,
            title=(self.feed.title or "")[:_MAX_TITLE_LENGTH] or None,
            refused="".join(refused[:MAX_FINGERPRINTS]),
        )


def open_document(
    reader: EntryReader, entry: Entry, data: bytes, seen: LookUp | None = None
) -> FeedDocument | ParseFailure:
    """A feed document, or why it is none. `seen` tells which marks the index has; else none is."""
    profile, marks = reader.profile(entry), list[bytes]()

    def look_up(raws: Sequence[bytes]) -> Sequence[bool]:
        contents = raws if profile.full_text else map(_undated, raws)
        marks[:] = [entry_mark(content, profile) for content in contents]
        return seen(marks) if seen else [False] * len(marks)

    try:
        feed = read_feed(to_document(entry, data), reader.context(entry), look_up)
    except Exception as error:
        return ParseFailure(0, *classify_error(error, entry.path), whole_file=True)
    return FeedDocument(reader, entry, feed, marks, feed.is_known, sha256(data))


def read_entry(
    reader: EntryReader, entry: Entry, data: bytes, digest: str | None = None
) -> Iterator[ParsedArticle | ParseFailure]:
    """Every article of an entry of any form. `digest` is the SHA-256 of `data`, if it is known."""
    form = entry.form
    if form is Form.FEED:
        document = open_document(reader, entry, data)
        if isinstance(document, ParseFailure):
            yield document
        else:
            yield from (article.item for article in document.articles())
    elif form is Form.ENTRY_BUNDLE:
        yield read_entry_bundle(reader, entry, data)
    elif form is Form.TOMBSTONE:
        yield _read_tombstone(entry, data)
    else:
        yield from parse_entry(reader, entry, data, digest)


def read_entry_bundle(
    reader: EntryReader, entry: Entry, data: bytes
) -> ParsedArticle | ParseFailure:
    """A feed entry with its page, as one article."""
    try:
        merged = merge(unpack(data), reader.context(entry))
    except Exception as error:
        return ParseFailure(0, *classify_error(error, entry.path), whole_file=True)
    assert entry.origin is not None
    mark = bytes.fromhex(entry.origin.mark) if entry.origin.mark else None
    return normalize_item(reader, entry, 0, merged, sha256(data), whole_file=True, mark=mark)


def _read_tombstone(entry: Entry, data: bytes) -> ParsedArticle | ParseFailure:
    """A withdrawal, in the place of the record of its article."""
    try:
        withdrawal = read_tombstone(data)
    except Exception as error:
        return ParseFailure(0, *classify_error(error, entry.path), whole_file=True)
    identity = parse_article_id(withdrawal.id)
    if identity is None:
        why = "the withdrawal names no article: write it again with newsdrop retract ID"
        return ParseFailure(0, Reason.MALFORMED, why, whole_file=True)
    normalized = Normalized(
        identity, withdrawal.title, withdrawal.date, (), lambda _: cast("Article", withdrawal)
    )
    path = printable(entry.path, 1000)
    return ParsedArticle(entry, 0, path, normalized, sha256(data), whole_file=True, size=len(data))


def _undated(raw: bytes) -> bytes:
    """The content of an entry by which it is recognised. An entry with a guid (RSS: "a string that
    uniquely identifies the item") and the same text is the same article with another date, too: a
    feed that dates its entries anew each time gave each article again at each poll.

    Where pages are fetched a new date may say that the page is new, so it counts there.
    """
    if any(guid in raw for guid in _GUIDS):
        for begin, end in _DATES:
            if (start := raw.find(begin)) >= 0:
                start += len(begin)
                return raw[:start] + raw[max(start, raw.find(end, start)) :]
    return raw


_WEB = ("http://", "https://")
_GUIDS = (b"</guid>", b"</id>", b'"id":')
_DATES = (
    (b"<pubDate>", b"</pubDate>"),
    (b"<published>", b"</published>"),
    (b"<dc:date>", b"</dc:date>"),
    (b"<updated>", b"</updated>"),
    (b'"date_published":"', b'"'),
)


def fingerprint(feed_entry: FeedEntry) -> str:
    """12 hex digits that recognise an entry of a feed: of its guid, address and title."""
    key = feed_entry.key
    content = key.encode("utf-8", "replace") if key.strip("\0") else feed_entry.raw
    return hashlib.blake2b(content, digest_size=6).hexdigest()
