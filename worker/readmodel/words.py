"""Words in titles and texts: folding, the terms of the full-text index, and matching.

The index has each pair of adjacent characters of a folded text, each single character, and each
three adjacent ASCII letters or digits. So one Chinese character is found as well as a phrase. The
trigrams of FTS5 find nothing shorter than three characters, and need 4.7 kB for a text of 1,100
characters where pairs need 1.9. Terms say only where a word may be: each candidate's folded text is
compared, too.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from operator import add

import zstandard

from worker.errors import UsageError

MAX_TEXT = 20_000
"""Folded characters of one article that are searched: title, summary, then text."""

_MAX_WORDS = 10
_MAX_WORD = 300
_SEPARATORS = re.compile(r"[\W_]+")
_ASCII_RUN = re.compile(r"[0-9a-z]{3,}")


def fold(text: str) -> str:
    """Letters and digits in the form in which they are compared: without case, width, white space
    and punctuation. Not as a title enters its key: that takes ten times as long for a text."""
    # Without its punctuation most Chinese text is in normal form: a fifth of the time.
    plain = _SEPARATORS.sub("", text)
    if not unicodedata.is_normalized("NFKC", plain):
        plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", plain))
    return plain.casefold()


def fold_parts(*parts: str) -> str:
    """Texts in the form in which words are looked for, a line each."""
    return "\n".join(fold(part[:MAX_TEXT]) for part in parts if part)[:MAX_TEXT]


def parse_words(query: str) -> tuple[str, ...]:
    """The folded words of a query. Raises UsageError where there are none, or too many."""
    words = tuple(filter(None, (fold(word)[:_MAX_WORD] for word in query.split())))
    if not words or len(words) > _MAX_WORDS:
        raise UsageError(f"give one to {_MAX_WORDS} words of letters or digits to search for")
    return words


def index_terms(folded: str) -> str:
    """The terms of a text, for FTS5's tokenizer `ascii`."""
    return " ".join({*folded, *_sequences(folded)} - {"\n"})


def query_terms(words: Sequence[str]) -> str:
    """A query of FTS5 for the texts that may have all `words`; empty without any."""
    terms: dict[str, None] = {}
    for word in words:
        terms |= dict.fromkeys(sorted(_sequences(word)) or word)
    return " AND ".join(f'"{term}"' for term in terms)


def pack(folded: str) -> bytes:
    """A folded text, compressed to about a third."""
    return zstandard.ZstdCompressor(level=3).compress(folded.encode("utf-8", "replace"))


def matcher(words: Sequence[str]) -> Callable[[bytes], bool]:
    """Whether a packed text has all `words`."""
    wanted = [word.encode("utf-8", "replace") for word in words]
    decompressor = zstandard.ZstdDecompressor()

    def has_words(packed: bytes) -> bool:
        text = decompressor.decompress(packed)
        return all(word in text for word in wanted)

    return has_words


def _sequences(plain: str) -> set[str]:
    sequences = set(map(add, plain, plain[1:]))
    for run in _ASCII_RUN.findall(plain):
        sequences.update(map(add, map(add, run, run[1:]), run[2:]))
    return sequences
