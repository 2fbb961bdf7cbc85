"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import orjson

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.json.article import parse_object
from worker.formats.values import persons_of, text_of, url_of
from worker.model import Publisher, RawArticle, Refusal


def parse_feed(feed: Mapping[str, object]) -> Iterator[RawArticle | Refusal]:
    """The feed's items; what an item leaves out (author, language) is the feed's.

    Raises Rejected (`malformed`) where there is no list of items.
    """
    return (article_of(item, feed) for item in items_of(feed))


def items_of(feed: Mapping[str, object]) -> list[object]:
    """The feed's items as they stand. Raises Rejected (`malformed`) where there is no list."""
    items = feed.get("items")
    if not isinstance(items, list):
        raise Rejected(Reason.MALFORMED, "the JSON Feed has no list `items`: add it")
    return items


def item_article(item: object, *, parser: str) -> RawArticle | Refusal:
    """The article of one item of a list, or why that one is refused."""
    if not isinstance(item, dict):
        return Refusal(
            Reason.MALFORMED,
            f"an item of the list is not an object ({printable(text_of(item), 60)}): "
            "make it one with `title` and `content_html`",
            dump(item),
        )
    try:
        return parse_object(item, parser=parser)
    except Rejected as error:
        return Refusal(error.reason, str(error), dump(item))
    except RecursionError:
        return Refusal(Reason.TOO_DEEP, "the item is nested too deep: flatten it", b"")


def dump(value: object) -> bytes:
    """`value` as JSON again, for a refusal; lone surrogates escaped as they came."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return repr(value).encode("ascii", "backslashreplace")


def article_of(item: object, feed: Mapping[str, object]) -> RawArticle | Refusal:
    """An item's article, with what it leaves out taken from its feed."""
    article = item_article(item, parser="json-feed")
    if isinstance(article, Refusal):
        return article
    title = text_of(feed.get("title"))
    home = url_of(feed.get("home_page_url"))
    return replace(
        article,
        publisher=article.publisher or (Publisher(title, home) if title else None),
        authors=article.authors or persons_of(feed.get("authors") or feed.get("author")),
        language=article.language or text_of(feed.get("language")) or None,
        feed_url=url_of(feed.get("feed_url")),
        base_url=article.url or home,
    )
