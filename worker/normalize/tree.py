"""The tree of a body, by turbohtml: a parser in C that follows the HTML standard.

Measured against selectolax 1.0 (lexbor), the other such parser. The test suite of html5lib: both
give the expected tree but where the standard has changed since (`select`, processing
instructions). An article of 11 KB: 34 µs (lexbor 58). 1 MB of nested elements: at most 0.12 s, of
attributes 0.07 s; lexbor's time grows with the square of either: over 6 s. turbohtml's tree is at
most 512 levels deep, as a browser's: what is deeper becomes a sibling, with all its text.
"""

import re
from collections.abc import Iterable

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


def selected(root: Element, selectors: Iterable[str]) -> list[Element]:
    """The elements below `root` that one of the CSS `selectors` matches."""
    joined = ",".join(selectors)
    return root.select(joined) if joined else []
