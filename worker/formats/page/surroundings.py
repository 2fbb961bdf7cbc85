"""What extractors mistake about an article: boxes and links to other articles, which they take for
its text; the standfirst, and paragraphs, headings and tables in the text, which they leave out.

F1 of public pages without and with this: 153 of trafilatura's .931, .952; 50 of
article-extraction-benchmark .981, .984; 24 of readability's .971, .985; 9 of newspaper4k's .956,
.958. On each of the sets it helps the half that it was not written with, too.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from worker.formats.page.passages import SHINGLE, Passages, Run, folded, shingles
from worker.formats.page.tree import Element, squeezed_length


def corrected(passages: Passages, title: str | None, summaries: Iterable[str]) -> Passages:
    """The passages without boxes and references to other articles, with what is missing.

    `summaries` are the page's descriptions of itself, which are often its standfirst.
    """
    runs, headline = passages.runs, folded(title or "")
    places = _below_heading(runs, passages.places, headline)
    kept = _without_boxes(_without_teasers([runs[at] for at in places]))
    kept = list(_without_references(runs, kept))
    kept = _without_disclaimers([run for run in kept if not _is_control(run)])
    start = _heading(runs, kept, headline)
    lost = [*_left_out(runs, places, start), *_standfirst(runs, kept, title, summaries)]
    return replace(passages, kept=frozenset([*kept, *lost]))


# A paragraph a pattern: its name and what it matches, then an alternative a line.
_PATTERNS = {
    name.partition(":")[0]: "|".join(alternatives)
    for name, *alternatives in map(
        str.splitlines,
        Path(__file__).with_name("surroundings.txt").read_text("utf-8").split("\n\n"),
    )
}
_BOX = re.compile(rf"(?:^|[_ -])(?:{_PATTERNS['box']})(?:$|[_ -])", re.IGNORECASE)
_MODIFIER = re.compile(r"(?<!\S)\S+--\S+|\b(?:no|has|with)-\S+")  # `header--no-promo` is a header
_ABOVE = 0.1  # of the article's letters
_LARGEST = 0.3  # of the article's letters; what is larger is the article, whatever its class
_REFERENCE = re.compile(rf"\W*(?:{_PATTERNS['reference']})", re.IGNORECASE)
_LONGEST_REFERENCE = 250
_OTHER = re.compile(_PATTERNS["other"], re.IGNORECASE)
_OTHERS = frozenset({"figure", "figcaption", "aside", "nav", "footer"})
_HEADINGS = frozenset({"h1", "h2", "h3"})
_TITLES = frozenset({"h2", "h3", "h4", "h5", "h6"})
_GROUPS = frozenset({"table", "ul", "ol", "dl", "pre", "blockquote"})
_LAYOUT, _BEHIND = 0.25, 40  # of the article's letters; lines after it
_SENTENCE = re.compile(r"[.!?…。！？][\"'”»’)」』]*$")
_SHORTEST, _FURTHEST = 50, 12  # letters; lines after the heading
_SHORTEST_LEAD = 20  # letters; a shorter line is a name or a credit
_BYLINE = re.compile(r"\d|^(?:by|von|par|por|di|posted|published)\b", re.IGNORECASE)
_LINKED = 0.3
_DESCRIBED = 40  # letters by which a description is recognised
_LEAD = re.compile(rf"(?:^|[_ -]|(?<=[a-z])(?=[A-Z]))(?i:{_PATTERNS['lead']})(?:$|[_ -]|(?=[A-Z]))")

_DISCLAIMER = re.compile(_PATTERNS["disclaimer"])
_SMALL = re.compile(r"[#＃+]?\s?\w{1,12}")  # a keyword, a count
_LABEL = re.compile(
    r"\W*(?:(?:特别|免责|版权|郑重|平台)声明|Disclaimer|About the authors?|关于作者|作者简介|"
    r"(?:Über|Zu) (?:den|die|der|dem) Autor\w*|Sobre (?:el|la|o|a) autora?|"
    r"À propos de l.auteure?)\W*"
)
_EDITOR = re.compile(r"\W*(?:纠错|责任编辑|责编|编辑|文章来源|来源|举报).{0,40}$")
_CONTROL = re.compile(
    rf"(?:(?:{_PATTERNS['control']})\W*)+|(?:图片|版面|视觉|视频)编辑\W.{{0,12}}|责任编辑\W*|"
    r"(?:当前位置|您?的?位置|首页|home|startseite|accueil|inicio|início)\W{0,3}\s*[>›»/→].{0,80}",
    re.IGNORECASE,
)
_CALL = re.compile(rf"\W*(?:{_PATTERNS['call']})", re.IGNORECASE)
_LONGEST_CALL = 200


def _is_control(run: Run) -> bool:
    """Whether a line is not of an article, in any place: buttons, the page's path on its site, a
    call to subscribe or to follow."""
    is_call = len(run.line) <= _LONGEST_CALL and _CALL.match(run.line)
    return bool(is_call or _CONTROL.fullmatch(run.line))


def _without_disclaimers(kept: list[Run]) -> list[Run]:
    """`kept` without the site's disclaimers at its end, which are after a label of their own."""
    most, end = sum(len(run.text) for run in kept) / 2, len(kept)
    for at in range(len(kept) - 1, 1, -1):
        line, most = kept[at].line, most - len(kept[at].text)
        is_label = _DISCLAIMER.match(line) or _LABEL.fullmatch(line)
        if most > 0 and (is_label or _LABEL.fullmatch(kept[at - 1].line)):
            end = at
        elif not _EDITOR.match(line) and not _SMALL.fullmatch(line):
            break
    return [*kept[:end], *(run for run in kept[end:] if _EDITOR.match(run.line))]


