"""The values of a feed in one shape, as newsdrop and its peers read them."""

import warnings
from calendar import timegm
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any
from zoneinfo import ZoneInfo

from worker.errors import Rejected
from worker.formats.encoding.decode import decode
from worker.formats.feed import atom, rss
from worker.formats.feed.entries import Entry, article_of
from worker.formats.feed.xml_feed import open_feed
from worker.model import Document, Profile, Provenance
from worker.normalize import normalize
from worker.settings import Limits
from worker.sites import Sites

UNTITLED = "No title"
"""Stands in for a title that a suite's entry lacks: a record needs a title or a text."""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry. Times are RFC 3339 in UTC; `links` are all addresses in its record."""

    title: str | None = None
    url: str | None = None
    guid: str | None = None
    html: str = ""
    summary: str | None = None
    published: str | None = None
    updated: str | None = None
    authors: tuple[str, ...] = ()
    author_urls: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    language: str | None = None
    image: str | None = None
    attachments: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed's own values, and its entries."""

    title: str | None = None
    link: str | None = None
    authors: tuple[str, ...] = ()
    author_urls: tuple[str, ...] = ()
    language: str | None = None
    items: tuple[Item, ...] = ()


Reader = Callable[[bytes, str | None, str | None], Feed]
"""Reads bytes, with the charset that HTTP names and the feed's address."""

_PROFILE = Profile("truth", ZoneInfo("UTC"), ZoneInfo("UTC"))
_PROVENANCE = Provenance("truth", "feed")


def newsdrop(data: bytes, charset: str | None = None, url: str | None = None) -> Feed:
    """Each entry through the adapters and normalizing; empty where the feed is refused."""
    try:
        text = decode(data, charset).text
        feed = open_feed(text, Document(data, "feed.xml", url=url), Limits())
    except Rejected:
        return Feed()
    dialect = atom if feed.is_atom else rss
    read = [dialect.entry(one, feed.head, url) for one in feed.elements]
    items = tuple(_item(one, feed.head, url) for one in read)
    whole = _item(Entry(title=UNTITLED, language=feed.head.language), feed.head, url)
    return Feed(
        title=feed.head.title,
        link=feed.head.link,
        authors=whole.authors,
        author_urls=whole.author_urls,
        language=whole.language,
        items=items,
    )


def _item(entry: Entry, head: Any, url: str | None) -> Item:
    raw = article_of(replace(entry, title=entry.title or UNTITLED), head, url)
    record = normalize(
        raw, profile=_PROFILE, sites=Sites(()), provenance=_PROVENANCE,
        first_seen_at="2026-01-01T00:00:00Z",
    ).article  # fmt: skip
    return Item(
        title=record.title if entry.title else None,
        url=record.url,
        guid=entry.guid,
        html=record.content_html,
        summary=record.summary,
        published=record.date_published,
        updated=record.date_modified or record.date_published,
        authors=tuple(one.name for one in record.authors),
        author_urls=tuple(one.url for one in record.authors if one.url),
        tags=record.tags,
        language=record.language if entry.language else None,
        image=record.image,
        attachments=tuple((one.url, one.mime_type) for one in record.attachments),
    )


def with_feedparser(data: bytes, charset: str | None = None, url: str | None = None) -> Feed:
    """The same as feedparser reads it."""
    import feedparser

    headers = {"content-location": url} if url else {}
    if charset:
        headers["content-type"] = f"application/xml; charset={charset}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = feedparser.parse(data, response_headers=headers)
        return Feed(
            title=read.feed.get("title"),
            link=read.feed.get("link"),
            authors=_names(read.feed),
            author_urls=_urls(read.feed),
            language=read.feed.get("language"),
            items=tuple(map(_feedparser_item, read.entries)),
        )


def _feedparser_item(one: Any) -> Item:
    contents = [content.get("value") or "" for content in one.get("content", ())]
    summary = one.get("summary")
    return Item(
        title=one.get("title"),
        url=one.get("link"),
        guid=one.get("id"),
        html=max(contents, key=len, default="") or summary or "",
        summary=summary if contents else None,
        published=_time(one.get("published_parsed") or one.get("updated_parsed")),
        updated=_time(one.get("updated_parsed") or one.get("published_parsed")),
        authors=_names(one),
        author_urls=_urls(one),
        tags=tuple(tag.get("term") or tag.get("label") or "" for tag in one.get("tags", ())),
        image=next((m["url"] for m in one.get("media_thumbnail", ()) if m.get("url")), None),
        attachments=tuple((f.get("href", ""), f.get("type")) for f in one.get("enclosures", ())),
    )


def _names(one: Any) -> tuple[str, ...]:
    return tuple(author["name"] for author in one.get("authors", ()) if author.get("name"))


def _urls(one: Any) -> tuple[str, ...]:
    return tuple(author["href"] for author in one.get("authors", ()) if author.get("href"))


def _time(value: Any) -> str | None:
    """A `struct_time` in UTC."""
    return f"{datetime.fromtimestamp(timegm(value), UTC):%Y-%m-%dT%H:%M:%SZ}" if value else None


def with_fastfeedparser(data: bytes, charset: str | None = None, url: str | None = None) -> Feed:
    """The same as fastfeedparser reads it; empty where it refuses the feed."""
    import fastfeedparser

    del charset, url  # it takes neither
    try:
        read = fastfeedparser.parse(data)
    except Exception:
        return Feed()
    items = tuple(_fast_item(one) for one in read.entries)
    return Feed(title=read.feed.get("title"), link=read.feed.get("link"), items=items)


def _fast_item(one: Any) -> Item:
    content = next((value.get("value") for value in one.get("content", ())), None)
    return Item(
        title=one.get("title"),
        url=one.get("link"),
        guid=one.get("id"),
        html=content or one.get("description") or "",
        summary=one.get("description"),
        published=_iso(one.get("published") or one.get("updated")),
        updated=_iso(one.get("updated") or one.get("published")),
        authors=tuple(filter(None, [one.get("author")])),
        tags=tuple(tag.get("term") or "" for tag in one.get("tags", ())),
        attachments=tuple((f.get("url", ""), f.get("type")) for f in one.get("enclosures", ())),
    )


def _iso(text: str | None) -> str | None:
    try:
        return text and f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    except ValueError:
        return None


_PEERS: dict[str, Reader] = {
    "feedparser": with_feedparser,
    "fastfeedparser": with_fastfeedparser,
}
MISSING = tuple(name for name in _PEERS if find_spec(name) is None)
"""Peers that are not installed: rows leave them out, and the table says so."""

READERS: dict[str, Reader] = {
    "newsdrop": newsdrop,
    **{name: read for name, read in _PEERS.items() if name not in MISSING},
}
