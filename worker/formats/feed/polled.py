"""What a poller was answered: a feed, and nothing else.

A captive portal, a consent page or an error page comes with status 200, too; read as a file it
would be an article.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import orjson

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.bounds import fitting, too_many
from worker.formats.compressed import Broken, Budget, open_stream
from worker.formats.decode import decode
from worker.formats.feed.sitemap import open_sitemap
from worker.formats.json import feed as json_feed
from worker.formats.json.text import Trailing, is_feed, load_json
from worker.formats.page.links import joined
from worker.formats.sniff import Format, container, sniff_text
from worker.formats.values import html_title, text_of
from worker.model import Document, Profile, RawArticle, Refusal
from worker.settings import Limits
from worker.sites import Sites

MAX_HOLD_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """An entry of a feed, found but not read: most of them are known and need not be.

    `said` is all that it says, as bytes; `name` what tells it from others of its feed (its guid,
    else address and title); `read` makes the article of it, or a Refusal.
    """

    said: bytes
    name: str
    read: Callable[[], RawArticle | Refusal]


@dataclass(frozen=True, slots=True)
class FeedFile:
    """A feed as it was answered.

    `hold_seconds` is what the feed itself asks to be left alone for (at most MAX_HOLD_SECONDS; 0
    where it asks nothing). `entries` may be empty. `parser` is the format: `feed`, `json-feed` or
    `sitemap`.
    """

    title: str | None
    hold_seconds: int
    entries: Sequence[FeedEntry]
    parser: str

    def articles(self) -> Iterator[RawArticle | Refusal]:
        """Every entry, read."""
        return (entry.read() for entry in self.entries)


def read_feed(document: Document, *, profile: Profile, sites: Sites, limits: Limits) -> FeedFile:
    """The feed in an answer: RSS, Atom, JSON Feed or a news sitemap, packed by gzip or not.

    Links are absolute where the feed or `document.url` tells whereto. Raises Rejected for
    anything else, and for a feed that is bad as a whole; a bad entry is a Refusal.
    """
    if len(document.data) > limits.file_bytes:
        raise _too_large()
    data = _unpacked(document.data, limits)
    if not data.strip():
        raise Rejected(
            Reason.EMPTY, "the answer is empty: look in a browser whether there is a feed"
        )
    found = decode(data, document.charset)
    feed = _read(found.text, document, limits)
    if len(feed.entries) > limits.articles:
        raise too_many(limits)

    def fit(entry: FeedEntry) -> FeedEntry:
        def read() -> RawArticle | Refusal:
            return fitting(_with_absolute_links(entry.read(), document.url), found.warnings)

        return replace(entry, read=read)

    return replace(feed, entries=[fit(entry) for entry in feed.entries])


_LOOK = "look for the feed's address in its <link rel=alternate>, or in the site's help"
_NUMBER = re.compile(r"[0-9]{1,9}")
_MOST_OBJECTS = 1_000
"""Beside 20 an item: a million empty ones are 9 MB of text and 4 GB of Python's."""
_PERIODS = {
    "hourly": 3_600,
    "daily": 86_400,
    "weekly": 7 * 86_400,
    "monthly": 30 * 86_400,
    "yearly": 365 * 86_400,
}
"""RSS 1.0's syndication module (web.resource.org/rss/1.0/modules/syndication), in seconds."""


def _unpacked(data: bytes, limits: Limits) -> bytes:
    """`data` out of its gzip, if it has one: a transport's was undone before, `.xml.gz` is not."""
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


def _read(text: str, document: Document, limits: Limits) -> FeedFile:
    try:
        kind = sniff_text(text)
    except Rejected as error:
        raise _no_feed(text) from error
    if kind is Format.FEED:
        from worker.formats.feed.rss_atom import (
            open_feed,  # two parsers: 0.2 s that most processes save
        )

        feed = open_feed(text, document, limits)
        if not feed.found and not _END.search(text):
            raise Rejected(
                Reason.MALFORMED, "the feed ends before its first entry: it may be whole next time"
            )
        title = html_title(text_of(feed.head.get("title"))) or None
        entries = [
            FeedEntry(_said(entry), _name(entry, "id", "link", "title"), partial(feed.read, number))
            for number, entry in enumerate(feed.found)
        ]
        return FeedFile(title, _hold_seconds(feed.head), entries, "feed")
    if kind is Format.SITEMAP:
        read = open_sitemap(text, document, limits)
        return FeedFile(None, 0, list(map(_already_read, read)), "sitemap")
    if kind is Format.JSON:
        return _json(text, document, limits)
    raise _no_feed(text, kind)


