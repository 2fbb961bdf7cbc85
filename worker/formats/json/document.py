"""A JSON file: a feed, an article, a list of articles, or front matter with a body below it.

orjson reads the text, and the standard library where orjson refuses: lone surrogates (``\\ud800``),
NaN, and values nested deeper than 1,024. It reads the first two and raises RecursionError at the
third.
"""

import json
import re
from dataclasses import replace

import orjson

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.context import ParseContext, Parsed
from worker.formats.front_matter import head_article
from worker.formats.json.article import parse_item, parse_object
from worker.formats.json.feed import is_feed, parse_feed
from worker.formats.memory import check_memory
from worker.model import Document, RawArticle, Refusal

_LINE = re.compile(r"[^\n]*(?:\n|\Z)")
_LISTS = ("articles", "items", "posts", "entries", "results", "data")
"""Where APIs put their articles when the list is not the whole document."""


def parse_json(text: str, document: Document, context: ParseContext) -> Parsed:
    """Every article of the document; a bad one of a list is a Refusal."""
    try:
        value = load_json(text)
    except TrailingText as error:
        yield head_article(error.value, error.rest)
        return
    if is_feed(value):
        assert isinstance(value, dict)
        yield from parse_feed(value)
        return
    if isinstance(value, dict):
        articles = _article_list(value)
        if articles is None:
            yield parse_object(value)
            return
        value = articles
    if not isinstance(value, list):
        raise Rejected(
            Reason.UNKNOWN_FORMAT,
            "this JSON is neither an object nor a list: drop an article's object",
        )
    if not value:
        raise Rejected(Reason.EMPTY, "the JSON list is empty: drop it again, filled")
    for item in value:
        yield parse_item(item, parser="json")


def parse_ndjson(text: str, document: Document, context: ParseContext) -> Parsed:
    """One article a line; a line that cannot be read is a Refusal."""
    for number, match in enumerate(_LINE.finditer(text), 1):
        if row := match[0].strip("\n \t\r\ufeff"):
            yield _parse_row(row, number)


def _parse_row(row: str, number: int) -> RawArticle | Refusal:
    try:
        value = load_json(row)
    except TrailingText:
        message = f"line {number} holds more than one value: put one object a line"
        return Refusal(Reason.MALFORMED, message)
    except Rejected as error:
        why = str(error).replace("line 1 column", "column")  # the decoder has one line
        return Refusal(error.reason, f"line {number}: {why}")
    article = parse_item(value, parser="ndjson")
    if isinstance(article, Refusal):
        return replace(article, message=f"line {number}: {article.message}")
    return article


def _article_list(value: dict[str, object]) -> list[object] | None:
    """The list of articles in an object that is not an article itself."""
    if "title" in value and any(key in value for key in ("content", "content_html", "url", "body")):
        return None
    for key in _LISTS:
        items = value.get(key)
        if isinstance(items, list) and items and all(isinstance(item, dict) for item in items[:10]):
            return items
    return None


class TrailingText(Exception):
    """A whole object was read, and other text follows it."""

    def __init__(self, value: dict[str, object], rest: str) -> None:
        super().__init__("text after the object")
        self.value = value
        self.rest = rest


def load_json(text: str) -> object:
    """The value of `text`.

    Raises TrailingText for an object that other text follows, Rejected (`malformed`, `too_deep`)
    for anything that is not JSON.
    """
    try:
        return orjson.loads(text)
    except ValueError as error:
        check_memory(error)
    text = text.lstrip("\ufeff\u200b \t\r\n")
    try:
        value, end = _DECODER.raw_decode(text)
    except RecursionError as error:
        raise Rejected(
            Reason.TOO_DEEP, "the JSON is nested too deep: an article needs no more than 20 levels"
        ) from error
    except ValueError as error:
        raise Rejected(
            Reason.MALFORMED,
            f"the JSON cannot be read ({printable(str(error), 120)}): correct it and drop it again",
        ) from error
    trailing = text[end:]
    if trailing.strip():
        if isinstance(value, dict):
            raise TrailingText(value, trailing)
        raise Rejected(
            Reason.MALFORMED, "text follows the JSON value: put one value in a file, or one a line"
        )
    return value


def _integer(digits: str) -> int | float:
    """int() is quadratic in the digits; beyond 64 bits nothing here is a whole number."""
    return int(digits) if len(digits) < 20 else float("inf")


_DECODER = json.JSONDecoder(parse_int=_integer, strict=False)
