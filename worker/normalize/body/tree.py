"""The tree of a body, by turbohtml: a parser in C that follows the HTML standard; and its search by
CSS selectors.

Measured against selectolax 1.0 (lexbor), the other such parser. The test suite of html5lib: both
give the expected tree but where the standard has changed since (`select`, processing
instructions). An article of 11 KB: 34 µs (lexbor 58). 1 MB of nested elements: at most 0.12 s, of
attributes 0.07 s; lexbor's time grows with the square of either: over 6 s. turbohtml's tree is at
most 512 levels deep, as a browser's: what is deeper becomes a sibling, with all its text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from itertools import chain

import turbohtml
from turbohtml import Element

from worker.errors import Reason, Rejected

MAX_NODES = 2_000_000
"""Of a tree, by the bound below: 250 MB."""

# An open formatting element is repeated in each block that follows (HTML standard, 13.2.4.3): 17 KB
# of `<p><b id=1><b id=2>…</p><p>x<p>x…` are 500,000 elements, 1 MB would be 100 million. A parser
# repeats at most three equal start tags, and only one link.
_FORMATTING = re.compile(
    r"<(?:b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])[^>]*", re.IGNORECASE
)
_ROWS = re.compile(r"\s*<(?:caption|colgroup|t(?:body|d|foot|h|head|r))[\s>]", re.IGNORECASE)
_EQUAL_TAGS = 3
_DEEPEST = 512
_FEW_TAGS = 1000  # their tree has at most 500 × 512 elements

# Not written in HTML, and no line begins with them: most elements of mirrored articles.
_CONTAINERS = ("font", "span")
_USED = "data-newsdrop-used"
_UNUSED_CONTAINERS = f'font:not([{_USED}]),span:not([{_USED}],[id^="stock_"])'

# Names, classes and combinators alone: such a selector needs each of its classes.
_PLAIN = re.compile(r"[\w\s.>+~-]+")
_CLASS = re.compile(r"\.([\w-]+)")


def parse(html: str) -> Element:
    """The ``body`` of `html`. One that begins with a part of a table is a table.

    Raises Rejected(TOO_DEEP) where repeated formatting elements would fill the memory.
    """
    tags = html.count("<")
    if tags > _FEW_TAGS:
        formatting = _EQUAL_TAGS * len(set(_FORMATTING.findall(html))) + 1
        if tags * min(formatting, _DEEPEST) > MAX_NODES:
            raise Rejected(
                Reason.TOO_DEEP,
                f"its {tags:,} tags and unclosed formatting elements are too many:"
                " close its <b>, <font> and the like, or split it",
            )
    if _ROWS.match(html):  # a parser ignores the tags of rows without their table
        html = f"<table>{html}"
    return turbohtml.parse_fragment(html, "body", positions=False)


class Use(Enum):
    """The purpose of an element that a site's selector matches."""

    REMOVE = "remove"
    BOLD = "bold"
    CAPTION = "caption"


@dataclass(frozen=True, slots=True)
class Selectors:
    """CSS selectors, by what an element must have: `classes` are selectors of one class alone,
    `by_class` those that match nothing unless an element has that class, `others` the rest.

    Few of a site's 60 selectors can match, and joined to one they took 53 µs an article. turbohtml
    parses each again that is not among some of the last 16, so the others are joined: those with a
    tag, which it finds by an index, and those for every element.
    """

    classes: Set[str]
    by_class: Mapping[str, Sequence[str]]
    others: Sequence[str]

    @classmethod
    def of(cls, selectors: Iterable[str]) -> "Selectors":
        classes: set[str] = set()
        tagged: list[str] = []
        by_class: dict[str, list[str]] = {}
        others: list[str] = []
        for selector in selectors:
            names = _CLASS.findall(selector) if _PLAIN.fullmatch(selector) else ()
            if names and selector == f".{names[0]}":
                classes.add(names[0])
            elif names:
                by_class.setdefault(names[-1], []).append(selector)
            else:
                (tagged if selector[:1].isalpha() else others).append(selector)
        return cls(classes, by_class, [*filter(None, map(",".join, (tagged, others)))])

    def select(self, root: Element, by_class: Mapping[str, Sequence[Element]]) -> Iterator[Element]:
        """The elements below `root` that a selector matches; see :func:`group_by_class`."""
        for name in self.classes & by_class.keys():
            yield from by_class[name]
        present = [self.by_class[name] for name in self.by_class.keys() & by_class.keys()]
        for selector in chain(self.others, *present):
            yield from root.select(selector)


def unwrap_containers(root: Element, uses: Iterable[Element]) -> None:
    """Replace elements without a meaning of their own by their content, except those in `uses` and
    those that may name a security, and join adjacent texts: in C this takes 2 % of a body's time,
    in the walk it took a quarter."""
    for node in uses:
        if node.tag in _CONTAINERS:
            node.attrs[_USED] = ""
    root.strip_tags(_UNUSED_CONTAINERS)
    root.normalize()


def group_by_class(root: Element) -> Mapping[str, Sequence[Element]]:
    """The elements below `root` that have each class."""
    index: dict[str, list[Element]] = {}
    for node in root.select("[class]"):
        for name in node.attrs["class"] or ():
            index.setdefault(name, []).append(node)
    return index
