"""What extractors leave out of an article: its standfirst, and paragraphs, headings, lists and
tables in the layout of those that they take."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

from worker.formats.page.line_kinds import (
    DISCLAIMER,
    PATTERNS,
    REFERENCE,
    SECONDARY,
    SENTENCE,
    is_control,
    is_heading,
    is_link,
    is_secondary,
    is_subheading,
    link_share,
)
from worker.formats.page.passages import SHINGLE, Run, letters_in, shingles
from worker.formats.page.tree import Element, id_and_class, squeezed_length

_GROUPS = frozenset({"table", "ul", "ol", "dl", "pre", "blockquote"})
_LAYOUT, _BEHIND = 0.25, 40  # of the article's letters; lines after it
_SHORTEST, _FURTHEST = 50, 12  # letters; lines after the heading
_SHORTEST_LEAD = 20  # letters; a shorter line is a name or a credit
_BYLINE = re.compile(r"\d|^(?:by|von|par|por|di|posted|published)\b", re.IGNORECASE)
_LINKED = 0.3
_DESCRIBED = 40  # letters by which a description is recognised
_NAMES = ("id", "class", "data-testid", "data-gu-name", "data-component")  # of Next.js
_LEAD = re.compile(rf"(?:^|[_ -]|(?<=[a-z])(?=[A-Z]))(?i:{PATTERNS['lead']})(?:$|[_ -]|(?=[A-Z]))")


def missing_lines(runs: Sequence[Run], places: Sequence[int], start: int) -> Iterator[Run]:
    """Lines that an extractor dropped, in the layout of those that it took: paragraphs that it has
    seen before, tables, headings, and sections of their own, one of which each is too short for it.

    `start` is the place of the heading.
    """
    for before, after, layouts in _gaps(runs, places, start):
        is_followed = is_inside = before < places[-1]
        following = runs[after] if is_inside else None
        for run in reversed(runs[before + 1 : after]):
            is_in = _is_in(run, layouts)
            is_head = is_followed and is_subheading(run)
            if (is_in and (_is_prose(run) or _is_grouped(run) or is_head)) or (
                is_head and following is not None and _is_heading_of(run, following, runs[start])
            ):
                yield run
                is_followed, following = True, run
            else:
                is_followed, following = is_inside and not is_link(run), None


def standfirst(
    runs: Sequence[Run], article_runs: Sequence[Run], title: str | None, summaries: Iterable[str]
) -> Iterator[Run]:
    """The lines between the heading and the text that are not in it, and are sentences but no
    captions or dates, or have a standfirst's class, or are a description of the page, or are next
    to the heading."""
    headline = letters_in(title or "")
    starts = [key for text in summaries if len(key := letters_in(text)[:_DESCRIBED]) >= SHINGLE]
    start = heading_place(runs, article_runs, headline)
    places = {run: at for at, run in enumerate(runs)}
    first = next((places[run] for run in article_runs if places[run] > start), start)
    common = {*runs[start].ancestors(), *runs[first].ancestors()} if first > start else set()
    article_shingles: set[str] = set()
    for at in range(start + 1, min(first, start + _FURTHEST)):
        run = runs[at]
        if link_share(run) >= _LINKED or len(run.text) < SHINGLE:
            continue
        outer = [element for element in run.ancestors() if element not in common]
        is_described = any(map(run.text.startswith, starts)) and run.text != headline
        if is_described and any(element.tag in SECONDARY for element in outer):
            is_described = False
        is_lead = not is_control(run) and _is_standfirst(run, outer, is_next=at == start + 1)
        if not is_described and not is_lead:
            continue
        article_shingles = article_shingles or set().union(
            *(shingles(line.text) for line in article_runs)
        )
        run_shingles = shingles(run.text)
        if 2 * len(run_shingles & article_shingles) < len(run_shingles):
            yield run


def heading_place(runs: Sequence[Run], article_runs: Sequence[Run], title: str) -> int:
    """The nearest line above the text that ends with the title and is a heading, else the nearest
    one that is the title; the last without any."""
    first = runs.index(article_runs[0]) if article_runs and title else -1
    lines = [at for at in range(min(first + 3, len(runs) - 1), -1, -1) if title in runs[at].text]
    for at in lines:
        if runs[at].text.endswith(title) and is_heading(runs[at]):
            return at
    return next((at for at in lines if runs[at].text == title), len(runs) - 1)


def _gaps(
    runs: Sequence[Run], places: Sequence[int], start: int
) -> Iterator[tuple[int, int, Collection[object]]]:
    """The places before and after each gap in the text, above it and below it, and the layouts
    whose lines may be missing there."""
    if not places:
        return
    sizes: Counter[object] = Counter()
    holders: dict[object, set[Element]] = defaultdict(set)
    for at in places:
        layout, _, holder = _layout(runs[at])
        sizes[layout] += len(runs[at].text)
        holders[layout].add(holder)
    main = {layout for layout, size in sizes.items() if size >= _LAYOUT * sum(sizes.values())}
    divided = {layout for layout in main if len(holders[layout]) > 1}
    yield from ((before, after, main) for before, after in pairwise(places) if after - before > 1)
    first, last = places[0], places[-1]
    if start < first:
        yield start, first, divided
    yield last, min(len(runs), last + _BEHIND), divided


def _layout(run: Run) -> tuple[object, list[Element], Element]:
    """Tags and classes of the elements around a line, its table or its list, or the innermost one
    if it has no class; the elements between it and the line; and the innermost itself."""
    around = [*run.ancestors()]
    outer = max((at for at, e in enumerate(around) if e.tag in _GROUPS), default=0)
    inner, around = around[: outer + 1], around[outer + 1 :]
    if around and (around[0].tag == "figure" or "table" in id_and_class(around[0])):
        inner, around = [*inner, around[0]], around[1:]
    names = tuple((element.tag, element.get("class", "")) for element in around[:2])
    holder = next(iter(around), None)
    return (names if names and names[0][1] else holder), inner, holder


def _is_in(run: Run, layouts: Collection[object]) -> bool:
    layout, inner, _ = _layout(run)
    return (
        layout in layouts
        and link_share(run) < _LINKED
        and not any(map(is_secondary, inner))
        and not is_control(run)
        and not DISCLAIMER.match(run.line)
    )


def _is_heading_of(run: Run, following: Run, heading: Run) -> bool:
    """Whether a heading is that of the section of the line after it, which has no other text."""
    section = run.block.getparent()
    return (
        section in following.ancestors()
        and section not in heading.ancestors()
        and link_share(run) < _LINKED
        and not is_secondary(run.block)
        and not is_control(run)
        and not REFERENCE.match(run.line)
    )


def _is_prose(run: Run) -> bool:
    return len(run.text) >= _SHORTEST


def _is_grouped(run: Run) -> bool:
    return any(element.tag in _GROUPS for element in run.ancestors())


def _is_standfirst(run: Run, outer: Sequence[Element], *, is_next: bool) -> bool:
    """Whether a line above the text is a sentence, or its class calls it a standfirst, or it
    `is_next` to the heading and no byline. `outer` are the elements around it alone."""
    size = squeezed_length(run.text)
    if size < _SHORTEST_LEAD:
        return False
    if _is_lead(outer):
        return True
    if any(map(is_secondary, outer)):
        return False
    if is_next and not _BYLINE.search(run.line):
        return size >= _SHORTEST or is_subheading(run)
    return size >= _SHORTEST and SENTENCE.search(run.line) is not None


def _is_lead(elements: Iterable[Element]) -> bool:
    """Whether the innermost element that its class calls anything is a standfirst."""
    for element in elements:
        if is_secondary(element):
            return False
        if any(_LEAD.search(element.get(name, "")) for name in _NAMES):
            return True
    return False
