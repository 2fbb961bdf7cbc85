"""RSS 0.9x, 1.0, 2.0 and Atom files, read by fastfeedparser or feedparser.

Both get UTF-8 bytes and nothing else: feedparser takes a string (and bytes) for an address or a
path and opens it. The text was decoded before, by what it is and not by what it declares.
"""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Any

import fastfeedparser
import feedparser

from worker.errors import Reason, Rejected
from worker.formats.body import paragraphs, text_to_html
from worker.formats.feed.survey import Survey, survey
from worker.formats.feed.xml_text import readable, utf8
from worker.formats.json.feed import dump
from worker.formats.values import clean, html_title, names_of, text_of
from worker.model import (
    Attachment,
    DateText,
    Document,
    Person,
    Profile,
    Publisher,
    RawArticle,
    Refusal,
)
from worker.settings import Limits
from worker.sites import Sites

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed that was read: its own fields, and its entries; `cut`: the last one is not whole."""

    head: Entry
    cut: bool
    found: list[Entry]
    document: Document

    def read(self, number: int) -> RawArticle | Refusal:
        """An entry; one without title and text, or cut off, is a Refusal."""
        entry = self.found[number]
        if self.cut and number == len(self.found) - 1:
            message = "the feed ends within this entry: drop the whole feed"
            return Refusal(Reason.MALFORMED, message, dump(_shown(entry)))
        return _read_alone(entry, self.head, self.document)


def parse_feed(
    text: str, document: Document, *, profile: Profile, sites: Sites, limits: Limits
) -> Iterator[RawArticle | Refusal]:
    """The entries of a feed in a file.

    Raises Rejected: what `open_feed` raises, and `empty` for a feed without entries.
    """
    feed = open_feed(text, document, limits)
    if not feed.found:
        raise Rejected(Reason.EMPTY, _NO_ENTRY)
    yield from map(feed.read, range(len(feed.found)))


def open_feed(text: str, document: Document, limits: Limits) -> Feed:
    """The feed `text`, which may have no entries.

    Raises Rejected: `unsafe` for entity declarations, `too_deep`, `too_many` and `too_large` for
    what would cost too much, `malformed` for entries that neither parser reads.
    """
    text, data = readable(text)
    seen = survey(text)
    if seen.unclosed > _MAX_UNCLOSED:  # both parsers are quadratic in nested entries
        raise Rejected(Reason.TOO_DEEP, "the feed's entries are not closed: drop the whole feed")
    if seen.entries > limits.articles:
        raise Rejected(
            Reason.TOO_MANY,
            f"the feed has more than {limits.articles} entries (limits.articles): split it",
        )
    head, entries = _read(text, data, seen, document.url)
    if seen.entries and not entries:
        raise Rejected(Reason.MALFORMED, _NO_ENTRY)
    return Feed(head, seen.cut, entries, document)


_NO_ENTRY = "the feed holds no entry that can be read: check that it is whole"
_MAX_UNCLOSED = 100
_MAX_ATTACHMENTS = 100
_MAX_TAGS = 400_000  # for feedparser: 7 s and 270 MB at worst; 4 million took 59 s and 2.3 GB
_STAMP = re.compile(r"<(lastBuildDate|pubDate|updated)>[^<>]{0,80}</\1>")
_MAIL_AND_NAME = re.compile(r"\S{1,100}@\S{1,100}\s{1,9}\(([^()]+)\)\Z")


def _read(text: str, data: bytes, seen: Survey, url: str | None) -> tuple[Entry, list[Entry]]:
    """The feed's own fields and its entries, by the parser that loses nothing of this feed."""
    entries = _fast(data, seen) if seen.fast else []
    if seen.fast and len(entries) >= seen.entries and not _dates_lost(entries, seen):
        head = utf8(_STAMP.sub("", text[: seen.first]))
        return (_head if len(head) < _SMALL_HEAD else _own_fields)(head, url), entries
    feed, found = _slow(data, url)
    # Broken XML: whichever saves more, and where both do alike the one that keeps the dates.
    entries = entries or _fast(data, seen)
    return feed, entries if len(entries) > len(found) else found


def _dates_lost(entries: list[Entry], seen: Survey) -> bool:
    """Whether fewer entries have a date than could: the fast parser drops what it cannot read."""
    dated = sum(bool(entry.get("published") or entry.get("updated")) for entry in entries)
    return dated < min(len(entries), seen.dates)


def _fast(data: bytes, seen: Survey) -> list[Entry]:
    try:
        entries = fastfeedparser.parse(data).get("entries", [])
    except (ValueError, KeyError, TypeError, AttributeError, LookupError):
        return []
    if not seen.summaries:  # then its descriptions are made up
        return [{**entry, "description": ""} for entry in entries]
    return list(entries)


def _own_fields(head: bytes, url: str | None) -> Entry:
    return _slow(head, url)[0]


_SMALL_HEAD = 10_000
_head = lru_cache(maxsize=512)(_own_fields)
"""The feed's own fields, from what stands before its first entry: 1.6 ms, for something that is
the same at each poll but for its time stamps."""


