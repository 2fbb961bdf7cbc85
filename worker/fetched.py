"""Reading what was fetched: a feed's document, or an entry of one together with its page.

Most of a feed was there at the last poll already: an entry that says what it said then is told by
its mark in the index, before anything of it is normalized.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from worker.articles import (
    Item,
    Reader,
    Unread,
    document_of,
    entry_mark,
    item_of,
    read_items,
    refusal_of,
    sha256,
)
from worker.errors import Retryable
from worker.model import FeedRead, RawArticle, Refusal
from worker.parse.bounds import MAX_REFUSALS, too_many_bad
from worker.parse.capsule import Capsule, pack, unpack
from worker.parse.full_text import merge
from worker.parse.polled import FeedEntry, read_feed
from worker.spool.manifest import Entry, Form
from worker.spool.wanted import Wanted

MOST_PRINTS = 1000
"""Of one document: enough to tell whether two polls overlap."""


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A document of a feed: what it says as a whole, and its entries that are not known as they
    are, in order. `entries` holds what an :class:`Item` was read from."""

    read: FeedRead
    items: tuple[Item | Unread, ...]
    raws: tuple[RawArticle | None, ...]


def read_entry(reader: Reader, entry: Entry, data: bytes) -> Iterator[Item | Unread]:
    """Every article of an entry, whatever it is: what replaying offers again."""
    form = entry.origin.form if entry.origin else Form.ANY
    if form is Form.FEED:
        found = read_document(reader, entry, data, lambda marks: [False] * len(marks), frozenset)
        yield from (found,) if isinstance(found, Unread) else found.items
    elif form is Form.CAPSULE:
        yield read_capsule(reader, entry, data)
    else:
        yield from read_items(reader, entry, data)


def read_document(
    reader: Reader,
    entry: Entry,
    data: bytes,
    unchanged: Callable[[Sequence[bytes]], Sequence[bool]],
    refused_before: Callable[[], frozenset[str]],
) -> FeedDocument | Unread:
    """A feed's document. `unchanged` tells which entries are known by their marks; an entry that
    cannot be read and was told of before (`refused_before` has its print) is not told of again."""
    profile, limits = reader.profile(entry), reader.settings.limits
    try:
        document = document_of(entry, data)
        file = read_feed(document, profile=profile, sites=reader.sites, limits=limits)
        marks = [entry_mark(one.said, profile) for one in file.entries]
        known = unchanged(marks)
        new = [number for number, same in enumerate(known) if not same]
        read = {number: file.entries[number].read() for number in new}
        if sum(isinstance(one, Refusal) for one in read.values()) > MAX_REFUSALS:
            raise too_many_bad()
    except Retryable:
        raise
    except Exception as error:
        return Unread(0, *refusal_of(error, entry.path), raw=data, whole_file=True)
    digest, before = sha256(data), None
    items: list[Item | Unread] = []
    raws: list[RawArticle | None] = []
    refused: list[str] = []
    for number, one in read.items():
        if isinstance(one, Refusal):
            refused.append(print_of(file.entries[number]))
            before = refused_before() if before is None else before
            if refused[-1] in before:
                continue
        mark = marks[number]
        items.append(item_of(reader, entry, number, one, digest, alone=False, mark=mark))
        raws.append(one if isinstance(one, RawArticle) else None)
    about = FeedRead(
        entries=len(marks),
        unchanged=len(marks) - len(items),
        prints="".join(map(print_of, file.entries[:MOST_PRINTS])),
        hold_seconds=file.hold_seconds,
        title=file.title,
        refused="".join(refused[:MOST_PRINTS]),
    )
    return FeedDocument(about, tuple(items), tuple(raws))


def read_capsule(reader: Reader, entry: Entry, data: bytes) -> Item | Unread:
    """An entry of a feed with its page, as one article."""
    profile, limits = reader.profile(entry), reader.settings.limits
    try:
        capsule = unpack(data)
        merged = merge(capsule, profile=profile, sites=reader.sites, limits=limits)
    except Retryable:
        raise
    except Exception as error:
        return Unread(0, *refusal_of(error, entry.path), raw=data, whole_file=True)
    assert entry.origin is not None
    mark = bytes.fromhex(entry.origin.mark) if entry.origin.mark else None
    return item_of(reader, entry, 0, merged, sha256(data), alone=True, mark=mark)


def wanted_page(reader: Reader, item: Item, raw: RawArticle) -> Wanted:
    """What has to be fetched to publish an entry of a feed that asks for full text."""
    assert item.entry.origin is not None
    assert item.mark is not None
    assert raw.url is not None
    source = reader.profile(item.entry).source
    name = hashlib.blake2b(item.mark + source.encode(), digest_size=16).hexdigest()
    return Wanted(
        name=name,
        source=source,
        url=raw.url,
        feed_url=item.entry.origin.feed_url,
        wanted_at=reader.head.claimed_at,
        mark=item.mark.hex(),
        capsule=pack(Capsule(raw)),
    )


def print_of(entry: FeedEntry) -> str:
    """12 hex digits for an entry as its feed lists it: by its guid, address and title."""
    told = entry.name.encode("utf-8", "replace") if entry.name.strip("\0") else entry.said
    return hashlib.blake2b(told, digest_size=6).hexdigest()