def _below_heading(runs: Sequence[Run], places: Sequence[int], title: str) -> Sequence[int]:
    """`places` without the few above the heading: the site's name, its motto, a section's name."""
    if len(title) < SHINGLE:
        return places
    most, last = _ABOVE * sum(len(runs[at].text) for at in places), 0
    for last in places:
        most -= len(runs[last].text)
        if most < 0:
            break
    headings = (at for at in range(last) if runs[at].text == title and _is_heading(runs[at]))
    heading = next(headings, 0)
    return [at for at in places if at >= heading]


def _without_teasers(kept: Sequence[Run]) -> list[Run]:
    """`kept` without articles beside that of the first line whose headings are links, and without
    the headings above them."""
    own = next((_article_of(run) for run in kept[:1]), None)
    if own is None:
        return list(kept)
    inside, lines, is_other = {own, *own.iterancestors()}, list[Run](), False
    for run in reversed(kept):
        article = _article_of(run)
        if article is None:
            is_other = is_other and _is_title(run)
        else:
            is_beside = article not in inside and own not in article.iterancestors()
            is_other = is_beside and _is_teaser(article)
        if not is_other:
            lines.append(run)
    return lines[::-1]


def _is_teaser(article: Element) -> bool:
    heading = next(article.iter(*_HEADINGS, *_TITLES), None)
    around = () if heading is None else (*heading.iterdescendants("a"), *heading.iterancestors("a"))
    return next(iter(around), None) is not None


def _article_of(run: Run) -> Element | None:
    return next((element for element in run.ancestors() if element.tag == "article"), None)


def _without_boxes(kept: Sequence[Run]) -> list[Run]:
    """`kept` without what is in an element that its class or id calls a box of the site."""
    sizes: Counter[Element] = Counter()
    for run in kept:
        for element in run.ancestors():
            sizes[element] += len(run.text)
    most = _LARGEST * sum(len(run.text) for run in kept)
    boxes = {element for element, size in sizes.items() if size < most and _is_box(element)}
    return [run for run in kept if boxes.isdisjoint(run.ancestors())]


def _is_box(element: Element) -> bool:
    names = _MODIFIER.sub("", _names(element))
    return element.tag not in ("article", "blockquote") and _BOX.search(names) is not None


def _without_references(runs: Sequence[Run], kept: Sequence[Run]) -> Iterator[Run]:
    """`kept` without `Read also: …`, and without such a label and the links after it."""
    is_listed = False
    behind = dict(pairwise(runs))
    for run in kept:
        is_label = _REFERENCE.match(run.line) and len(run.text) < _LONGEST_REFERENCE
        if is_label and _link_share(run) < 0.5:
            is_label = run in behind and not _SENTENCE.search(run.line) and _is_link(behind[run])
        is_listed = bool(is_label) or (is_listed and _is_link(run))
        if not is_listed:
            yield run


def _left_out(runs: Sequence[Run], places: Sequence[int], start: int) -> Iterator[Run]:
    """Lines that an extractor dropped, in the layout of those that it took: paragraphs that it has
    seen before, tables, headings, and sections of their own, one of which each is too short for it.

    `start` is the place of the heading.
    """
    if not places:
        return
    sizes: Counter[object] = Counter()
    holders: dict[object, set[Element]] = defaultdict(set)
    for at in places:
        layout, _, holder = _layout(runs[at])
        sizes[layout] += len(runs[at].text)
        holders[layout].add(holder)
    own = {layout for layout, size in sizes.items() if size >= _LAYOUT * sum(sizes.values())}
    divided = {layout for layout in own if len(holders[layout]) > 1}
    first, last = places[0], places[-1]
    gaps = [(before, after, own) for before, after in pairwise(places) if after - before > 1]
    gaps += [(start, first, divided)] if start < first else []
    for before, after, layouts in (*gaps, (last, min(len(runs), last + _BEHIND), divided)):
        is_followed = is_inside = before < last
        following = runs[after] if is_inside else None
        for run in reversed(runs[before + 1 : after]):
            is_in = _is_in(run, layouts)
            is_title = is_followed and _is_title(run)
            if (is_in and (_is_prose(run) or _is_grouped(run) or is_title)) or (
                is_title and following is not None and _is_heading_of(run, following, runs[start])
            ):
                yield run
                is_followed, following = True, run
            else:
                is_followed, following = is_inside and not _is_link(run), None


