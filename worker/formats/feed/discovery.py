"""The feeds that a page names: `<link rel="alternate" type="application/rss+xml" …>`."""

from collections.abc import Mapping
from dataclasses import dataclass

from worker.formats.decode import decode
from worker.formats.page.links import joined
from worker.formats.page.size_limits import Events, feed_html
from worker.formats.values import clean
from worker.model import Document

MAX_FEEDS = 100


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed's address, what the page calls it, and its kind: `rss`, `atom` or `json`."""

    url: str
    title: str | None
    kind: str


def feeds_in_page(document: Document) -> tuple[FoundFeed, ...]:
    """The feeds that the page names, absolute and once each, in its order; at most MAX_FEEDS.

    A page without `document.url` only gives addresses that are absolute in it. Raises Rejected
    (`not_text`) for bytes that are no text.
    """
    if not document.data:
        return ()
    seen = _Links()
    feed_html(clean(decode(document.data, document.charset).text), seen)
    base = joined(document.url, seen.base) or document.url
    found: dict[str, FoundFeed] = {}
    for href, title, kind in seen.links:
        url = joined(base, href)
        if url and len(found) < MAX_FEEDS:
            found.setdefault(url, FoundFeed(url, title, kind))
    return tuple(found.values())


_KINDS = {
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/feed+json": "json",
    "application/json": "json",
}
_NO_FEED = "/wp-json/"
"""In the address that WordPress names as an alternate in JSON: its programs' interface."""


class _Links(Events):
    """A parser target that keeps what `link` and `base` elements say: no tree is needed."""

    def __init__(self) -> None:
        super().__init__()
        self.base: str | None = None
        self.links: list[tuple[str, str | None, str]] = []

    def start(self, tag: str | bytes, attrib: Mapping[str | bytes, str | bytes]) -> None:
        super().start(tag, attrib)
        if tag not in ("link", "base"):
            return
        said = {str(name).lower(): str(value) for name, value in attrib.items()}
        href = said.get("href", "").strip()
        if tag == "base":
            self.base = self.base or href
            return
        kind = _KINDS.get(said.get("type", "").partition(";")[0].strip().lower())
        alternate = "alternate" in said.get("rel", "").lower().split()
        if kind and alternate and href and _NO_FEED not in href:
            title = " ".join(said.get("title", "").split())
            self.links.append((href, title or None, kind))
