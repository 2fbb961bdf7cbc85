"""RSS 0.9x, 1.0, 2.0 and Atom files, read by fastfeedparser or feedparser.

Both get a stream or UTF-8 bytes of XML: feedparser would open a string that is an address or a
path. The text was decoded before, whatever encoding it declares.
"""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Any

import fastfeedparser
import feedparser

from worker.errors import Reason, Rejected
from worker.formats.body import paragraphs, text_to_html
from worker.formats.context import ParseContext, Parsed
from worker.formats.feed.tag_scan import TagScan, scan_tags
from worker.formats.feed.xml_text import safe_xml, utf8
from worker.formats.memory import check_memory
from worker.formats.values import clean, html_title, names_of, text_of
from worker.model import Attachment, DateText, Document, Person, Publisher, RawArticle, Refusal
from worker.settings import Limits

Fields = Mapping[str, Any]
"""What a library found in an entry, or in the feed's head."""


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed: its own fields and its entries; with `is_truncated` the last entry is incomplete."""

    head: Fields
    is_truncated: bool
    entries: list[Fields]
    document: Document

    def read(self, number: int) -> RawArticle | Refusal:
        """The article of an entry; a Refusal for one without title and text, or incomplete."""
        entry = self.entries[number]
        if self.is_truncated and number == len(self.entries) - 1:
            message = "the feed ends within this entry: drop the whole feed"
            return Refusal(Reason.MALFORMED, message, None)
        return _article_or_refusal(entry, self.head, self.document)


def parse_feed(text: str, document: Document, context: ParseContext) -> Parsed:
    """The articles of a feed in a file.

    Raises Rejected: what `open_feed` raises, and `empty` for a feed without entries.
    """
    feed = open_feed(text, document, context.limits)
    if not feed.entries:
        raise Rejected(Reason.EMPTY, _NO_ENTRY)
    yield from map(feed.read, range(len(feed.entries)))


def open_feed(text: str, document: Document, limits: Limits) -> ParsedFeed:
    """The feed `text`, which may have no entries.

    Raises Rejected: `unsafe` for entity declarations, `too_deep`, `too_many` and `too_large` for
    what would cost too much, `malformed` for entries that neither library reads.
    """
    text, data = safe_xml(text)
    scan = scan_tags(text)
    if scan.unclosed_count > _MAX_UNCLOSED:  # both libraries are quadratic in nested entries
        raise Rejected(
            Reason.TOO_DEEP, "the feed's entries are not closed: check that it is complete"
        )
    if scan.entry_count > limits.articles:
        raise Rejected(
            Reason.TOO_MANY,
            f"the feed has more than {limits.articles} entries (limits.articles): split it",
        )
    head, entries = _read(text, data, scan, document.url)
    if scan.entry_count and not entries:
        raise Rejected(Reason.MALFORMED, _NO_ENTRY)
    return ParsedFeed(head, scan.is_truncated, entries, document)


_NO_ENTRY = "the feed holds no entry that can be read: check that it is whole"
_MAX_UNCLOSED = 100
_MAX_ATTACHMENTS = 100
_MAX_TAGS = 400_000  # for feedparser: 7 s and 270 MB at worst; 4 million took 59 s and 2.3 GB
_STAMP = re.compile(r"<(lastBuildDate|pubDate|updated)>[^<>]{0,80}</\1>")
_MAIL_AND_NAME = re.compile(r"\S{1,100}@\S{1,100}\s{1,9}\(([^()]+)\)\Z")


def _read(text: str, data: bytes, scan: TagScan, url: str | None) -> tuple[Fields, list[Fields]]:
    """The feed's own fields and its entries, by the library that loses nothing of this feed."""
    fast = _fast(data, scan) if scan.is_fast else []
    if scan.is_fast and len(fast) >= scan.entry_count and not _lost_dates(fast, scan):
        head = utf8(_STAMP.sub("", text[: scan.first_entry]))
        return (_cached_head if len(head) < _SMALL_HEAD else _head)(head, url), fast
    feed, slow = _slow(data, url)
    # Broken XML: whichever reads more entries; feedparser, which keeps the dates, where both do.
    fast = fast or _fast(data, scan)
    return feed, fast if len(fast) > len(slow) else slow


def _lost_dates(entries: list[Fields], scan: TagScan) -> bool:
    """Whether entries lost their dates: fastfeedparser drops a date that it cannot read."""
    dated = sum(bool(entry.get("published") or entry.get("updated")) for entry in entries)
    return dated < min(len(entries), scan.date_count)


