"""Bodies nested deeper than lxml's tree holds: read by bs4 and made shallow.

``lxml.html`` silently drops what is nested deeper than 253 elements (2,048 with ``huge_tree``);
a sanitiser's time grows with the square of the depth. bs4's html.parser keeps everything, in
linear time; from its tree the elements beyond the bound are left out and their text kept.
"""

from html import escape

from bs4 import BeautifulSoup
from bs4.element import Comment, NavigableString, PreformattedString, Tag

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
    soup = BeautifulSoup(html, "html.parser")
    out: list[str] = []
    open_tags: list[Tag] = []
    for node in soup.descendants:
        while open_tags and open_tags[-1] is not node.parent:
            _end(open_tags.pop(), len(open_tags) < depth, out)
        if isinstance(node, Tag):
            _start(node, len(open_tags) < depth, out)
            open_tags.append(node)
        elif isinstance(node, NavigableString):
            _text(node, open_tags, out)
    while open_tags:
        _end(open_tags.pop(), len(open_tags) < depth, out)
    return "".join(out)


def _start(tag: Tag, kept: bool, out: list[str]) -> None:
    if kept or tag.name in {"img", "br"}:
        pairs = (f' {name}="{escape(_value(value))}"' for name, value in tag.attrs.items())
        out.append(f"<{tag.name}{''.join(pairs)}>")
    elif tag.name in BLOCKS:
        out.append("<br>")


def _end(tag: Tag, kept: bool, out: list[str]) -> None:
    if kept and not tag.is_empty_element:
        out.append(f"</{tag.name}>")
    elif not kept and tag.name in BLOCKS:
        out.append("<br>")


def _text(text: NavigableString, open_tags: list[Tag], out: list[str]) -> None:
    if isinstance(text, Comment):
        out.append(f"<!--{text}-->")
    elif isinstance(text, PreformattedString):
        return  # declarations and processing instructions
    elif not (open_tags and open_tags[-1].name in DROPPED):
        out.append(escape(text, quote=False))


def _value(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
