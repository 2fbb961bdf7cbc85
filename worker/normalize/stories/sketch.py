"""The sketch of a text: 96 bytes that tell how much of two texts is the same, and whether their
numbers are; and its bands, under which texts that may be the same are found.

A text is folded to one byte a character (its letters and digits, see `folding`). Its pieces of 8
bytes go into a MinHash of 64 values (Broder 1997): the share of equal values estimates the share of
equal pieces. The pieces overlap and fit into 64 bits, so that rensa reads all of them from one
buffer: 25 µs for 2,000 characters, where making strings of them took 360 µs.

Two texts with the same words and other numbers are no copies of each other but parts of a series:
closing reports, weather, notices of funds. So the sketch has up to 14 of the numbers, too, and one
hash of those in the title: it distinguishes releases and changesets (`3.5.0beta1`, `3.4.3`).
Its highest bit says that the title has the number of a release: two of them may have one text.
"""

import re
import struct
import zlib
from collections.abc import Callable
from difflib import SequenceMatcher
from enum import StrEnum
from functools import cache
from hashlib import blake2b
from typing import Any

from worker.model import Article, StoryMarks
from worker.normalize.stories.folding import fold_bytes, simplify
from worker.normalize.urls import address_key

PIECE = 8
"""Bytes. 8 Chinese characters, or about three words in Latin letters, whose vowels are dropped."""
MIN_PIECES = 60
"""A shorter text has no sketch: captions, flashes, posts of pictures."""
MAX_SHORT = 4 * (MIN_PIECES + PIECE)
"""Bytes of a text without a sketch and one of which it is half, together: templates have more."""
MAX_CHARACTERS = 10_000
"""The text after them is not read: it costs time, and no story begins there."""
SLOTS = 64
BANDS = 8
"""A copy that has a third of the text is found by one of 8 values with 96 %, a half with 99.6 %."""
BAND_MASK = 2**37 - 1
"""A band is a number of 8 bytes: 21 bits choose a list, the 16 after them are in it."""
MAX_NUMBERS = 14

SAME_SHARE = 0.5
"""The share of the shorter text's pieces that the longer one has: from here on, one story. Tuned on
the first half of `tests/near`, as the next two."""
MIN_LENGTH_RATIO = 0.15
"""A shorter part is a quotation, or one item of a digest."""
SAME_NUMBERS = 0.6
"""Share of the numbers of the text with fewer numbers that the other has, too."""
SURE_SHARE = 0.9
"""From here on the numbers in the titles may differ, unless both are of releases: a reprint has
another head."""

_SEED = 1
_SIZE = struct.Struct(f">H{SLOTS}B{MAX_NUMBERS}HH")
_VALUES = struct.Struct(f">{SLOTS}I")
_NUMBERS = struct.Struct(f">{MAX_NUMBERS + 1}H")
_BANDS = struct.Struct(f">{BANDS}Q")
_NONE = 0xFFFF
_NO_NUMBERS = [_NONE] * MAX_NUMBERS
NO_SKETCH = bytes(_SIZE.size)
"""The sketch of a text that is too short: it is similar to no other one."""
_JOINTS = ".,:/年月-"
_DIGITS = "0-9〇零一二三四五六七八九十百千"
_NUMBER = re.compile(f"[{_DIGITS}][{_DIGITS}{_JOINTS}]*")
"""`1,204.5`, `11月26`, `2021-11-26`, `二十三`. A date is one: else two of a year shared half."""
_RELEASE = re.compile(r"\d+\.\d+\.\d+|(?<![a-z])(?:v|rc|alpha|beta)[ .-]?\d", re.IGNORECASE)
_IS_RELEASE = 0x8000
_PLACEHOLDER = fold_bytes("lorem ipsum dolor sit amet")
"""The text of templates and of pages that are not written yet."""
_STANDARD = (
    *("虚假记载", "信息披露媒体", "投资风险", "forward-looking statement", "undue reliance"),
    *("obligation to update", "actual results"),
)
"""Phrases of sentences that exchanges require in the announcements of all companies."""
_MIX = 0x1E3779B9
"""Odd, with 29 bits: a product with 32 bits does not overflow into the next band."""
_BAND_BITS = int.from_bytes(BAND_MASK.to_bytes(8) * BANDS)


def make_sketch(text: str, title: str = "") -> StoryMarks | None:
    """The marks of a text with a title; None if the text is too short."""
    text = _without_standard(text[:MAX_CHARACTERS])
    folded = fold_bytes(text)
    count = len(folded) - PIECE + 1
    if count < MIN_PIECES or _PLACEHOLDER in folded:
        return None
    # All pieces, whatever their order: those that begin at 0, 8, 16 …, at 1, 9, 17 …
    size = len(folded)
    pieces = b"".join([folded[n : size - (size - n) % PIECE] for n in range(PIECE)])
    buffer = memoryview(pieces).cast("Q")
    (values,) = _min_hash()(buffer, [0, len(buffer)], SLOTS, _SEED).to_rows()
    low_bytes = _VALUES.pack(*values)[3::4]
    numbers = _NUMBERS.pack(*_numbers(text), _title_number(title))
    sketch = min(count, 0xFFFF).to_bytes(2) + low_bytes + numbers
    # All bands at once, as one number.
    mixed = int.from_bytes(_BANDS.pack(*values[:BANDS])) * _MIX & _BAND_BITS
    return StoryMarks(mixed.to_bytes(_BANDS.size), sketch)


def _without_standard(text: str) -> str:
    for phrase in _STANDARD:
        if phrase in text:
            for end in ("。", ". "):
                text = end.join(part for part in text.split(end) if phrase not in part)
    return text