def _fast(data: bytes, scan: TagScan) -> list[Fields]:
    try:
        entries = fastfeedparser.parse(data).get("entries", [])
    except (ValueError, KeyError, TypeError, AttributeError, LookupError) as error:
        check_memory(error)
        return []
    if not scan.has_summaries:  # then it made the descriptions from the content
        return [{**entry, "description": ""} for entry in entries]
    return list(entries)


def _head(head: bytes, url: str | None) -> Fields:
    return _slow(head, url)[0]


_SMALL_HEAD = 10_000
_cached_head = lru_cache(maxsize=512)(_head)
"""The feed's own fields, from the text before its first entry: 1.6 ms, the same at each poll but
for the time stamps."""


def _slow(data: bytes, url: str | None) -> tuple[Fields, list[Fields]]:
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
    except Exception as error:
        check_memory(error)
        # It raises against its documentation: ValueError at a space in a namespace. The entries
        # that fastfeedparser reads are used then.
        return {}, []
    if parsed.bozo:
        check_memory(parsed.bozo_exception)
    return parsed.feed, list(parsed.entries)


def _article_or_refusal(entry: Fields, feed: Fields, document: Document) -> RawArticle | Refusal:
    try:
        return _article(entry, feed, document)
    except Rejected as error:
        return Refusal(error.reason, str(error), None)


def _article(entry: Fields, feed: Fields, document: Document) -> RawArticle | Refusal:
    title = html_title(text_of(_get(entry, "title"))) or None
    summary = text_of(_get(entry, "summary") or _get(entry, "description")) or None
    html, written, base = _content(entry)
    if not html and summary:
        html, summary = _markup(summary), None
    elif summary == written:  # both libraries copy the one where a feed lacks the other
        summary = None
    if not title and not html:
        return Refusal(
            Reason.NO_CONTENT,
            "the entry has neither a title nor a text: give it one of them",
            None,
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
        feed_url=_self_link(feed) or document.url,
        summary=summary,
        image=_image(entry),
        attachments=_attachments(entry),
        extra={"guid": guid} if guid and guid != link else {},
    )


def _get(entry: Fields, key: str) -> object:
    """A field itself: feedparser's dictionary returns `published` for a missing `updated`."""
    return dict.get(entry, key) if isinstance(entry, dict) else entry.get(key)


def _list(entry: Fields, key: str) -> list[Fields]:
    value = _get(entry, key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _content(entry: Fields) -> tuple[str, str, str | None]:
    """The longest content as HTML and as written, and the base of its addresses."""
    contents = _list(entry, "content")
    if not contents:
        return "", "", None
    content = max(contents, key=lambda item: len(item.get("value") or ""))
    value = text_of(content.get("value"))
    is_plain = content.get("type") in ("text", "text/plain")
    return paragraphs(value) if is_plain else _markup(value), value, content.get("base") or None


def _markup(value: str) -> str:
    """Text in RSS is HTML even without tags: its entities are decoded."""
    html = text_to_html(value)
    return html if html == value else paragraphs(unescape(value))


def _date(entry: Fields, key: str) -> DateText | None:
    text = text_of(_get(entry, key))
    return DateText(text, f"feed:{key}") if text else None


def _authors(entry: Fields) -> tuple[Person, ...]:
    persons = [
        Person(_name(text_of(author.get("name"))), text_of(author.get("href")) or None)
        for author in _list(entry, "authors")
    ]
    persons = [person for person in persons if person.name]
    if not persons and (name := _name(text_of(_get(entry, "author")))):
        persons = [Person(name)]
    return tuple(dict.fromkeys(persons))


def _name(author: str) -> str:
    match = _MAIL_AND_NAME.match(author)  # RSS 2.0: `lawyer@boyer.net (Lawyer Boyer)`
    return match[1].strip() if match else author


def _image(entry: Fields) -> str | None:
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


def _attachments(entry: Fields) -> tuple[Attachment, ...]:
    links = [link for link in _list(entry, "links") if link.get("rel") == "enclosure"]
    by_url: dict[str, Attachment] = {}
    for item in (*_list(entry, "enclosures"), *links)[:_MAX_ATTACHMENTS]:
        if url := text_of(item.get("href") or item.get("url")):
            title = text_of(item.get("title")) or None
            by_url.setdefault(url, Attachment(url, text_of(item.get("type")) or None, title))
    return tuple(by_url.values())


def _self_link(feed: Fields) -> str | None:
    links = (link for link in _list(feed, "links") if link.get("rel") == "self")
    return next((url for link in links if (url := text_of(link.get("href")))), None)
