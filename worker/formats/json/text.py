"""JSON text to values, at bounded cost: orjson first, the standard library where it refuses.

orjson refuses lone surrogates (``\\ud800``), NaN and what is nested deeper than 1,024. The
standard library reads the first two; the third is a RecursionError there.
"""

import json
import re

import orjson

from worker.errors import Reason, Rejected
from worker.escape import printable


class Trailing(Exception):
    """A whole object was read, and something other than JSON follows it."""

    def __init__(self, value: dict[str, object], rest: str) -> None:
        super().__init__("text after the object")
        self.value = value
        self.rest = rest


def load_json(text: str) -> object:
    """The value of `text`.

    Raises Trailing for an object that other text follows, Rejected (`malformed`, `too_deep`)
    for anything that is not JSON.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        pass
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
            f"the JSON cannot be read ({printable(str(error), 120)}): mend it and drop it again",
        ) from error
    rest = text[end:]
    if rest.strip():
        if isinstance(value, dict):
            raise Trailing(value, rest)
        raise Rejected(
            Reason.MALFORMED, "text follows the JSON value: put one value in a file, or one a line"
        )
    return value


def _integer(digits: str) -> int | float:
    """int() is quadratic in the digits; beyond 64 bits nothing here is a whole number."""
    return int(digits) if len(digits) < 20 else float("inf")


_DECODER = json.JSONDecoder(parse_int=_integer, strict=False)
_FEED_VERSION = re.compile(r"jsonfeed\.org/version", re.IGNORECASE)


def is_feed(value: object) -> bool:
    """Whether a value is a JSON Feed by its `version`, or by `items` beside feed-level fields."""
    if not isinstance(value, dict):
        return False
    version = value.get("version")
    if isinstance(version, str) and _FEED_VERSION.search(version):
        return True
    return isinstance(value.get("items"), list) and bool(
        {"home_page_url", "feed_url"} & value.keys()
    )