def _numbers(text: str) -> list[int]:
    """Hashes of up to MAX_NUMBERS of the numbers in a text: always the smallest ones, so that of
    two texts the same ones are chosen."""
    hashes = {zlib.crc32(number.encode()) % _NONE for number in _find_numbers(text)}
    return sorted([*hashes, *_NO_NUMBERS])[:MAX_NUMBERS]


def _find_numbers(text: str) -> set[str]:
    """A Chinese digit alone is a word: 一 is `a`, 十分 `very`."""
    numbers = {number.rstrip(_JOINTS) for number in set(_NUMBER.findall(text))}
    return {n.replace(",", "") for n in numbers if len(n) > 1 or n.isdecimal()}


def _title_number(title: str) -> int:
    """A hash of the numbers in a title, in any order, below or from _IS_RELEASE."""
    numbers = sorted(_find_numbers(title))
    if not numbers:
        return _NONE
    digest = zlib.crc32(" ".join(numbers).encode()) % (_NONE - _IS_RELEASE)
    return digest + _IS_RELEASE * bool(_RELEASE.search(title))


class Apart(StrEnum):
    """Why two texts do not tell the same story: one is a small part of the other, the numbers in
    them or in their titles differ, or too little of them is the same."""

    LENGTH = "length"
    NUMBERS = "numbers"
    TITLES = "titles"
    TEXT = "text"


def similarity(first: bytes, second: bytes) -> float:
    """The share of the shorter text that is in the longer one, by their sketches, from 0 to 1; 0 if
    they do not tell the same story. `sketches.lua` has the same rule."""
    share, apart = compare(first, second)
    return 0.0 if apart else share


def compare(first: bytes, second: bytes) -> tuple[float, Apart | None]:
    """`similarity` without the 0, and why they do not tell the same story; None if they do."""
    size, *values = _SIZE.unpack(first)
    other_size, *other_values = _SIZE.unpack(second)
    shorter = min(size, other_size)
    equal = sum(map(int.__eq__, values[:SLOTS], other_values[:SLOTS]))
    share = max(0.0, (equal / SLOTS - 1 / 256) / (1 - 1 / 256))  # one in 256 is equal by chance
    contained = min(1.0, share / (1 + share) * (size + other_size) / shorter)
    if shorter < MIN_LENGTH_RATIO * max(size, other_size):
        return contained, Apart.LENGTH
    if contained < SAME_SHARE:
        return contained, Apart.TEXT
    *numbers, title = values[SLOTS:]
    *other_numbers, other_title = other_values[SLOTS:]
    if (
        title != other_title
        and _NONE not in (title, other_title)
        and (contained < SURE_SHARE or min(title, other_title) >= _IS_RELEASE)
    ):
        return contained, Apart.TITLES
    return contained, None if _numbers_agree(numbers, other_numbers) else Apart.NUMBERS


def is_version(old: str, new: str) -> bool:
    """Whether two different texts are versions of one. Shorter ones have no sketch."""
    first, second = make_sketch(old), make_sketch(new)
    if first and second:
        return similarity(first.sketch, second.sketch) > 0
    numbers, others = _find_numbers(old), _find_numbers(new)
    if len(numbers & others) < SAME_NUMBERS * min(len(numbers), len(others)):
        return False
    # Folded: the time grows with the third power of the length, signs included.
    pair = fold_bytes(old[:MAX_CHARACTERS]), fold_bytes(new[:MAX_CHARACTERS])
    is_short = any(pair) and sum(map(len, pair)) <= MAX_SHORT
    return is_short and SequenceMatcher(None, *pair, autojunk=False).ratio() >= SAME_SHARE


def _numbers_agree(first: list[int], second: list[int]) -> bool:
    """Of longer lists, only numbers that both could hold are compared."""
    highest = min(numbers[-1] for numbers in (first, second))
    comparable = [
        {number for number in numbers if number <= highest and number != _NONE}
        for numbers in (first, second)
    ]
    fewer = min(map(len, comparable))
    return len(comparable[0] & comparable[1]) >= SAME_NUMBERS * fewer


@cache
def _min_hash() -> Callable[..., Any]:
    """rensa's function, imported with the first text: it takes 2 ms."""
    from rensa import RMinHash

    function: Callable[..., Any] = RMinHash.digest_matrix_from_flat_token_hashes
    return function


_SUFFIX = re.compile(r"(?<=.{4})[_|-][^_|-]{2,12}$")
_CJK = re.compile(r"[\u2e80-\ua4cf\uac00-\ud7af]")
_START, _LATIN_START = 10, 24
"""Characters of a title that a cut headline still has."""


def make_marks(record: Article) -> StoryMarks | None:
    """The marks of a record; None if its text is too short and its address tells nothing."""
    text = make_sketch(record.content_text, record.title)
    band = address_band(record.url, record.date, record.dedupe.title)
    if band is None:
        return text
    return StoryMarks(text.bands + band if text else band, text.sketch if text else NO_SKETCH)


def address_band(url: str | None, date: str | None, folded_title: str) -> bytes | None:
    """The band of an address, the day, and the beginning of the normalized title: articles with the
    same one tell one story, however short their texts are. None without an address or a date.

    An address alone is not enough: a live page and a list are the address of many articles.
    """
    key = address_key(url) if url else None
    if key is None or date is None:
        return None
    title = simplify(folded_title)
    for _ in range(2):  # section and site
        title = _SUFFIX.sub("", title)
    start = title[: _START if _CJK.search(title[:_START]) else _LATIN_START]
    digest = blake2b("\n".join((key, date, start)).encode("utf-8", "replace"), digest_size=8)
    return (int.from_bytes(digest.digest()) & BAND_MASK).to_bytes(8)
