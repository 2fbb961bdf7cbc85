"""Outside text made valid for a record: Unicode, without control characters, bounded."""

import math
import re
from typing import Any

# Surrogates (halves of a pair: not Unicode text), controls but tab and line break, byte order
# marks and zero-width spaces, marks that turn the direction of writing, non-characters. Joiners
# (U+200C, U+200D) stay: Persian and emoji are spelled with them.
_INVALID = re.compile(
    "[\ud800-\udfff\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069"
    "\ufeff\ufdd0-\ufdef\ufffe\uffff]"
)
# The usual characters: one match of them costs half of a search for the others.
_USUAL = re.compile("[\t\n -~\xa0\u2010-\u2027\u3000-\ud7ff\uff00-\uffee]*")
_SPACES = {"\x0b", "\x0c", "\r", "\x1c", "\x1d", "\x1e", "\x1f", "\x85"}
_MAX_DEPTH = 32  # of values in `extra`; JSON readers have a limit, too
_MAX_INT = 2**53  # what every JSON reader keeps exactly


def clean_text(text: str) -> str:
    """`text` without invalid characters; halves of surrogate pairs become U+FFFD."""
    if _USUAL.fullmatch(text) or not _INVALID.search(text):
        return text
    return _INVALID.sub(_replacement, text)


def one_line(text: str | None, limit: int = 1000) -> str:
    """`text` cleaned, on one line, with single spaces, at most `limit` characters."""
    if not text:
        return ""
    return " ".join(clean_text(text[: 8 * limit]).split())[:limit].rstrip()


def one_line_or_none(text: str | None, limit: int = 1000) -> str | None:
    return one_line(text, limit) or None


def json_value(value: Any, depth: int = 0) -> Any:
    """`value` as a JSON value; other types become text, NaN and infinities null."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _MAX_INT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict | list | tuple | set | frozenset):
        return _json_container(value, depth) if depth < _MAX_DEPTH else None
    return clean_text(str(value))


def _json_container(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {clean_text(str(key)): json_value(item, depth + 1) for key, item in value.items()}
    return [json_value(item, depth + 1) for item in value]


def _replacement(match: re.Match[str]) -> str:
    char = match[0]
    if "\ud800" <= char <= "\udfff":
        return "\ufffd"
    return " " if char in _SPACES else ""
