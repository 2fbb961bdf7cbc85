"""The feeds that a page links to: `<link rel="alternate" type="application/rss+xml" …>`."""

from collections.abc import Mapping
from dataclasses import dataclass

from worker.formats.encoding.decode import decode
from worker.formats.page.links import resolve_link
from worker.formats.page.size_limits import Events, feed_html
from worker.formats.values import clean
from worker.model import Document

MAX_FEEDS = 100


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed's address, the link's title, and the kind: `rss`, `atom` or `json`."""

    url: str
    title: str | None
    kind: str


def feeds_in_page(document: Document) -> tuple[FeedLink, ...]:
    """The feeds that the page links to, absolute and unique, in its order; at most MAX_FEEDS.

    Without `document.url` only addresses that are absolute in the page count. Raises Rejected
    (`not_text`) for bytes that are no text.
    """
    if not document.data:
        return ()
    links = _Links()
    feed_html(clean(decode(document.data, document.charset).text), links)
    base = resolve_link(document.url, links.base) or document.url
    feeds: dict[str, FeedLink] = {}
    for href, title, kind in links.links:
        url = resolve_link(base, href)
        if url and len(feeds) < MAX_FEEDS:
            feeds.setdefault(url, FeedLink(url, title, kind))
    return tuple(feeds.values())


_KINDS = {
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/feed+json": "json",
    "application/json": "json",
}
_NO_FEED = "/wp-json/"
"""In the address of WordPress's API, which its pages name as an alternate in JSON."""


class _Links(Events):
    """A parser target that keeps `link` and `base` elements: no tree is needed."""

    def __init__(self) -> None:
        super().__init__()
        self.base: str | None = None
        self.links: list[tuple[str, str | None, str]] = []

    def start(self, tag: str | bytes, attrib: Mapping[str | bytes, str | bytes]) -> None:
        super().start(tag, attrib)
        if tag not in ("link", "base"):
            return
        attributes = {str(name).lower(): str(value) for name, value in attrib.items()}
        href = attributes.get("href", "").strip()
        if tag == "base":
            self.base = self.base or href
            return
        kind = _KINDS.get(attributes.get("type", "").partition(";")[0].strip().lower())
        alternate = "alternate" in attributes.get("rel", "").lower().split()
        if kind and alternate and href and _NO_FEED not in href:
            title = " ".join(attributes.get("title", "").split())
            self.links.append((href, title or None, kind))
