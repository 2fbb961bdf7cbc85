"""Bodies nested deeper than lxml's tree can be: read as a sequence of tags and made shallow.

``lxml.html`` silently drops what is nested deeper than 253 elements (2,048 with ``huge_tree``);
a sanitiser's time grows with the square of the depth, and so does bs4's where text is between end
tags (100,000 levels: over four minutes, against 0.4 s here). So this uses html.parser, as bs4 does,
but builds no tree.
"""

from collections import Counter
from html import escape
from html.parser import HTMLParser

from worker.errors import Reason, Rejected
from worker.normalize.sanitize import DROPPED
from worker.normalize.tree import BLOCKS

MAX_TAGS = 400_000
"""Start and end tags of a deep body: 2 s. A larger one is no article."""

_REACH = 50  # how many open elements an end tag can end; unbounded it would be quadratic
_VOID = frozenset(
    ("br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)


def flatten(html: str, depth: int) -> str:
    """`html` nested at most `depth` deep, with all its text.

    Deeper block elements become line breaks, and pictures stay. Raises Rejected(TOO_DEEP) for a
    body of more than MAX_TAGS tags.
    """
    if html.count("<") > MAX_TAGS:
        raise Rejected(
            Reason.TOO_DEEP,
            f"elements are nested deeper than {depth} and there are over {MAX_TAGS:,} tags;"
            " split the file, or repair its HTML",
        )
    flattener = _Flattener(depth)
    html = _without_comments(html)
    end = html.rfind(">") + 1
    # html.parser (CPython before 3.11.14) searches the whole rest for the end of each unclosed
    # declaration or tag, so it gets none.
    flattener.feed(html[:end].replace("<!", "&lt;!").replace("<?", "&lt;?"))
    flattener.close()
    return "".join(flattener.out) + html[end:].replace("<", "&lt;")


def _without_comments(html: str) -> str:
    """`html` without comments, an unclosed one to the end, in linear time."""
    first, *rest = html.split("<!--")
    return first + "".join(part.partition("-->")[2] for part in rest)


class _Flattener(HTMLParser):
    """Writes the tags that are not too deep."""

    def __init__(self, depth: int) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._depth = depth
        self._open: list[str] = []
        self._counts: Counter[str] = Counter()  # of open elements: a stray end tag is ignored
        self._hidden = 0  # open elements whose text is dropped

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len(self._open) < self._depth or tag == "img":
            pairs = (f' {name}="{escape(value or "")}"' for name, value in attrs)
            self.out.append(f"<{tag}{''.join(pairs)}>")
        else:
            self._break_for(tag)
        if tag not in _VOID:
            self._open.append(tag)
            self._counts[tag] += 1
            self._hidden += tag in DROPPED

    def handle_endtag(self, tag: str) -> None:
        while self._closes(tag):
            closed = self._open.pop()
            self._counts[closed] -= 1
            self._hidden -= closed in DROPPED
            if len(self._open) < self._depth:
                self.out.append(f"</{closed}>")
            else:
                self._break_for(closed)
            if closed == tag:
                return

    def _closes(self, tag: str) -> bool:
        """Whether an end tag closes an open `tag`: of an inline element or a paragraph it closes no
        block."""
        if not self._counts[tag] or (tag in BLOCKS and tag != "p"):
            return bool(self._counts[tag])
        for name in self._open[: -_REACH - 1 : -1]:
            if name == tag or name in BLOCKS:
                return name == tag
        return False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.out.append(escape(data, quote=False))

    def _break_for(self, tag: str) -> None:
        if (tag in BLOCKS or tag == "br") and self.out[-1:] != ["<br>"]:
            self.out.append("<br>")
