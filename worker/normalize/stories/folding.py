"""A text as bytes, for its sketch: what a copy changes is dropped.

Only letters and digits stay, without case and accents; vowels of Latin letters go, so that a piece
of 8 bytes is about three words; traditional characters become simplified ones, for this alone. Each
character is the low byte of its code then: two different ones are the same byte by chance only, and
8 in a row never.
"""

import re
import unicodedata
from codecs import charmap_encode
from collections.abc import Mapping
from functools import cache
from importlib import resources


def simplify(text: str) -> str:
    """`text` with simplified characters for traditional ones; its length stays."""
    return text.translate(_simplified_codes())


_DROPPED = frozenset("aeiou")
_MAX_CHARACTERS = 65_536
"""Maximum size of `_table`: more than texts in all scripts need."""


def fold_bytes(text: str) -> bytes:
    """The letters and digits of a text, a byte each."""
    if text.isascii():
        return text.encode().translate(_LOW, _ASCII_SIGNS)
    uncommon, signs = _common()
    if not uncommon.search(text):
        # Each character is two bytes: of a common one the low byte tells the letter, and with the
        # high one whether it is a sign. 0.02 µs a character; as whole numbers bytes are combined.
        wide = text.encode("utf-16-le")
        low, high = wide[::2], wide[1::2]
        is_sign = _number(low.translate(signs)) & _number(high.translate(_PLANE_BITS))
        marks = is_sign.to_bytes(len(low)).translate(_ANY)
        folded = _number(low.translate(_LOW)) | _number(marks)
        return folded.to_bytes(len(low)).translate(None, b"\xff")
    try:
        return charmap_encode(text, "strict", _table)[0]
    except UnicodeEncodeError:  # it has new characters
        if len(_table) + len(text) > _MAX_CHARACTERS:
            _table.clear()
        new = {char for char in text if ord(char) not in _table}
        _table.update((ord(char), _fold(char)) for char in new)
        return charmap_encode(text, "strict", _table)[0]


_table: dict[int, bytes] = {}
"""0.04 µs a character; 0.05 with `__missing__` of a subclass, 0.08 with `str.translate`. Texts of
all characters there are would fill it with 80 MB in every process."""
_number = int.from_bytes
_PLANES = (0x00, 0x20, 0x30, 0xFF)
"""High bytes of the signs that most texts have."""
_PLANE_BITS = bytes(1 << _PLANES.index(n) if n in _PLANES else 0 for n in range(256))
_ANY = bytes((0, *[0xFF] * 255))


def _fold_char(char: str) -> str:
    plain = unicodedata.normalize("NFKD", char).casefold()
    return "".join(c for c in plain if c.isalnum() and c not in _DROPPED)


_LOW = bytes(min(ord(_fold_char(chr(n))[:1] or chr(n)) & 0xFF, 0xFE) for n in range(256))


_ASCII_SIGNS = bytes(n for n in range(128) if not _fold_char(chr(n)))


def _fold(char: str) -> bytes:
    return bytes(_LOW[ord(c) & 0xFF] for c in _fold_char(_simplified().get(char, char)))


@cache
def _common() -> tuple[re.Pattern[str], bytes]:
    """A pattern of the characters that have to be folded one by one, and for each low byte the bits
    of the planes in which it is a sign: 20 ms in each process that folds other texts than ASCII."""
    planes = [[chr(plane * 256 + n) for n in range(256)] for plane in _PLANES]
    signs = bytes(
        sum(1 << at for at, chars in enumerate(planes) if not _fold(chars[n])) for n in range(256)
    )
    common = [
        c for chars in planes for n, c in enumerate(chars) if _fold(c) in (b"", _LOW[n : n + 1])
    ]
    common += (chr(n) for n in range(0x4E00, 0x9FF0) if chr(n) not in _simplified())
    return re.compile(f"[^{re.escape(''.join(common))}]"), signs


@cache
def _simplified_codes() -> Mapping[int, str]:
    return {ord(char): to for char, to in _simplified().items() if len(to) == 1}


@cache
def _simplified() -> Mapping[str, str]:
    """Traditional characters to simplified ones, by OpenCC's table (4,000 characters, 4 ms)."""
    table = resources.files("opencc").joinpath("dictionary", "TSCharacters.txt")
    rows = (line.split() for line in table.read_text("utf-8").splitlines())
    return {row[0]: row[1] for row in rows if len(row) > 1 and row[0] != row[1]}
