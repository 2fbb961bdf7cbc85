"""Outside text made safe to show: one rule for logs, terminals, errors and journals."""

import os
import unicodedata

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
    if cut.isascii() and cut.isprintable() and "\\" not in cut:
        shown = cut
    else:
        shown = "".join(_shown(char) for char in cut)
    return shown if len(text) <= limit else shown[:limit] + "…"


def _shown(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if unicodedata.category(char) not in _HIDDEN:
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")
