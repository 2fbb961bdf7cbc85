"""Titles: as written or a substitute from the body; folded, so that a mirror's equals its original.

Mirrors replace ``: / \\ ? * < > | [ ]`` and quotes by ``_`` to get a file name. Dropping these
characters would make ``3:1`` the same as ``31``; so folding turns them into ``_`` (of 1,243
mirrored titles all met their originals, and such pairs stayed apart).
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from worker.model.warning import RecordWarning, WarningKind, warn
from worker.normalize.strings import one_line

LONGEST = 1000
"""Characters."""

_LONGEST_SENTENCE = 120
_SENTENCE = re.compile(r".+?[。！？!?…]+[”」』\"]?|.+?\.(?=\s)")
_REPLACED = frozenset(":/\\?*<>|[]")
_WIDE = _REPLACED - {"<", ">"}  # NFKC composes these two with what follows them

# Unicode 16, PropList.txt, Quotation_Mark; beside it characters typed for a quote: grave and acute
# accent, the modifier letters that look like an apostrophe, primes.
_QUOTES = frozenset("\"'«»‘’‚‛“”„‟‹›⹂「」『』〝〞〟﹁﹂﹃﹄＂＇｢｣`´ʹʺʻʼʽ′″‴")

# Default_Ignorable_Code_Point outside the format category: invisible, too.
_IGNORABLE = (
    *((0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F)),
    *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0000, 0xE0FFF)),
)
# Folding changes none of these, alone or together: most titles need no other step (4 µs).
_FOLDED = re.compile("[0-9a-z_\u4e00-\u9fff]*")
_DROPPED = {"Cc", "Cf", "Zs", "Zl", "Zp"}


def choose_title(
    raw_title: str | None, *, heading: str | None, text: str, warnings: list[RecordWarning]
) -> str:
    """The title on one line, at most LONGEST characters; empty if there is none.

    Without a title the first heading, else the first sentence, with a warning.
    """
    title = one_line(raw_title, LONGEST + 1)
    if len(title) > LONGEST:
        warnings.append(warn(WarningKind.CUT, f"title cut at {LONGEST:,} characters"))
        title = title[:LONGEST].rstrip()
    if is_visible(title):
        return title
    if heading and is_visible(one_line(heading)):
        warnings.append(warn(WarningKind.TITLE_MISSING, "the first heading is used instead"))
        return one_line(heading, LONGEST)
    for row in text.split("\n"):
        if is_visible(one_line(row)):
            warnings.append(warn(WarningKind.TITLE_MISSING, "the first sentence is used instead"))
            return _first_sentence(one_line(row))
    return ""


def fold(title: str, suffixes: Iterable[str] = ()) -> str:
    """The title as it enters the key; idempotent.

    NFKC and casefold; control, format and zero-width characters and white space are dropped;
    quotes and the characters that mirrors replace become ``_``; one of `suffixes` (a site's name)
    is cut from the end. A title of which nothing is left is folded by NFKC and white space only.
    """
    folded = _fold(title)
    for suffix in _folded_suffixes(tuple(suffixes)):
        if len(folded) > len(suffix) and folded.endswith(suffix):
            folded = folded[: -len(suffix)]
            break
    return folded or " ".join(unicodedata.normalize("NFKC", title).split())


def without_suffix(title: str, suffixes: Iterable[str]) -> str:
    """`title` as written, without one of `suffixes` and the white space before it."""
    for suffix in sorted(suffixes, key=len, reverse=True):
        if title.endswith(suffix) and title[: -len(suffix)].strip():
            return title[: -len(suffix)].rstrip()
    return title


def is_visible(text: str) -> bool:
    """Whether `text` has a visible character: not only white space, format characters, fillers
    and the Braille blank."""
    characters = (_table[ord(char)] for char in text)  # most often the first one decides
    return any(char and char.isprintable() and char != "\u2800" for char in characters)


def _first_sentence(row: str) -> str:
    match = _SENTENCE.match(row)
    sentence = match[0] if match else row
    if len(sentence) <= _LONGEST_SENTENCE:
        return sentence
    return sentence[: _LONGEST_SENTENCE - 1].rstrip() + "…"


@lru_cache(maxsize=256)
def _folded_suffixes(suffixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(filter(None, map(_fold, suffixes)), key=len, reverse=True))


def _fold(text: str) -> str:
    folded = text.translate(_table)
    # Dropping a character can join two others that NFKC then composes, so the step repeats until
    # nothing changes: twice, for all but artificial input.
    while not _FOLDED.fullmatch(folded) and (step := _fold_once(folded)) != folded:
        folded = step
    return folded


def _fold_once(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).translate(_table)


class _Table(dict[int, str]):
    """A translation table that is filled on demand."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char in _QUOTES or char in _REPLACED or unicodedata.normalize("NFKC", char) in _WIDE:
            char = "_"
        elif unicodedata.category(char) in _DROPPED or any(
            first <= code <= last for first, last in _IGNORABLE
        ):
            char = ""
        self[code] = char
        return char


_table = _Table()
