"""Bodies nested deeper than lxml's tree holds: read by bs4 and made shallow.

``lxml.html`` silently drops what is nested deeper than 253 elements (2,048 with ``huge_tree``);
a sanitiser's time grows with the square of the depth. bs4's html.parser keeps everything, in
linear time; from its tree the elements beyond the bound are left out and their text kept.
"""

from html import escape

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from worker.errors import Reason, Rejected
from worker.normalize.blocks import BLOCKS
from worker.normalize.sanitize import DROPPED

MOST_TAGS = 400_000
"""Start and end tags of a deep body: bs4 takes about 10 µs and 1 kB for each."""


def made_shallow(html: str, depth: int) -> str:
    """`html` with at most `depth` elements within each other; no text is lost.

    Of deeper elements the block ones become line breaks. Raises Rejected(TOO_DEEP) for a body
    of more than MOST_TAGS tags.
    """
    if html.count("<") > MOST_TAGS:
        raise Rejected(
            Reason.TOO_DEEP,
            f"elements are nested deeper than {depth} and there are over {MOST_TAGS:,} tags;"
            " split the file, or repair its HTML",
        )
    writer = _Writer(depth)
    for node in BeautifulSoup(html, "html.parser").descendants:
        writer.close_until(node.parent)
        if isinstance(node, Tag):
            writer.open(node)
        elif type(node) is NavigableString:  # not comments, declarations, scripts and styles
            writer.text(node)
    writer.close_until(None)
    return "".join(writer.out)


class _Writer:
    """HTML again, of what is not too deep."""

    def __init__(self, depth: int) -> None:
        self.out: list[str] = []
        self._depth = depth
        self._open: list[Tag] = []
        self._hidden = 0  # open elements that no text is taken from

    def close_until(self, parent: Tag | None) -> None:
        while self._open and self._open[-1] is not parent:
            tag = self._open.pop()
            self._hidden -= tag.name in DROPPED
            kept = len(self._open) < self._depth
            if kept and not tag.is_empty_element:
                self.out.append(f"</{tag.name}>")
            elif not kept and tag.name in BLOCKS:
                self.out.append("<br>")

    def open(self, tag: Tag) -> None:
        if len(self._open) < self._depth or tag.name in {"img", "br"}:
            pairs = (f' {name}="{escape(_value(value))}"' for name, value in tag.attrs.items())
            self.out.append(f"<{tag.name}{''.join(pairs)}>")
        elif tag.name in BLOCKS:
            self.out.append("<br>")
        self._open.append(tag)
        self._hidden += tag.name in DROPPED

    def text(self, text: str) -> None:
        if not self._hidden:
            self.out.append(escape(text, quote=False))


def _value(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
