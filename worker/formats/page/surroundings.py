"""What extractors mistake about an article: boxes and links to other articles, which they take for
its text; the standfirst, and paragraphs, headings and tables in the text, which they leave out.

F1 of public pages without and with this: 153 of trafilatura's .931, .954; 50 of
article-extraction-benchmark .981, .984; 24 of readability's .971, .985; 9 of newspaper4k's .956,
.958. On each of the sets it helps the half that it was not written with, too.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from worker.formats.page.line_kinds import (
    DISCLAIMER,
    HEADINGS,
    PATTERNS,
    REFERENCE,
    SENTENCE,
    SUBHEADINGS,
    is_control,
    is_heading,
    is_link,
    is_subheading,
    link_share,
)
from worker.formats.page.omissions import heading_place, missing_lines, standfirst
from worker.formats.page.passages import SHINGLE, Passages, Run, letters_in
from worker.formats.page.tree import Element, id_and_class


def correct_passages(passages: Passages, title: str | None, summaries: Iterable[str]) -> Passages:
    """The passages without boxes and references to other articles, with what is missing.

    `summaries` are the page's descriptions of itself, which are often its standfirst.
    """
    runs, headline = passages.runs, letters_in(title or "")
    places = _below_heading(runs, passages.places, headline)
    article_runs = _without_boxes(_without_teasers([runs[at] for at in places]))
    article_runs = list(_without_references(runs, article_runs))
    article_runs = _without_disclaimers([run for run in article_runs if not is_control(run)])
    start = heading_place(runs, article_runs, headline)
    missing = [
        *missing_lines(runs, places, start),
        *standfirst(runs, article_runs, title, summaries),
    ]
    return replace(passages, article_runs=frozenset([*article_runs, *missing]))


_BOX = re.compile(rf"(?:^|[_ -])(?:{PATTERNS['box']})(?:$|[_ -])", re.IGNORECASE)
_MODIFIER = re.compile(r"(?<!\S)\S+--\S+|\b(?:no|has|with)-\S+")  # `header--no-promo` is a header
_ABOVE = 0.1  # of the article's letters
_LARGEST = 0.3  # of the article's letters; what is larger is the article, whatever its class
_LONGEST_REFERENCE = 250
_SMALL = re.compile(r"[#＃+]?\s?\w{1,12}")  # a keyword, a count
_LABEL = re.compile(
    r"\W*(?:(?:特别|免责|版权|郑重|平台)声明|Disclaimer|About the authors?|关于作者|作者简介|"
    r"(?:Über|Zu) (?:den|die|der|dem) Autor\w*|Sobre (?:el|la|o|a) autora?|"
    r"À propos de l.auteure?)\W*"
)
_EDITOR = re.compile(r"\W*(?:纠错|责任编辑|责编|编辑|校对|文章来源|来源|举报).{0,40}$")


def _without_disclaimers(lines: list[Run]) -> list[Run]:
    """`lines` without the site's disclaimers at its end, which are after a label of their own."""
    most, end = sum(len(run.text) for run in lines) / 2, len(lines)
    for at in range(len(lines) - 1, 1, -1):
        line, most = lines[at].line, most - len(lines[at].text)
        is_label = DISCLAIMER.match(line) or _LABEL.fullmatch(line)
        if most > 0 and (is_label or _LABEL.fullmatch(lines[at - 1].line)):
            end = at
        elif not _EDITOR.match(line) and not _SMALL.fullmatch(line):
            break
    return [*lines[:end], *(run for run in lines[end:] if _EDITOR.match(run.line))]


def _below_heading(runs: Sequence[Run], places: Sequence[int], title: str) -> Sequence[int]:
    """`places` without the few above the heading: the site's name, its motto, a section's name."""
    if len(title) < SHINGLE:
        return places
    most, last = _ABOVE * sum(len(runs[at].text) for at in places), 0
    for last in places:
        most -= len(runs[last].text) if not runs[last].text.endswith(title) else 0
        if most < 0:
            break
    lines = [at for at, run in enumerate(runs) if run.text.endswith(title)]
    headings = [at for at in lines if is_heading(runs[at])] or lines
    heading = next((at for at in headings if at < last), 0)
    return [at for at in places if at >= heading]


def _without_teasers(lines: Sequence[Run]) -> list[Run]:
    """`lines` without articles beside that of the first line whose headings are links, and without
    the headings above them."""
    first = next((_article_of(run) for run in lines[:1]), None)
    if first is None:
        return list(lines)
    inside, article_lines, is_beside = {first, *first.iterancestors()}, list[Run](), False
    for run in reversed(lines):
        article = _article_of(run)
        if article is None:
            is_beside = is_beside and is_subheading(run)
        else:
            is_around = article in inside or first in article.iterancestors()
            is_beside = not is_around and _is_teaser(article)
        if not is_beside:
            article_lines.append(run)
    return article_lines[::-1]


def _is_teaser(article: Element) -> bool:
    heading = next(article.iter(*HEADINGS, *SUBHEADINGS), None)
    around = () if heading is None else (*heading.iterdescendants("a"), *heading.iterancestors("a"))
    return next(iter(around), None) is not None


def _article_of(run: Run) -> Element | None:
    return next((element for element in run.ancestors() if element.tag == "article"), None)


def _without_boxes(lines: Sequence[Run]) -> list[Run]:
    """`lines` without what is in an element that its class or id calls a box of the site."""
    sizes: Counter[Element] = Counter()
    for run in lines:
        for element in run.ancestors():
            sizes[element] += len(run.text)
    most = _LARGEST * sum(len(run.text) for run in lines)
    boxes = {element for element, size in sizes.items() if size < most and _is_box(element)}
    return [run for run in lines if boxes.isdisjoint(run.ancestors())]


def _is_box(element: Element) -> bool:
    names = _MODIFIER.sub("", id_and_class(element))
    return element.tag not in ("article", "blockquote") and _BOX.search(names) is not None


def _without_references(runs: Sequence[Run], lines: Sequence[Run]) -> Iterator[Run]:
    """`lines` without `Read also: …`, and without such a label and the links after it."""
    is_listed = False
    behind = dict(pairwise(runs))
    for run in lines:
        is_label = REFERENCE.match(run.line) and len(run.text) < _LONGEST_REFERENCE
        if is_label and link_share(run) < 0.5:
            is_label = run in behind and not SENTENCE.search(run.line) and is_link(behind[run])
        is_listed = bool(is_label) or (is_listed and is_link(run))
        if not is_listed:
            yield run
