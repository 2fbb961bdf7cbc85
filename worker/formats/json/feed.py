"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1)."""

import re
from collections.abc import Mapping
from dataclasses import replace

from worker.errors import Reason, Rejected
from worker.formats.context import Parsed
from worker.formats.json.article import parse_item
from worker.formats.page.links import resolve_link
from worker.formats.values import persons_of, text_of, url_of
from worker.model import Publisher, RawArticle, Refusal

_VERSION = re.compile(r"jsonfeed\.org/version", re.IGNORECASE)


def is_feed(value: object) -> bool:
    """Whether a value is a JSON Feed by its `version`, or by `items` beside feed-level fields."""
    if not isinstance(value, dict):
        return False
    version = value.get("version")
    if isinstance(version, str) and _VERSION.search(version):
        return True
    return isinstance(value.get("items"), list) and bool(
        {"home_page_url", "feed_url"} & value.keys()
    )


def parse_feed(feed: Mapping[str, object]) -> Parsed:
    """The feed's items, see `article_of`. Raises Rejected as `items_of` does."""
    return (article_of(item, feed) for item in items_of(feed))


def items_of(feed: Mapping[str, object]) -> list[object]:
    """The feed's items, unparsed. Raises Rejected (`malformed`) where there is no list."""
    items = feed.get("items")
    if not isinstance(items, list):
        raise Rejected(Reason.MALFORMED, "the JSON Feed has no list `items`: add it")
    return items


def article_of(item: object, feed: Mapping[str, object]) -> RawArticle | Refusal:
    """An item's article; the author and language that an item lacks are the feed's, and its
    relative addresses begin at the feed's home page."""
    title = text_of(feed.get("title"))
    home = url_of(feed.get("home_page_url"))
    article = parse_item(_with_absolute(item, home), parser="json-feed")
    if isinstance(article, Refusal):
        return article
    return replace(
        article,
        dates=article.dates or article.modified,
        publisher=article.publisher or (Publisher(title, home) if title else None),
        authors=article.authors or persons_of(feed.get("authors") or feed.get("author")),
        language=article.language or text_of(feed.get("language")) or None,
        feed_url=url_of(feed.get("feed_url")),
        guid=text_of(item.get("id")) if isinstance(item, dict) else None,
        base_url=article.url or home,
    )


def _with_absolute(item: object, home: str | None) -> object:
    if not isinstance(item, dict):
        return item
    if not item.get("url") and str(item.get("id")).startswith(("http://", "https://")):
        item = {**item, "url": item["id"]}  # jsonfeed.org/version/1.1, `id`
    links = ((name, item.get(name)) for name in ("url", "external_url"))
    joint = {name: resolve_link(home, link) for name, link in links if isinstance(link, str)}
    return {**item, **{name: link for name, link in joint.items() if link}}
