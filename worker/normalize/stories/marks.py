"""The marks that recognise the story of a record: of its text; of its address, date and title."""

import re
from hashlib import blake2b

from worker.model import Article, StoryMarks
from worker.normalize.stories.folding import simplify
from worker.normalize.stories.sketch import BAND_MASK, NO_SKETCH, make_sketch
from worker.normalize.urls import address_key

_SUFFIX = re.compile(r"(?<=.{4})[_|-][^_|-]{2,12}$")
_CJK = re.compile(r"[\u2e80-\ua4cf\uac00-\ud7af]")
_START, _LATIN_START = 10, 24
"""Characters of a title that a cut headline still has."""


def read_marks(record: Article) -> StoryMarks | None:
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
