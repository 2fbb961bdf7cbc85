"""An extractor's text found again in the page's tree, which is then cut down to it.

Extractors give plain text or a markup of their own. The page's own elements have more: emphasis,
links, captions, pictures at their places, comments that name securities.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from lxml import etree

from worker.formats.page.tree import CODE, Element

SHINGLE = 8
"""Letters and digits that identify a run of text; a Chinese sentence has about 20."""

MEDIA = frozenset({"img", "video", "audio", "iframe"})

_SHARE = 0.7  # of the shingles of a run must be in the extractor's text
_HOLDER = 0.95  # of the text must be in the element whose copies of a text go first
LONGEST_GAP = 400
"""Letters between two passages within which a short run is looked for."""
_FEW_LETTERS, _FAR = 40, 15  # lines
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd",
        "details", "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer",
        "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "legend", "li", "main", "menu",
        "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
        "thead", "tr", "ul",
    }
)  # fmt: skip
_MARKED = frozenset({*MEDIA, "time"})
_NOT_ALNUM = re.compile(r"[\W_]+")


def letters_in(text: str) -> str:
    """The letters and digits of a text (folded): extractors change white space, bullets, quotes."""
    return _NOT_ALNUM.sub("", unicodedata.normalize("NFC", text))


def shingles(text: str) -> set[str]:
    """All runs of SHINGLE characters of a folded text."""
    return {text[at : at + SHINGLE] for at in range(len(text) - SHINGLE + 1)}


def text_of_part(element: Element, is_tail: bool) -> str:
    """The text of one of the `parts` of a run."""
    return (element.tail if is_tail else element.text) or ""


@dataclass(eq=False, slots=True)
class Run:
    """One line of the page; `text` is folded, `parts` are elements or (True) their tails."""

    block: Element
    parts: list[tuple[Element, bool]] = field(default_factory=list)
    line: str = ""
    text: str = ""

    def ancestors(self) -> Iterator[Element]:
        yield self.block
        yield from self.block.iterancestors()

    def spaced_line(self) -> str:
        """The line with a space between elements, which layouts set apart."""
        return " ".join(" ".join(text_of_part(*part) for part in self.parts).split())


@dataclass(frozen=True, slots=True)
class Passages:
    """The runs of a page in order, which of them are the article's, and the media between them.

    `media` and `times` (`time` elements) come with the number of runs before each.
    """

    runs: Sequence[Run]
    article_runs: frozenset[Run]
    media: Sequence[tuple[Element, int]]
    times: Sequence[tuple[Element, int]]
    share: float
    """Of the extractor's text, how much was found; below 0.7 it is not from this tree."""

    @property
    def places(self) -> list[int]:
        """The positions of the article's runs."""
        return [at for at, run in enumerate(self.runs) if run in self.article_runs]

    @property
    def first(self) -> Run | None:
        return next((run for run in self.runs if run in self.article_runs), None)


def locate(body: Element, text: str, skipped: Collection[Element] = ()) -> Passages:
    """The passages of `body` that make up the extractor's `text`; not those in `skipped`."""
    runs, marks = _runs(body, skipped)
    target = letters_in(text)
    matched = _matched(runs, target)
    holder = _holder(body, matched, len(target))
    inside = {run for run in matched if holder in run.ancestors()}
    places = _placed(
        [*(r for r in matched if r in inside), *(r for r in matched if r not in inside)], target
    )
    _add_short(runs, places, target)
    for end in (runs, runs[::-1]):
        for run in _strays(end, places):
            del places[run]
    share = sum(len(run.text) for run in places) / max(1, len(target))
    media = [(element, index) for element, index in marks if element.tag in MEDIA]
    times = [(element, index) for element, index in marks if element.tag == "time"]
    return Passages(runs, frozenset(places), media, times, share)


@contextmanager
def without(runs: Iterable[Run]) -> Iterator[None]:
    """The tree without the text of `runs`, for the time of a `with` block."""
    texts = [
        (*part, part[0].tail if part[1] else part[0].text) for run in runs for part in run.parts
    ]
    for element, is_tail, _ in texts:
        _set(element, is_tail, None)
    try:
        yield
    finally:
        for element, is_tail, text in texts:
            _set(element, is_tail, text)


def _set(element: Element, is_tail: bool, text: str | None) -> None:
    if is_tail:
        element.tail = text
    else:
        element.text = text


