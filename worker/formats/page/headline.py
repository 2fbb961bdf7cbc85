"""The title of a page's article: the heading above its text that its other titles agree with.

Each of them is wrong at times: the first `h1` is the site's name, `og:title` is written for social
networks and cut by some sites, `headline` in JSON-LD is a description, `title` ends with the site's
name. Of 188 pages the first `h1` is right in 67 %, `og:title` in 41 %, the agreement in 82 %.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from worker.formats.page.headings import NO_SECTION, Heading, headings_of, title_width
from worker.formats.page.links import host_of
from worker.formats.page.metadata import PageMetadata, meta_table
from worker.formats.page.passages import Passages
from worker.formats.page.site_names import (
    SEPARATOR,
    is_wide,
    title_key,
    without_outlet,
    without_site,
)
from worker.formats.page.tree import CJK, Element, inline_text


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


def titles_of(
    tree: Element, passages: Passages, ld: PageMetadata, meta: PageMetadata, url: str | None
) -> Titles:
    """The titles of a page, from `tree`, its `passages` and its metadata."""
    table = meta_table(tree)
    head = tree.find("head")
    page = next(tree.iter("title") if head is None else head.iter("title"), None)
    publishers = [data.publisher.name for data in (ld, meta) if data.publisher]
    sites = [text for name in _SITES for text in table.get(name, ())]
    shared = [text for name in _SHARED for text in table.get(name, ())]
    return Titles(
        headings=headings_of(passages, inline_text(page), shared),
        shared=shared,
        data=[text for name in _DATA for text in table.get(name, ())] + [ld.title or ""],
        page=inline_text(page),
        meta=next(iter(table.get("title", ())), ""),
        sites=[*sites, *publishers, *_host_names(url)],
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
    other_titles = [*shared, *data, *page] or meta
    best = max(headings, key=lambda heading: _agreement(heading, other_titles), default=None)
    if best and any(_is_same(best, other) for other in other_titles):
        title = _agreed_part(best.text, other_titles)
    else:
        only = _only_heading(headings)
        declared = next(iter((*data, *shared)), "")
        if declared and title_width(only) < _HEADLINE:
            only = declared
        title = only or without_outlet(next(iter(other_titles), best.text if best else ""))
    return _whole(title, [*other_titles, *(heading.text for heading in headings)])


_SHARED = ("og:title", "twitter:title")
_DATA = ("citation_title", "articletitle", "dc.title", "dcterms.title", "headline")
_SITES = ("og:site_name", "sitename", "application-name", "dc.publisher", "publisher")
_SHORTEST_CUT = 20  # characters; what breaks off earlier is another title
_VARIANT = 0.4  # of their pairs of letters are common: two wordings of one headline
_HEADLINE = 30  # letters; what is shorter may be a claim (`Make your browser your own`)
_GOES_ON = re.compile(r"\w[^\W\u3000-\u9fff]")
_CUT = re.compile(r"\s*(?:\.{3}|…)\s*$")


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
    return text if title_width(text) >= NO_SECTION else ""


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


def _host_names(url: str | None) -> list[str]:
    host = (host_of(url) or "").removeprefix("www.")
    return [host, max(host.split("."), key=len)] if host else []
