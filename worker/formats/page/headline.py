"""The title of a page's article: the heading above its text that its other titles agree with.

Each of them is wrong at times: the first `h1` is the site's name, `og:title` is written for social
networks and cut by some sites, `headline` in JSON-LD is a description, `title` ends with the site's
name. Of 188 pages the first `h1` is right in 67 %, `og:title` in 41 %, the agreement in 82 %.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from worker.formats.page.passages import Passages
from worker.formats.page.site_names import (
    SEPARATOR,
    is_wide,
    title_key,
    without_outlet,
    without_site,
)
from worker.formats.page.tree import CJK, Element, text_content


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: its text, its level, whether it is above the article's text, and whether it
    is the nearest above it."""

    text: str
    level: int
    is_above: bool
    is_nearest: bool = False


@dataclass(frozen=True, slots=True)
class Titles:
    """What a page calls its article: by its headings, for links to it, in data, in `title`.

    `shared` are OpenGraph's and Twitter's, `data` JSON-LD's, microdata's and Dublin Core's; `meta`,
    which counts without any other, that of `meta name="title"`; `sites` are the names of the site
    and its host, which are cut from the ends.
    """

    headings: Sequence[Heading]
    shared: Sequence[str]
    data: Sequence[str]
    page: str
    sites: Sequence[str]
    meta: str = ""


def headings_of(
    passages: Passages, page: str = "", shared: Iterable[str] = ()
) -> tuple[Heading, ...]:
    """All `h1`, and the `h2` and `h3` above the article's text or among its first lines; if none of
    them is in `page`, the title of the page, the longest line there that is a part of it, and one
    of the `shared` titles unless there are no headings."""
    first = next(iter(passages.places), 0)
    lines: dict[Element, list[str]] = {}
    places: dict[Element, int] = {}
    for index, run in enumerate(passages.runs):
        element = next((e for e in run.ancestors() if e.tag in ("h1", "h2", "h3")), None)
        if element is not None:
            lines.setdefault(element, []).append(run.line)
            places.setdefault(element, index)
    line = ""
    if not any(_is_part_of(" ".join(texts), page) for texts in lines.values()):
        above = (run.line for run in passages.runs[: first + _FIRST_LINES])
        parts = (text for text in above if _is_part_of(text, page))
        line = max((t for t in parts if not places or t in shared), key=_width, default="")
    nearest = max((at for at in places.values() if at <= first), default=-1)
    headings = tuple(
        Heading(
            text, int(element.tag[1]), at <= first + _FIRST_LINES, first - _NEAR <= at == nearest
        )
        for element, at in islice(places.items(), _MAX_HEADINGS)
        if len(text := _without_kicker(" ".join(lines[element]), element, page)) <= _LONGEST
        and (element.tag == "h1" or at <= first + _FIRST_LINES)
    )
    is_new = _width(line) >= _NO_SECTION
    return (
        (*headings, Heading(line, 3, is_above=True, is_nearest=not places)) if is_new else headings
    )


def title_of(titles: Titles) -> str | None:
    """The title, without the site's name and entities; None where the page has none.

    The heading that agrees with the others best; if none does, the only `h1` if it is as long as a
    headline, what the page declares in data and for links to it, or a shorter only `h1`.
    """
    shared, data, page, meta = (
        [part for text in texts if (part := without_site(text, titles.sites))]
        for texts in (titles.shared, titles.data, [titles.page], [titles.meta])
    )
    headings = [heading for heading in titles.headings if _is_title(heading, titles.sites)]
    others = [*shared, *data, *page] or meta
    best = max(headings, key=lambda heading: _agreement(heading, others), default=None)
    if best and any(_is_same(best, other) for other in others):
        title = _agreed_part(best.text, others)
    else:
        only = _only_heading(headings)
        declared = next(iter((*data, *shared)), "")
        if declared and _width(only) < _HEADLINE:
            only = declared
        title = only or without_outlet(next(iter(others), best.text if best else ""))
    return _whole(title, [*others, *(heading.text for heading in headings)])


_FIRST_LINES = 3
_NEAR = 8  # lines: author, date and buttons between a heading and its text
_KICKER = re.compile(
    r"kicker|overline|roofline|topline|top-?title|dachzeile|eyebrow|spitzmarke|flag-?line", re.I
)
_LONGEST = 400
_MAX_HEADINGS = 100  # of a page, from its beginning
_SHORTEST_CUT = 20  # characters; what breaks off earlier is another title
_VARIANT = 0.4  # of their pairs of letters are common: two wordings of one headline
_NO_SECTION = 10  # letters; `News` is the name of a section
_HEADLINE = 30  # letters; what is shorter may be a claim (`Make your browser your own`)
_SIGNS = frozenset(["", *"-_|｜–—·:»"])
_GOES_ON = re.compile(r"\w[^\W\u3000-\u9fff]")
_CUT = re.compile(r"\s*(?:\.{3}|…)\s*$")


def _is_part_of(line: str, page: str) -> bool:
    """Whether a line is `page` or a part of it, between signs that separate the site's name."""
    before, _, after = page.partition(line) if line in page else ("?", "", "")
    return before.rstrip()[-1:] in _SIGNS and after.lstrip()[:1] in _SIGNS


