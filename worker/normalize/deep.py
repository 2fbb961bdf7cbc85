"""Bodies nested deeper than lxml's tree holds: read as a run of tags and made shallow.

``lxml.html`` silently drops what is nested deeper than 253 elements (2,048 with ``huge_tree``);
a sanitiser's time grows with the square of the depth. And so does bs4's, where text stands
between end tags (100,000 levels: over four minutes, against 0.4 s here). So this takes what bs4's
tree is made from, the tags that the standard library's html.parser reports, without the tree.
"""

from collections import Counter
from html import escape
from html.parser import HTMLParser

from worker.errors import Reason, Rejected
from worker.normalize.blocks import BLOCKS
from worker.normalize.sanitize import DROPPED

MOST_TAGS = 400_000
"""Start and end tags of a deep body: 2 s. Deep and larger than that is no article."""

_REACH = 50  # how many open elements an end tag can end; without a bound this were quadratic
_VOID = frozenset(
    ("br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)


def made_shallow(html: str, depth: int) -> str:
    """`html` with at most `depth` elements within each other; no text is lost.

    Of deeper elements the block ones become line breaks, and pictures stay. Raises
    Rejected(TOO_DEEP) for a body of more than MOST_TAGS tags.
    """
    if html.count("<") > MOST_TAGS:
        raise Rejected(
            Reason.TOO_DEEP,
            f"elements are nested deeper than {depth} and there are over {MOST_TAGS:,} tags;"
            " split the file, or repair its HTML",
        )
    flattener = _Flattener(depth)
    html = _without_comments(html)
    end = html.rfind(">") + 1
    # For a declaration or a tag without an end html.parser searches all that follows, each time
    # (CPython before 3.11.14); so it is given none.
    flattener.feed(html[:end].replace("<!", "&lt;!").replace("<?", "&lt;?"))
    flattener.close()
    return "".join(flattener.out) + html[end:].replace("<", "&lt;")


def _without_comments(html: str) -> str:
    """`html` without comments, one that is never closed to the end, in linear time."""
    first, *rest = html.split("<!--")
    return first + "".join(part.partition("-->")[2] for part in rest)


class _Flattener(HTMLParser):
    """Writes the tags it is told of again, if they are not too deep."""

    def __init__(self, depth: int) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._depth = depth
        self._open: list[str] = []
        self._counts: Counter[str] = Counter()  # of open elements: a stray end tag ends nothing
        self._hidden = 0  # open elements that no text is taken from

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
        while self._ends(tag):
            closed = self._open.pop()
            self._counts[closed] -= 1
            self._hidden -= closed in DROPPED
            if len(self._open) < self._depth:
                self.out.append(f"</{closed}>")
            else:
                self._break_for(closed)
            if closed == tag:
                return

    def _ends(self, tag: str) -> bool:
        """Whether an open `tag` is ended: one of a line, or a paragraph, ends no block."""
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