_END = re.compile(r"</(?:[\w.-]{1,40}:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)


def _json(text: str, document: Document, limits: Limits) -> FeedFile:
    if text.count("{") > _MOST_OBJECTS + 20 * limits.articles:
        raise too_many(limits)
    try:
        value = load_json(text)
    except Trailing as error:
        raise Rejected(
            Reason.MALFORMED, "text follows the JSON: give the address of a JSON Feed"
        ) from error
    if not isinstance(value, dict) or not is_feed(value):
        raise Rejected(
            Reason.UNKNOWN_FORMAT,
            "this is JSON, but no JSON Feed: give the address of a feed (RSS, Atom, JSON Feed)",
        )
    items = json_feed.items_of(value)
    if len(items) > limits.articles:
        raise too_many(limits)
    entries = [
        FeedEntry(
            json_feed.dump(item),
            _name(item, "id", "url", "title"),
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


def _already_read(article: RawArticle | Refusal) -> FeedEntry:
    if isinstance(article, Refusal):
        return FeedEntry(article.raw, "", lambda: article)
    name = "\0".join((article.url or "", article.title or ""))
    return FeedEntry(orjson.dumps(article), name, lambda: article)


def _said(entry: Mapping[str, object]) -> bytes:
    """All that a parser found of an entry; its times as they print."""
    try:
        return orjson.dumps(entry, default=str)
    except TypeError:  # a lone surrogate
        return repr(entry).encode("ascii", "backslashreplace")


def _name(entry: object, *keys: str) -> str:
    """Its guid, where it has one: an address may hold a token that is another at each poll."""
    if not isinstance(entry, Mapping):
        return ""
    guid, *others = (str(entry.get(key) or "") for key in keys)
    return guid or "\0".join(others)


def _no_feed(text: str, kind: Format | None = None) -> Rejected:
    if kind is Format.PAGE:
        return Rejected(Reason.UNKNOWN_FORMAT, f"this is a page, not a feed: {_LOOK}")
    what = "XML of another kind" if text.lstrip("\ufeff\u200b \t\r\n")[:1] == "<" else "text"
    return Rejected(
        Reason.UNKNOWN_FORMAT,
        f"this is {what}, not a feed: give the address of a feed (RSS, Atom, JSON Feed)",
    )


def _too_large() -> Rejected:
    return Rejected(
        Reason.TOO_LARGE, "the feed is larger than limits.file_mb: raise the limit, or leave it"
    )


def _hold_seconds(head: Mapping[str, object]) -> int:
    """RSS's `ttl` (minutes), else the syndication module's period over its frequency."""
    minutes = _number(head.get("ttl"))
    if minutes:
        return min(60 * minutes, MAX_HOLD_SECONDS)
    period, frequency = head.get("sy_updateperiod"), head.get("sy_updatefrequency")
    if period is None and frequency is None:
        return 0
    seconds = _PERIODS.get(text_of(period or "daily").lower(), 0)  # the module's own defaults
    return min(seconds // (_number(frequency or "1") or seconds + 1), MAX_HOLD_SECONDS)


def _number(value: object) -> int:
    """A whole number above zero, or 0."""
    text = text_of(value)
    return int(text) if _NUMBER.fullmatch(text) else 0


def _with_absolute_links(entry: RawArticle | Refusal, feed_url: str | None) -> RawArticle | Refusal:
    if isinstance(entry, Refusal) or not entry.url or joined(None, entry.url):
        return entry
    home = entry.publisher.url if entry.publisher else None
    url = joined(joined(feed_url, entry.base_url) or joined(feed_url, home) or feed_url, entry.url)
    return replace(entry, url=url, base_url=joined(url, entry.base_url)) if url else entry