def _without_kicker(text: str, heading: Element, page: str) -> str:
    """`<span class="kicker">Harbours</span> Two ships collide` is `Two ships collide`; without
    such a class what the page's title begins with, if a short element has the rest."""
    if len(text) > 2 * _LONGEST:  # too long without a kicker, too: its elements may be thousands
        return text
    title = title_key(page) if len(heading) else ""
    for element in heading.iterdescendants("*"):
        inner = text_content(element)
        if _KICKER.search(element.get("class", "")):
            return text.removeprefix(inner).lstrip(" :|–-") or text
        outer = text.removeprefix(inner) if text.startswith(inner) else text.removesuffix(inner)
        is_extra = inner and 3 * len(inner) <= len(outer) and title_key(text) not in title
        if is_extra and len(key := title_key(outer)) > 8 and title.startswith(key):
            return outer.strip()
    return text


def _is_title(heading: Heading, sites: Iterable[str]) -> bool:
    text = title_key(heading.text)
    return bool(text) and all(text != title_key(site) for site in sites)


def _is_same(heading: Heading, other: str) -> bool:
    """Whether one of two titles is within the other, or an `h1` a variant of it."""
    key, other_key = title_key(heading.text), title_key(other)
    if key == other_key or _is_main_part(key, other):
        return True
    shorter, longer = sorted((key, other_key), key=len)
    is_part = _is_part(shorter, longer)
    if heading.level == 1:
        return is_part or (heading.is_above and _likeness(key, other_key) > _VARIANT)
    return is_part and 3 * len(shorter) >= len(longer)


def _is_part(shorter: str, longer: str) -> bool:
    """Whether a folded text that says enough is within another."""
    return shorter in longer and (len(shorter) > 8 or is_wide(shorter, 3))


def _only_heading(headings: Sequence[Heading]) -> str:
    """The only `h1` above the text, or the nearest `h2` where there is none, if it is longer than
    a section's name.

    Where it agrees with nothing else, the others were written for search engines.
    """
    texts = {heading.text for heading in headings if heading.level == 1 and heading.is_above}
    if not texts:
        texts = {heading.text for heading in headings if heading.is_nearest and heading.level == 2}
    text = texts.pop() if len(texts) == 1 else ""
    return text if _width(text) >= _NO_SECTION else ""


def _width(text: str) -> int:
    """The number of letters; a Chinese one counts twice."""
    return len(title_key(text)) * (2 if CJK.search(text) else 1)


def _agreement(heading: Heading, others: Sequence[str]) -> float:
    """How well a heading agrees with the page's other titles, 0 to about 1.5."""
    text = title_key(heading.text)
    grades = [
        max(0.9 * _is_main_part(text, other), _likeness(text, title_key(other))) for other in others
    ]
    if not grades:  # nothing to agree with
        return 0.6 if heading.level == 1 or heading.is_above else 0.0
    best = max(grades)
    more = sum(grade > 0.8 for grade in grades) - 1
    place = 0.1 * heading.is_above + 0.05 * (3 - heading.level) + 0.1 * min(1, len(text) / 40)
    return best + 0.1 * max(0, min(more, 2)) + (place if best > 0.3 else 0.0)


def _is_main_part(text: str, other: str) -> bool:
    """Whether a folded text is the first or the longest part of `Tides - Openpedia`."""
    parts = list(map(title_key, SEPARATOR.split(other)))
    return text in (parts[0], max(parts, key=len))


def _likeness(first: str, second: str) -> float:
    """1 for equal folded texts, 0.9 where one is within the other, else their common pairs."""
    if first == second:
        return 1.0
    shorter, longer = sorted((first, second), key=len)
    if _is_part(shorter, longer):
        return 0.6 + 0.35 * len(shorter) / len(longer)
    pairs, other_pairs = _pairs(first), _pairs(second)
    if not pairs or not other_pairs:
        return 0.0
    return 0.9 * 2 * len(pairs & other_pairs) / (len(pairs) + len(other_pairs))


def _pairs(text: str) -> set[str]:
    size = 2 if CJK.search(text) else 3
    return {text[at : at + size] for at in range(len(text) - size + 1)}


def _agreed_part(heading: str, others: Sequence[str]) -> str:
    """A heading, or the part of it that two other titles have: the rest is a kicker or the site.

    Of equal titles the one with more words: `<span>Ports</span><span>Two ships</span>` is one.
    """
    text, keys = title_key(heading), [*map(title_key, others)]
    for other in others:
        part = title_key(other)
        if part == text and len(other.split()) > len(heading.split()):
            return other
        is_cut = heading.startswith(other) and len(heading[len(other) :].split()) > 2
        is_part = part != text and part in text and 2 * len(part) >= len(text) and not is_cut
        if is_part and sum(part in key and text not in key for key in keys) >= 2:
            return other
    return heading


def _whole(title: str, all_titles: Sequence[str]) -> str | None:
    """A title that was cut (`The board said…`, `The boa`) is replaced by the whole, if the page
    has it."""
    if not _CUT.search(title):
        is_sure = len(title) < _SHORTEST_CUT or all_titles.count(title) > 1
        longer = () if is_sure else (text for text in all_titles if text.startswith(title))
        end = len(title) - 1
        return next((text for text in longer if _GOES_ON.match(text, end)), title) or None
    start = _CUT.sub("", title)
    for text in all_titles:
        more = text[len(start) :]
        is_more = more and not more.lstrip().startswith(("…", "...")) and not SEPARATOR.match(more)
        if text.startswith(start) and is_more and not _CUT.search(text):
            return text
    return title
