"""Escaping of outside text: one rule for logs, terminals, errors and journals."""

import json
import os
import re
import unicodedata

_HIDING = re.compile(
    "[\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Characters that JSON allows but a terminal obeys or hides: controls, bidirectional and
zero-width characters, tags, and lone surrogates."""

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str | bytes | os.PathLike[str], limit: int = 300) -> str:
    r"""`text` on one line with everything that could move a cursor or hide text escaped.

    Control, format (zero-width, bidirectional), surrogate and unassigned characters become
    ``\n``, ``\x1b``, ``\u202e`` …; a backslash is doubled so that the result is unambiguous.
    Bytes and paths that are not UTF-8 show their stray bytes as ``\xNN``.
    Longer than `limit` characters is cut and ends in ``…``.
    """
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    elif not isinstance(text, str):
        text = os.fspath(text)
    cut = text[: limit + 1]
    is_plain = cut.isprintable() and "\\" not in cut
    escaped = cut if is_plain else "".join(map(_escape, cut))
    return escaped if len(text) <= limit else escaped[:limit] + "…"


def safe_json(text: str) -> str:
    """JSON text with the characters that terminals obey or hide escaped; its value is the same."""
    return _HIDING.sub(lambda match: json.dumps(match.group())[1:-1], text)


def _escape(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if unicodedata.category(char) not in _HIDDEN:
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")