def _slow(data: bytes, url: str | None) -> tuple[Entry, list[Entry]]:
    if data.count(b"<") > _MAX_TAGS:
        raise Rejected(
            Reason.TOO_LARGE, f"the feed has more than {_MAX_TAGS} tags, as no feed has: split it"
        )
    try:
        parsed = feedparser.parse(
            io.BytesIO(data),
            response_headers={"content-location": url} if url else {},
            resolve_relative_uris=False,
            sanitize_html=False,
        )
    except Exception:
        # It promises not to raise, and does: ValueError at a space in a namespace. What
        # fastfeedparser reads of such a feed is kept.
        return {}, []
    return parsed.feed, list(parsed.entries)


def _read_alone(entry: Entry, feed: Entry, document: Document) -> RawArticle | Refusal:
    """An entry that is bad is refused alone."""
    try:
        return _article(entry, feed, document)
    except Rejected as error:
        return Refusal(error.reason, str(error), dump(_shown(entry)))


def _article(entry: Entry, feed: Entry, document: Document) -> RawArticle | Refusal:
    title = html_title(text_of(_get(entry, "title"))) or None
    summary = text_of(_get(entry, "summary") or _get(entry, "description")) or None
    html, written, base = _content(entry)
    if not html and summary:
        html, summary = _markup(summary), None
    elif summary == written:  # both parsers repeat the one where a feed has not the other
        summary = None
    if not title and not html:
        return Refusal(
            Reason.NO_CONTENT,
            "the entry has neither a title nor a text: give it one of them",
            dump(_shown(entry)),
        )
    link = text_of(_get(entry, "link")) or None
    guid = text_of(_get(entry, "id")) or None
    published, updated = _date(entry, "published"), _date(entry, "updated")
    feed_title = text_of(_get(feed, "title"))
    home = text_of(_get(feed, "link")) or None
    return RawArticle(
        parser="feed",
        html=clean(html),
        title=title,
        dates=(published,) if published else (updated,) if updated else (),
        modified=(updated,) if published and updated and updated.text != published.text else (),
        authors=_authors(entry),
        publisher=Publisher(feed_title, home) if feed_title else None,
        tags=names_of([tag.get("term") or tag.get("label") for tag in _list(entry, "tags")]),
        language=text_of(_get(feed, "language")) or None,
        url=link,
        base_url=base or link or home or document.url,
        feed_url=_own_address(feed) or document.url,
        summary=summary,
        image=_image(entry),
        attachments=_attachments(entry),
        extra={"guid": guid} if guid and guid != link else {},
    )


def _get(entry: Entry, key: str) -> object:
    """A field as it stands: feedparser's dictionary answers `updated` with `published`."""
    return dict.get(entry, key) if isinstance(entry, dict) else entry.get(key)


def _list(entry: Entry, key: str) -> list[Entry]:
    found = _get(entry, key)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _content(entry: Entry) -> tuple[str, str, str | None]:
    """The content (the longest of several) as HTML and as written, and its addresses' base."""
    found = max(
        _list(entry, "content"), key=lambda item: len(item.get("value") or ""), default=None
    )
    if found is None:
        return "", "", None
    value = text_of(found.get("value"))
    plain = found.get("type") in ("text", "text/plain")
    return paragraphs(value) if plain else _markup(value), value, found.get("base") or None


def _markup(value: str) -> str:
    """What RSS holds is HTML even where it has no tags: its entities are to be read."""
    html = text_to_html(value)
    return html if html == value else paragraphs(unescape(value))


def _date(entry: Entry, key: str) -> DateText | None:
    text = text_of(_get(entry, key))
    return DateText(text, f"feed:{key}") if text else None


def _authors(entry: Entry) -> tuple[Person, ...]:
    found = [
        Person(_name(text_of(author.get("name"))), text_of(author.get("href")) or None)
        for author in _list(entry, "authors")
    ]
    named = [person for person in found if person.name]
    if not named and (name := _name(text_of(_get(entry, "author")))):
        named = [Person(name)]
    return tuple(dict.fromkeys(named))


def _name(author: str) -> str:
    match = _MAIL_AND_NAME.match(author)  # RSS 2.0: `lawyer@boyer.net (Lawyer Boyer)`
    return match[1].strip() if match else author


def _image(entry: Entry) -> str | None:
    for thumbnail in _list(entry, "media_thumbnail"):
        if url := text_of(thumbnail.get("url")):
            return url
    for media in _list(entry, "media_content"):
        kind = f"{media.get('medium', '')} {media.get('type', '')}"
        if thumbnail_url := text_of(media.get("thumbnail_url")):
            return thumbnail_url
        if "image" in kind and (url := text_of(media.get("url"))):
            return url
    return next(
        (a.url for a in _attachments(entry) if (a.mime_type or "").startswith("image/")), None
    )


def _attachments(entry: Entry) -> tuple[Attachment, ...]:
    links = [link for link in _list(entry, "links") if link.get("rel") == "enclosure"]
    found: dict[str, Attachment] = {}
    for item in (*_list(entry, "enclosures"), *links)[:_MAX_ATTACHMENTS]:
        if url := text_of(item.get("href") or item.get("url")):
            title = text_of(item.get("title")) or None
            found.setdefault(url, Attachment(url, text_of(item.get("type")) or None, title))
    return tuple(found.values())


def _own_address(feed: Entry) -> str | None:
    links = (link for link in _list(feed, "links") if link.get("rel") == "self")
    return next((url for link in links if (url := text_of(link.get("href")))), None)


def _shown(entry: Entry) -> dict[str, str]:
    return {key: text_of(value) for key, value in entry.items() if isinstance(value, str)}