class _Reader:
    """Collects the runs of a tree: a block, and a line break, begins and ends one."""

    def __init__(self, body: Element) -> None:
        self.runs: list[Run] = []
        self.marks: list[tuple[Element, int]] = []
        self.blocks = [body]
        self.run = Run(body)
        self.texts: list[str] = []
        self.has_text = False  # whether the open run has more than white space
        self.formulas = 0  # MathML elements around the place

    def add(self, element: Element, text: str | None, *, is_tail: bool) -> None:
        if text:
            self.run.parts.append((element, is_tail))
            self.texts.append("·" if self.formulas else text)  # extractors drop formulas
            self.has_text = self.has_text or bool(self.formulas) or not text.isspace()

    def start(self, element: Element) -> None:
        if element.tag in _BLOCKS:
            self.close()
            self.blocks.append(element)
            self.run.block = element
        if element.tag in _MARKED:
            self.marks.append((element, len(self.runs) + self.has_text))
        self.formulas += element.tag == "math"
        if element.tag not in CODE and element.tag not in MEDIA:
            self.add(element, element.text, is_tail=False)

    def end(self, element: Element) -> None:
        self.formulas -= element.tag == "math"
        if element.tag in _BLOCKS:
            self.close()
            self.blocks.pop()
            self.run.block = self.blocks[-1]

    def close(self) -> None:
        run, line = self.run, " ".join("".join(self.texts).split())
        if line:
            run.line, run.text = line, letters_in(line)
            if run.text:
                self.runs.append(run)
            elif self.runs:  # dots, dashes: they go with what is before
                self.runs[-1].parts += run.parts
        self.run, self.texts, self.has_text = Run(self.blocks[-1]), [], False


def _runs(
    body: Element, skipped: Collection[Element]
) -> tuple[list[Run], list[tuple[Element, int]]]:
    reader = _Reader(body)
    walk = etree.iterwalk(body, events=("start", "end", "comment"))
    for event, node in walk:
        if event == "start" and node in skipped:
            walk.skip_subtree()
        elif event == "start":
            reader.start(node)
            continue
        elif event == "end" and node not in skipped:
            reader.end(node)
        if event != "start" and node is not body:
            reader.add(node, node.tail, is_tail=True)
    reader.close()
    return reader.runs, reader.marks


def _matched(runs: Iterable[Run], target: str) -> list[Run]:
    """The runs of at least SHINGLE letters that are in `target`."""
    target_shingles = shingles(target)
    matched = []
    for run in runs:
        text, count = run.text, len(run.text) - SHINGLE + 1
        if count > 0:
            hits = sum(text[at : at + SHINGLE] in target_shingles for at in range(count))
            if hits >= _SHARE * count:
                matched.append(run)
    return matched


def _holder(body: Element, matched: Iterable[Run], length: int) -> Element:
    """The innermost element that holds nearly all of the text."""
    sizes: Counter[Element] = Counter()
    for run in matched:
        for element in run.ancestors():
            sizes[element] += len(run.text)
    enough = _HOLDER * min(length, sizes[body])
    element = body
    while enough:
        inner = max(element, key=lambda child: sizes[child], default=None)
        if inner is None or sizes[inner] < enough:
            break
        element = inner
    return element


def _placed(runs: Iterable[Run], target: str) -> dict[Run, tuple[int, int]]:
    """Where in `target` each run is; of several copies of one text only as many as there."""
    places: dict[Run, tuple[int, int]] = {}
    free = bytearray(b"\x01") * len(target)
    end = 0
    for run in runs:
        head = run.text[: 4 * SHINGLE]
        at = target.find(head, end)
        if at < 0 and (at := target.find(head)) < 0:
            at = next(
                place
                for start in range(len(run.text) - SHINGLE + 1)
                if (place := target.find(run.text[start : start + SHINGLE])) >= 0
            )
        stop = min(len(target), at + len(run.text))
        if 2 * free.count(1, at, stop) >= stop - at:
            free[at:stop] = bytes(stop - at)
            places[run] = at, stop
            end = stop
    return places


def _strays(runs: Sequence[Run], places: Collection[Run]) -> list[Run]:
    """The few words with which the passages begin long before all others: they are a menu's, which
    the article has, too."""
    placed = [(at, run) for at, run in enumerate(runs) if run in places]
    letters = 0
    for number, ((at, run), (following, _)) in enumerate(pairwise(placed), 1):
        letters += len(run.text)
        if letters > _FEW_LETTERS:
            break
        if following - at > _FAR:
            return [run for _, run in placed[:number]]
    return []


def _add_short(runs: Sequence[Run], places: dict[Run, tuple[int, int]], target: str) -> None:
    """Add the runs below SHINGLE letters that `target` has between their neighbours' places."""
    follows = len(target)
    next_start = [follows] * (len(runs) + 1)
    for index in range(len(runs) - 1, -1, -1):
        next_start[index] = (
            places[runs[index]][0] if runs[index] in places else next_start[index + 1]
        )
    end, is_anchored = 0, bool(places)
    for index, run in enumerate(runs):
        if run in places:
            end = places[run][1]
        elif len(run.text) < SHINGLE and (end or not is_anchored):
            at = target.find(run.text, end, min(next_start[index], end + LONGEST_GAP))
            if at >= 0:
                end = at + len(run.text)
                places[run] = at, end
