"""Why two articles are one story or not, by their records, with the passages that both have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from worker.errors import NotThere
from worker.normalize.stories.folding import simplify
from worker.normalize.stories.sketch import (
    MAX_CHARACTERS,
    MIN_LENGTH_RATIO,
    MIN_PIECES,
    SAME_NUMBERS,
    SAME_SHARE,
    Apart,
    address_band,
    compare,
    make_sketch,
)
from worker.queries.article import ArticleView, get_article
from worker.settings import Settings
from worker.translation import mark

MAX_PASSAGES, MAX_PASSAGE = 5, 300
"""Passages shown, and characters of one."""
_MIN_PASSAGE = 16
"""Characters in a row that two independent texts rarely have in common."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`id` compared with `other`. `is_same_story` is what was decided when they were published;
    None where one of them has no story. `similarity` is computed from the records of today; None
    where one of them is gone or too short, or their addresses were enough. `reason` is a sentence.

    `passages` are of the text of `id`, the longest first, and come from outside; `common_share` is
    the share of the shorter text that such passages make up.
    """

    id: str
    title: str
    other: str
    other_title: str
    is_same_story: bool | None
    similarity: float | None
    reason: str
    passages: tuple[str, ...] = ()
    common_share: float | None = None


def compare_articles(settings: Settings, article_id: str, other_id: str) -> Comparison:
    """Compare two articles. Raises NotThere, StoreUnavailable."""
    if article_id == other_id:
        raise NotThere("this is one article: give the ID of another one")
    views = [get_article(settings, one) for one in (article_id, other_id)]
    stories = [view.explained.story for view in views]
    is_same = None if None in stories else len({it.id for it in stories if it}) == 1
    titles = [(view.explained.title or "")[:1000] for view in views]
    texts = [_text(view) for view in views]
    bands = [_address_band(view) for view in views]
    common = (article_id, titles[0], other_id, titles[1], is_same)
    if texts[0] is None or texts[1] is None:
        no_text = mark(
            "the text of one of them is not kept any more: it was withdrawn, or has expired"
        )
        return Comparison(*common, None, no_text)
    passages, share = common_passages(texts[0], texts[1])
    if is_same and bands[0] and bands[0] == bands[1]:
        reason = mark("they have the same address and day, and their titles begin alike")
        return Comparison(*common, None, reason, passages, share)
    marks = [make_sketch(text or "", title) for text, title in zip(texts, titles, strict=True)]
    if marks[0] is None or marks[1] is None:
        reason = mark(
            f"one of the texts is too short to be recognised (fewer than {MIN_PIECES + 7} letters "
            "and digits), or a placeholder"
        )
        return Comparison(*common, None, reason, passages, share)
    similarity, apart = compare(marks[0].sketch, marks[1].sketch)
    reason = _reason(similarity, apart, is_same_story=is_same)
    return Comparison(*common, round(similarity, 2), reason, passages, share)


def _reason(similarity: float, apart: Apart | None, *, is_same_story: bool | None) -> str:
    percent = f"{similarity:.0%}"
    if is_same_story and apart is not None:
        return mark(
            f"their texts have {percent} in common, but each is near the first article of the "
            "story, or one of them was changed since"
        )
    if apart is not None:
        return _why_apart(apart, percent)
    if is_same_story:
        return mark(f"{percent} of the shorter text is in the longer one, with the same numbers")
    if is_same_story is None:
        return mark(
            f"{percent} of the shorter text is in the longer one, but near-duplicates of one of "
            'their sources were not marked: set near = "mark"'
        )
    return mark(
        f"{percent} of the shorter text is in the longer one, but they were published more than "
        "dedupe.near_days apart, or the first article of the story has less in common"
    )


def _why_apart(apart: Apart, percent: str) -> str:
    if apart is Apart.LENGTH:
        least = f"{MIN_LENGTH_RATIO:.0%}"
        return mark(f"one text has less than {least} of the length of the other: a quotation")
    if apart is Apart.NUMBERS:
        least = f"{SAME_NUMBERS:.0%}"
        return mark(
            f"fewer than {least} of their numbers are the same: parts of a series, such as daily "
            "reports, have equal words and other numbers"
        )
    if apart is Apart.TITLES:
        return mark("the numbers in their titles differ: parts of a series, such as releases")
    least = f"{SAME_SHARE:.0%}"
    return mark(f"{percent} of the shorter text is in the longer one: a story needs {least}")


def common_passages(text: str, other: str) -> tuple[tuple[str, ...], float]:
    """Passages of `text` that `other` has too, the longest first, at most MAX_PASSAGES; and the
    share of the shorter text that all such passages make up. Traditional characters equal
    simplified ones; the first MAX_CHARACTERS of each text are read."""
    text, other = text[:MAX_CHARACTERS], other[:MAX_CHARACTERS]
    spans = list(_spans(simplify(text), simplify(other)))
    length = sum(end - start for start, end in spans)
    longest = sorted(spans, key=lambda span: span[0] - span[1])[:MAX_PASSAGES]
    passages = (" ".join(text[start:end].split()) for start, end in longest)
    share = min(1.0, length / max(1, min(len(text), len(other))))
    cut = (each if len(each) <= MAX_PASSAGE else f"{each[:MAX_PASSAGE]}…" for each in passages)
    return tuple(cut), round(share, 2)


def _spans(text: str, other: str) -> Iterator[tuple[int, int]]:
    """Where passages of `other` are in `text`: greedily, from the first place of their beginning.
    Linear in the lengths: difflib took 12 s for two texts of 10,000 characters."""
    places: dict[str, int] = {}
    for at in range(len(other) - _MIN_PASSAGE + 1):
        places.setdefault(other[at : at + _MIN_PASSAGE], at)
    start = 0
    while start <= len(text) - _MIN_PASSAGE:
        position = places.get(text[start : start + _MIN_PASSAGE])
        if position is None:
            start += 1
            continue
        pairs = zip(text[start:], other[position:], strict=False)
        length = next((n for n, (a, b) in enumerate(pairs) if a != b), None)
        length = min(len(text) - start, len(other) - position) if length is None else length
        yield start, start + length
        start += length


def _text(view: ArticleView) -> str | None:
    record: Mapping[str, Any] = view.record or {}
    text = record.get("content_text")
    return text if isinstance(text, str) else None


def _address_band(view: ArticleView) -> bytes | None:
    record = view.record or {}
    url, date, dedupe = record.get("url"), record.get("date"), record.get("dedupe")
    title = dedupe.get("title") if isinstance(dedupe, dict) else None
    if not isinstance(url, str) or not isinstance(date, str) or not isinstance(title, str):
        return None
    return address_band(url, date, title)
