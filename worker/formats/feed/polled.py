"""The answer to a poll: a feed, and nothing else.

A captive portal, a consent page or an error page may have status 200, too; parsed as a file it
would become an article.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import orjson

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.compressed import Broken, Budget, open_stream
from worker.formats.context import LookUp, ParseContext, Parsed, check_article, too_many
from worker.formats.encoding.decode import decode, is_plain_utf8
from worker.formats.feed.sitemap import open_sitemap
from worker.formats.json import feed as json_feed
from worker.formats.json.article import dump
from worker.formats.json.document import TrailingText, load_json
from worker.formats.page.links import resolve_link
from worker.formats.sniff import Format, container, sniff_text
from worker.formats.values import text_of
from worker.model import Document, RawArticle, Refusal
from worker.model.frozen import dataclass
from worker.model.warning import RecordWarning
from worker.settings import Limits

if TYPE_CHECKING:
    from worker.formats.feed.xml_feed import XmlFeed


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """An entry of a feed, not yet parsed: most entries were published before and need not be.

    `raw` is its whole content as bytes; `key` identifies it in its feed (its guid, else address
    and title); `read` makes the article, or a Refusal.
    """

    raw: bytes
    key: str
    read: Callable[[], RawArticle | Refusal]


@dataclass(frozen=True, slots=True)
class FeedFile:
    """A feed as it was received.

    `hold_seconds` is the shortest interval that the feed itself asks for (at most
    a day; 0 for none). `entries` may be empty. `parser` is the format: `feed`,
    `json-feed` or `sitemap`.
    """

    title: str | None
    hold_seconds: int
    entries: Sequence[FeedEntry]
    parser: str
    is_known: Sequence[bool] = ()
    """The result of `look_up` for each entry; a known one must not be read."""

    def articles(self) -> Parsed:
        """The articles of all entries."""
        return (entry.read() for entry in self.entries)


def read_feed(document: Document, context: ParseContext, look_up: LookUp | None = None) -> FeedFile:
    """The feed in an answer: RSS, Atom, JSON Feed or a news sitemap, in gzip or not.

    Links are absolute where the feed or `document.url` gives a base. Raises Rejected for anything
    else, and for a feed that is bad as a whole; a bad entry is a Refusal. `look_up` is called with
    the `raw` of each entry; if it is called twice, the second time.
    """
    limits = context.limits
    if len(document.data) > limits.file_bytes:
        raise _too_large()
    data = _unpacked(document.data, limits)
    if not data.strip():
        raise Rejected(
            Reason.EMPTY, "the answer is empty: look in a browser whether there is a feed"
        )
    feed: FeedFile | None = None
    warnings: tuple[RecordWarning, ...] = ()
    if look_up and is_plain_utf8(data):
        from worker.formats.feed.xml_feed import open_divided  # as below

        divided = open_divided(data, document, limits, look_up)
        feed = _feed_file(divided) if divided else None
    if feed is None:
        decoded = decode(data, document.charset)
        feed, warnings = _read(decoded.text, document, limits, look_up), decoded.warnings
    if len(feed.entries) > limits.articles:
        raise too_many(limits)

    def with_checks(entry: FeedEntry) -> FeedEntry:
        def read() -> RawArticle | Refusal:
            article = _with_absolute_links(entry.read(), document.url)
            return check_article(article, warnings)

        return FeedEntry(entry.raw, entry.key, read)

    is_known = feed.is_known
    if look_up and not is_known:
        is_known = look_up([entry.raw for entry in feed.entries])
    entries = [with_checks(entry) for entry in feed.entries]
    return replace(feed, entries=entries, is_known=is_known)


_ADVICE = "look for the feed's address in its <link rel=alternate>, or in the site's help"
_MAX_OBJECTS = 1_000
"""Beside 20 an item: a million empty ones are 9 MB of text and 4 GB of memory."""


def _unpacked(data: bytes, limits: Limits) -> bytes:
    """`data` without its gzip, that of an `.xml.gz`; the transport's is undone before."""
    kind = container(data)
    if kind is Format.GZIP:
        budget = Budget(unpacked_bytes=limits.archive_bytes, members=1)
        try:
            with open_stream(data, kind, budget) as stream:
                data = stream.read(limits.file_bytes + 1)
        except (Broken, OSError) as error:
            raise Rejected(
                Reason.BROKEN_ARCHIVE,
                f"the answer's gzip is damaged or cut off ({printable(str(error), 100)}): "
                "it may be whole the next time",
            ) from error
        if len(data) > limits.file_bytes:
            raise _too_large()
        kind = container(data)
    if kind:
        raise Rejected(
            Reason.UNKNOWN_FORMAT,
            f"this is an archive ({kind}), not a feed: give the address of the feed itself",
        )
    return data


