"""A JSON file: a feed, an article, a list of articles, or front matter with a body below it."""

from collections.abc import Iterator

from worker.errors import Reason, Rejected
from worker.formats.front_matter import head_article
from worker.formats.json.article import parse_object
from worker.formats.json.feed import dump, item_article, parse_feed
from worker.formats.json.text import Trailing, is_feed, load_json
from worker.model import Document, Profile, RawArticle, Refusal
from worker.settings import Limits
from worker.sites import Sites

_LISTS = ("articles", "items", "posts", "entries", "results", "data")
"""Where APIs put their articles when the list is not the whole document."""


def parse_json(
    text: str, document: Document, *, profile: Profile, sites: Sites, limits: Limits
) -> Iterator[RawArticle | Refusal]:
    """Every article of the document; a bad one of a list is a Refusal."""
    try:
        value = load_json(text)
    except Trailing as error:
        yield head_article(error.value, error.rest)
        return
    if is_feed(value):
        assert isinstance(value, dict)
        yield from parse_feed(value)
        return
    if isinstance(value, dict):
        listed = _listed(value)
        if listed is None:
            yield parse_object(value)
            return
        value = listed
    if not isinstance(value, list):
        raise Rejected(
            Reason.UNKNOWN_FORMAT, "this JSON is no object and no list: drop an article's object"
        )
    if not value:
        raise Rejected(Reason.EMPTY, "the JSON list is empty: drop it again, filled")
    for item in value:
        yield item_article(item, parser="json")


def parse_ndjson(
    text: str, document: Document, *, profile: Profile, sites: Sites, limits: Limits
) -> Iterator[RawArticle | Refusal]:
    """One article a line; a line that cannot be read is a Refusal."""
    position = 0
    number = 0
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end == -1 else end
        line = text[position:end].strip(" \t\r\ufeff")
        position = end + 1
        number += 1
        if line:
            yield _line(line, number)


def _line(line: str, number: int) -> RawArticle | Refusal:
    try:
        value = load_json(line)
    except Trailing:
        message = f"line {number} holds more than one value: put one object a line"
        return Refusal(Reason.MALFORMED, message, line.encode("utf-8", "replace"))
    except Rejected as error:
        message = f"line {number}: {error}"
        return Refusal(error.reason, message, line.encode("utf-8", "replace"))
    found = item_article(value, parser="ndjson")
    if isinstance(found, Refusal):
        return Refusal(found.reason, f"line {number}: {found.message}", dump(value))
    return found


def _listed(value: dict[str, object]) -> list[object] | None:
    """The list of articles in an object that is not one itself."""
    if "title" in value and any(key in value for key in ("content", "content_html", "url", "body")):
        return None
    for key in _LISTS:
        found = value.get(key)
        if isinstance(found, list) and found and all(isinstance(item, dict) for item in found[:10]):
            return found
    return None