def _layout(run: Run) -> tuple[object, list[Element], Element]:
    """Tags and classes of the elements around a line, its table or its list, or the innermost one
    if it has no class; the elements between it and the line; and the innermost itself."""
    around = [*run.ancestors()]
    outer = max((at for at, e in enumerate(around) if e.tag in _GROUPS), default=0)
    inner, around = around[: outer + 1], around[outer + 1 :]
    if around and (around[0].tag == "figure" or "table" in _names(around[0])):
        inner, around = [*inner, around[0]], around[1:]
    names = tuple((element.tag, element.get("class", "")) for element in around[:2])
    holder = next(iter(around), None)
    return (names if names and names[0][1] else holder), inner, holder


def _is_in(run: Run, layouts: Collection[object]) -> bool:
    layout, inner, _ = _layout(run)
    return (
        layout in layouts
        and _link_share(run) < _LINKED
        and not any(map(_is_other, inner))
        and not _is_control(run)
        and not _DISCLAIMER.match(run.line)
    )


def _is_heading_of(run: Run, following: Run, heading: Run) -> bool:
    """Whether a heading is that of the section of the line after it, which has no other text."""
    section = run.block.getparent()
    return (
        section in following.ancestors()
        and section not in heading.ancestors()
        and _link_share(run) < _LINKED
        and not _is_other(run.block)
        and not _is_control(run)
        and not _REFERENCE.match(run.line)
    )


def _is_prose(run: Run) -> bool:
    return len(run.text) >= _SHORTEST


def _is_grouped(run: Run) -> bool:
    return any(element.tag in _GROUPS for element in run.ancestors())


def _is_heading(run: Run) -> bool:
    return any(element.tag in _HEADINGS for element in run.ancestors())


def _is_title(run: Run) -> bool:
    return any(element.tag in _TITLES for element in run.ancestors())


def _standfirst(
    runs: Sequence[Run], kept: Sequence[Run], title: str | None, summaries: Iterable[str]
) -> Iterator[Run]:
    """The lines between the heading and the text that are not in it, and are sentences but no
    captions or dates, or have a standfirst's class, or are a description of the page, or are next
    to the heading."""
    described = [key for text in summaries if len(key := folded(text)[:_DESCRIBED]) >= SHINGLE]
    start = _heading(runs, kept, folded(title or ""))
    places = {run: at for at, run in enumerate(runs)}
    first = next((places[run] for run in kept if places[run] > start), start)
    around = {*runs[start].ancestors(), *runs[first].ancestors()} if first > start else set()
    article_shingles: set[str] = set()
    for at in range(start + 1, min(first, start + _FURTHEST)):
        run = runs[at]
        if _link_share(run) >= _LINKED or len(run.text) < SHINGLE or _is_control(run):
            continue
        outer = [element for element in run.ancestors() if element not in around]
        is_described = any(map(run.text.startswith, described)) and run.text != folded(title or "")
        if not is_described or any(element.tag in _OTHERS for element in outer):
            size, is_lead = squeezed_length(run.text), _is_lead(outer)
            shortest = _SHORTEST_LEAD if _is_title(run) else _SHORTEST
            is_next = at == start + 1 and size >= shortest and not _BYLINE.search(run.line)
            is_sentence = is_next or (size >= _SHORTEST and _SENTENCE.search(run.line))
            if not is_sentence and not (is_lead and size >= _SHORTEST_LEAD):
                continue
            if not is_lead and any(map(_is_other, outer)):
                continue
        article_shingles = article_shingles or set().union(*(shingles(one.text) for one in kept))
        own = shingles(run.text)
        if 2 * len(own & article_shingles) < len(own):
            yield run


def _heading(runs: Sequence[Run], kept: Sequence[Run], title: str) -> int:
    """The nearest line above the text that ends with the title and is a heading, else the nearest
    one that is the title; the last without any."""
    first = runs.index(kept[0]) if kept and title else -1
    lines = [at for at in range(min(first + 3, len(runs) - 1), -1, -1) if title in runs[at].text]
    for at in lines:
        if runs[at].text.endswith(title) and _is_heading(runs[at]):
            return at
    return next((at for at in lines if runs[at].text == title), len(runs) - 1)


def _is_lead(elements: Iterable[Element]) -> bool:
    """Whether the innermost element that its class calls anything is a standfirst."""
    for element in elements:
        if _is_other(element):
            return False
        if _LEAD.search(_names(element)):
            return True
    return False


def _is_other(element: Element) -> bool:
    return element.tag in _OTHERS or _OTHER.search(_names(element)) is not None


def _names(element: Element) -> str:
    return f"{element.get('id', '')} {element.get('class', '')}"


def _is_link(run: Run) -> bool:
    return _link_share(run) > 0.8


def _link_share(run: Run) -> float:
    """The share of a run's letters that is in links. Only its own letters are read: one link may be
    around a thousand paragraphs."""
    linked = 0
    for element, is_tail in run.parts:
        around = element.iterancestors() if is_tail else (element, *element.iterancestors())
        if any(outer.tag == "a" for outer in around):
            linked += len(folded((element.tail if is_tail else element.text) or ""))
    return min(1.0, linked / max(1, len(run.text)))