def _read(text: str, document: Document, limits: Limits, look_up: LookUp | None) -> FeedFile:
    try:
        kind = sniff_text(text)
    except Rejected as error:
        raise _no_feed(text) from error
    if kind is Format.FEED:
        from worker.formats.feed.xml_feed import open_feed  # lxml: 20 ms, rarely needed

        feed = open_feed(text, document, limits, look_up)
        if not feed.elements and not _END.search(text):
            raise Rejected(
                Reason.MALFORMED, "the feed ends before its first entry: it may be whole next time"
            )
        return _feed_file(feed)
    if kind is Format.SITEMAP:
        articles = open_sitemap(text, document, limits)
        return FeedFile(None, 0, list(map(_sitemap_entry, articles)), "sitemap")
    if kind is Format.JSON:
        return _json(text, document, limits)
    raise _no_feed(text, kind)


def _feed_file(feed: "XmlFeed") -> FeedFile:
    entries = [
        FeedEntry(feed.raw(number), feed.guid(number), partial(feed.read, number))
        for number in range(len(feed.elements))
    ]
    head = feed.head
    return FeedFile(head.title, head.min_interval_seconds, entries, "feed", feed.is_known)


_END = re.compile(r"</(?:[\w.-]{1,40}:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)


def _json(text: str, document: Document, limits: Limits) -> FeedFile:
    if text.count("{") > _MAX_OBJECTS + 20 * limits.articles:
        raise too_many(limits)
    try:
        value = load_json(text)
    except TrailingText as error:
        raise Rejected(
            Reason.MALFORMED, "text follows the JSON: give the address of a JSON Feed"
        ) from error
    if not isinstance(value, dict) or not json_feed.is_feed(value):
        raise Rejected(
            Reason.UNKNOWN_FORMAT,
            "this is JSON, but no JSON Feed: give the address of a feed (RSS, Atom, JSON Feed)",
        )
    items = json_feed.items_of(value)
    if len(items) > limits.articles:
        raise too_many(limits)
    entries = [
        FeedEntry(
            dump(item),
            _key(item, "id", "url", "title"),
            partial(_json_article, item, value, document.url),
        )
        for item in items
    ]
    return FeedFile(text_of(value.get("title")) or None, 0, entries, "json-feed")


def _json_article(
    item: object, feed: Mapping[str, object], feed_url: str | None
) -> RawArticle | Refusal:
    article = json_feed.article_of(item, feed)
    if isinstance(article, Refusal):
        return article
    return replace(article, feed_url=article.feed_url or feed_url)


def _sitemap_entry(article: RawArticle | Refusal) -> FeedEntry:
    if isinstance(article, Refusal):
        return FeedEntry(article.raw or b"", "", lambda: article)
    key = "\0".join((article.url or "", article.title or ""))
    return FeedEntry(orjson.dumps(article), key, lambda: article)


def _key(entry: object, *keys: str) -> str:
    """Its guid, where it has one: an address may contain a token that changes at each poll."""
    if not isinstance(entry, Mapping):
        return ""
    guid, *address_and_title = (str(entry.get(key) or "") for key in keys)
    return guid or "\0".join(address_and_title)


def _no_feed(text: str, kind: Format | None = None) -> Rejected:
    if kind is Format.PAGE:
        return Rejected(Reason.UNKNOWN_FORMAT, f"this is a page, not a feed: {_ADVICE}")
    kind_of_text = (
        "XML of another kind" if text.lstrip("\ufeff\u200b \t\r\n")[:1] == "<" else "text"
    )
    return Rejected(
        Reason.UNKNOWN_FORMAT,
        f"this is {kind_of_text}, not a feed: give the address of a feed (RSS, Atom, JSON Feed)",
    )


def _too_large() -> Rejected:
    return Rejected(
        Reason.TOO_LARGE, "the feed is larger than limits.file_mb: raise the limit, or leave it"
    )


def _with_absolute_links(entry: RawArticle | Refusal, feed_url: str | None) -> RawArticle | Refusal:
    if isinstance(entry, Refusal) or not entry.url or resolve_link(None, entry.url):
        return entry
    home = entry.publisher.url if entry.publisher else None
    base = resolve_link(feed_url, entry.base_url) or resolve_link(feed_url, home) or feed_url
    url = resolve_link(base, entry.url)
    return replace(entry, url=url, base_url=resolve_link(url, entry.base_url)) if url else entry
