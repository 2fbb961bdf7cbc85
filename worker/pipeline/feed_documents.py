"""Reading what was fetched: a feed's document, or an entry of one together with its page.

Most of a feed was there at the last poll already: an entry that says what it said then is told by
its mark in the index, before anything of it is normalized.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from worker.errors import Retryable
from worker.formats.context import MAX_REFUSALS
from worker.formats.feed.polled import FeedEntry, read_feed
from worker.formats.page.entry_bundle import EntryBundle, pack, unpack
from worker.formats.page.full_text import merge
from worker.model import FeedRead, RawArticle, Refusal
from worker.pipeline.extract import (
    EntryReader,
    ParsedArticle,
    ParseFailure,
    document_of,
    entry_mark,
    item_of,
    parse_entry,
    refusal_of,
    sha256,
)
from worker.spool.manifest import Entry, Form
from worker.spool.wanted import WantedPage

_LONGEST_TITLE = 300
_CROWDED = "too many pages wait to be fetched: this is the feed's own text"
MOST_PRINTS = 1000
"""Of one document: enough to tell whether two polls overlap."""


@dataclass(frozen=True, slots=True)
class FeedArticle:
    """An article of a feed that is not known as it is, or why it is none. `page` is what its feed
    says of it where it has a page of its own, which may be fetched."""

    item: ParsedArticle | ParseFailure
    page: RawArticle | None = None


class FeedDocument:
    """A document of a feed: its entries that are not known as they are, read one at a time.

    When all were read, :meth:`about` says what the document is as a whole. `known` counts entries
    of which nothing has to be told; `crowded` that no more pages can be wanted now.
    """

    def __init__(
        self,
        reader: EntryReader,
        entry: Entry,
        data: bytes,
        unchanged: Callable[[Sequence[bytes]], Sequence[bool]],
        refused_before: Callable[[], frozenset[str]],
    ) -> None:
        profile = reader.profile(entry)
        self._reader, self._entry = reader, entry
        self._file = read_feed(document_of(entry, data), reader.context(entry))
        self._marks = [entry_mark(one.raw, profile) for one in self._file.entries]
        self._known = unchanged(self._marks)
        self._refused_before = refused_before
        self._digest = sha256(data)
        self._refused: list[str] = []
        self.known = 0
        self.crowded = False

    def __iter__(self) -> Iterator[FeedArticle]:
        before: frozenset[str] | None = None
        for number, entry in enumerate(self._file.entries):
            if self._known[number]:
                self.known += 1
                continue
            found = self._found(number, self._read(number))
            if isinstance(found.item, ParseFailure):
                before = self._refused_before() if before is None else before
                self._refused.append(fingerprint_of(entry))
                if self._refused[-1] in before or len(self._refused) > MAX_REFUSALS:
                    self.known += 1  # it was told of, or enough were
                    continue
            yield found

    def _read(self, number: int) -> RawArticle | Refusal:
        entry = self._file.entries[number]
        try:
            return entry.read()
        except Retryable:
            raise
        except Exception as error:  # no other entry's fault
            return Refusal(*refusal_of(error, self._entry.path), raw=entry.raw)

    def _found(self, number: int, read: RawArticle | Refusal) -> FeedArticle:
        if self.crowded and isinstance(read, RawArticle) and _is_web(read.url):
            read = replace(read, warnings=(*read.warnings, _CROWDED))
        item = item_of(
            self._reader,
            self._entry,
            number,
            read,
            self._digest,
            alone=False,
            mark=self._marks[number],
        )
        if self.crowded or isinstance(item, ParseFailure) or isinstance(read, Refusal):
            return FeedArticle(item)
        return FeedArticle(item, read if _is_web(read.url) else None)

    def about(self) -> FeedRead:
        return FeedRead(
            entries=len(self._marks),
            unchanged=self.known,
            prints="".join(map(fingerprint_of, self._file.entries[:MOST_PRINTS])),
            hold_seconds=self._file.hold_seconds,
            title=(self._file.title or "")[:_LONGEST_TITLE] or None,
            refused="".join(self._refused[:MOST_PRINTS]),
        )


def read_entry(
    reader: EntryReader, entry: Entry, data: bytes
) -> Iterator[ParsedArticle | ParseFailure]:
    """Every article of an entry, whatever it is: what replaying offers again."""
    form = entry.origin.form if entry.origin else Form.ANY
    if form is Form.FEED:
        found = open_document(reader, entry, data, lambda marks: [False] * len(marks), frozenset)
        yield from (found,) if isinstance(found, ParseFailure) else (one.item for one in found)
    elif form is Form.CAPSULE:
        yield read_entry_bundle(reader, entry, data)
    else:
        yield from parse_entry(reader, entry, data)


def open_document(
    reader: EntryReader,
    entry: Entry,
    data: bytes,
    unchanged: Callable[[Sequence[bytes]], Sequence[bool]],
    refused_before: Callable[[], frozenset[str]],
) -> FeedDocument | ParseFailure:
    """A feed's document, or why it is none. `unchanged` tells which entries are known by their
    marks; an entry that cannot be read and was told of before (`refused_before` has its print) is
    not told of again."""
    try:
        return FeedDocument(reader, entry, data, unchanged, refused_before)
    except Retryable:
        raise
    except Exception as error:
        return ParseFailure(0, *refusal_of(error, entry.path), raw=data, whole_file=True)


def read_entry_bundle(
    reader: EntryReader, entry: Entry, data: bytes
) -> ParsedArticle | ParseFailure:
    """An entry of a feed with its page, as one article."""
    try:
        merged = merge(unpack(data), reader.context(entry))
    except Retryable:
        raise
    except Exception as error:
        return ParseFailure(0, *refusal_of(error, entry.path), raw=data, whole_file=True)
    assert entry.origin is not None
    mark = bytes.fromhex(entry.origin.mark) if entry.origin.mark else None
    return item_of(reader, entry, 0, merged, sha256(data), alone=True, mark=mark)


def wanted_page(reader: EntryReader, item: ParsedArticle, raw: RawArticle) -> WantedPage:
    """What has to be fetched to publish an entry of a feed that asks for full text."""
    assert item.entry.origin is not None
    assert item.mark is not None
    assert raw.url is not None
    source = reader.profile(item.entry).source
    name = hashlib.blake2b(item.mark + source.encode(), digest_size=16).hexdigest()
    return WantedPage(
        name=name,
        source=source,
        url=raw.url,
        feed_url=item.entry.origin.feed_url,
        wanted_at=reader.head.claimed_at,
        mark=item.mark.hex(),
        capsule=pack(EntryBundle(raw)),
    )


def fingerprint_of(entry: FeedEntry) -> str:
    """12 hex digits for an entry as its feed lists it: by its guid, address and title."""
    told = entry.key.encode("utf-8", "replace") if entry.key.strip("\0") else entry.raw
    return hashlib.blake2b(told, digest_size=6).hexdigest()


def _is_web(url: str | None) -> bool:
    return (url or "").startswith(("http://", "https://"))
