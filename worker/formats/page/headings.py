"""The headings of a page that may be its article's title."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

from worker.formats.page.passages import Passages
from worker.formats.page.site_names import title_key
from worker.formats.page.tree import CJK, Element, text_content

NO_SECTION = 10
"""Letters; `News` is the name of a section."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: its text, its level, whether it is above the article's text, and whether it
    is the nearest above it."""

    text: str
    level: int
    is_above: bool
    is_nearest: bool = False


def headings_of(
    passages: Passages, page: str = "", shared: Collection[str] = ()
) -> tuple[Heading, ...]:
    """All `h1`, and the `h2` and `h3` above the article's text or among its first lines; if none of
    them is in `page`, the title of the page, the longest line there that is a part of it, and one
    of the `shared` titles unless there are no headings."""
    first = next(iter(passages.places), 0)
    last = first + _FIRST_LINES
    lines: dict[Element, list[str]] = {}
    places: dict[Element, int] = {}
    for index, run in enumerate(passages.runs):
        element = next((e for e in run.ancestors() if e.tag in ("h1", "h2", "h3")), None)
        if element is not None:
            lines.setdefault(element, []).append(run.line)
            places.setdefault(element, index)
    nearest = max((at for at in places.values() if at <= first), default=-1)
    headings = tuple(
        Heading(text, int(element.tag[1]), at <= last, first - _NEAR <= at == nearest)
        for element, at in islice(places.items(), _MAX_HEADINGS)
        if len(text := _without_kicker(" ".join(lines[element]), element, page)) <= _LONGEST
        and (element.tag == "h1" or at <= last)
    )
    if any(_is_part_of(" ".join(texts), page) for texts in lines.values()):
        return headings
    above = (run.line for run in passages.runs[:last])
    parts = (text for text in above if _is_part_of(text, page))
    line = max((t for t in parts if not places or t in shared), key=title_width, default="")
    if title_width(line) < NO_SECTION:
        return headings
    return (*headings, Heading(line, 3, is_above=True, is_nearest=not places))


def title_width(text: str) -> int:
    """The number of letters; a Chinese one counts twice."""
    return len(title_key(text)) * (2 if CJK.search(text) else 1)


_FIRST_LINES = 3
_NEAR = 8  # lines: author, date and buttons between a heading and its text
_KICKER = re.compile(
    r"kicker|overline|roofline|topline|top-?title|dachzeile|eyebrow|spitzmarke|flag-?line", re.I
)
_LONGEST = 400
_MAX_HEADINGS = 100  # of a page, from its beginning
_SIGNS_BETWEEN = frozenset(":-–—|")
_SIGNS = frozenset(["", *"-_|｜–—·:»"])


def _is_part_of(line: str, page: str) -> bool:
    """Whether a line is `page` or a part of it, between signs that separate the site's name."""
    before, _, after = page.partition(line) if line in page else ("?", "", "")
    return before.rstrip()[-1:] in _SIGNS and after.lstrip()[:1] in _SIGNS


def _is_set_apart(kicker: str, rest: str, page: str) -> bool:
    """Whether `page` has a sign between the two parts of a heading, which has none."""
    if not NO_SECTION <= title_width(rest) > title_width(kicker) or not kicker[-1:].isalnum():
        return False
    _, _, behind = page.partition(kicker)
    return behind[: behind.find(rest)].strip() in _SIGNS_BETWEEN if rest in behind else False


def _without_kicker(text: str, heading: Element, page: str) -> str:
    """`<span class="kicker">Harbours</span> Two ships collide` is `Two ships collide`; without
    such a class what the page's title begins with, if a short element has the rest, or has behind
    a sign (`Harbours: Two ships collide`)."""
    if len(text) > 2 * _LONGEST:  # too long without a kicker, too: its elements may be thousands
        return text
    title = title_key(page) if len(heading) else ""
    for element in heading.iterdescendants("*"):
        inner = text_content(element)
        if _KICKER.search(element.get("class", "")):
            return text.removeprefix(inner).lstrip(" :|–-") or text
        outer = text.removeprefix(inner) if text.startswith(inner) else text.removesuffix(inner)
        if text.startswith(inner) and _is_set_apart(inner.strip(), outer.strip(), page):
            return outer.strip()
        is_extra = inner and 2 * len(inner) <= len(outer) and title_key(text) not in title
        if is_extra and len(key := title_key(outer)) > 8 and title.startswith(key):
            return outer.strip()
    return text
