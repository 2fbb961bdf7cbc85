"""Elements that begin a line, small operations on lxml's tree, and the captions of pictures."""

from collections.abc import Iterable

from lxml import etree

Node = etree._Element

HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
CELLS = frozenset(("td", "th"))
BLOCKS = HEADINGS | {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details",
    "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form",
    "header", "hgroup", "hr", "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "section",
    "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
}  # fmt: skip
"""The block elements of the HTML standard's rendering section (15.3), without table cells, which
share a line. All other elements, unknown ones too, are inline."""


def is_alone_in_cell(node: Node) -> bool:
    """Whether a paragraph is all of a table cell: then it does not begin a line."""
    parent = node.getparent()
    return parent is not None and parent.tag in CELLS and len(parent) == 1


def wrap_in_strong(node: Node) -> Node:
    """Move the content of the block `node` into a new ``strong`` in it."""
    strong = etree.Element("strong")
    strong.text, node.text = node.text, None
    strong.extend(list(node))
    node.append(strong)
    return strong


def drop(node: Node) -> None:
    """Remove `node` from the tree, but not the text behind it."""
    parent = node.getparent()
    if parent is None:
        return
    if tail := node.tail:
        node.tail = None
        previous = node.getprevious()
        before = (parent.text if previous is None else previous.tail) or ""
        if not (tail.isspace() and before[-1:].isspace()):
            if previous is None:
                parent.text = before + tail
            else:
                previous.tail = before + tail
    parent.remove(node)


def picture_captions(captions: Iterable[tuple[Node, str]]) -> dict[Node, str]:
    """Picture → caption: a caption is for the pictures of its figure, else of its parent."""
    by_picture: dict[Node, str] = {}
    for caption, text in captions:
        parent = caption.getparent()
        holder = next(caption.iterancestors("figure"), parent)
        if not text or holder is None:
            continue
        pictures = list(holder.iter("img"))
        if holder.tag != "figure" and len(pictures) > 1:  # a whole body is the parent
            pictures = list(caption.itersiblings("img", preceding=True))[:1]
        for node in pictures:
            by_picture.setdefault(node, text)
    return by_picture
