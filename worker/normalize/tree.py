"""Small operations on lxml's tree that a walk needs, and whose caption is whose."""

from collections.abc import Iterable

from lxml import etree

from worker.normalize.blocks import CELLS

Node = etree._Element


def is_alone_in_cell(node: Node) -> bool:
    """A paragraph that is all of a table cell makes no line of its own."""
    parent = node.getparent()
    return parent is not None and parent.tag in CELLS and len(parent) == 1


def wrapped(node: Node) -> Node:
    """What is in the block `node`, moved into a new ``strong`` within it."""
    strong = etree.Element("strong")
    strong.text, node.text = node.text, None
    strong.extend(list(node))
    node.append(strong)
    return strong


def drop(node: Node) -> None:
    """Take `node` out of the tree; the text behind it stays."""
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


def captions_of_pictures(captions: Iterable[tuple[Node, str]]) -> dict[Node, str]:
    """Each caption goes to the pictures of its figure; without one, of its parent."""
    found: dict[Node, str] = {}
    for caption, text in captions:
        parent = caption.getparent()
        holder = next(caption.iterancestors("figure"), parent)
        if not text or holder is None:
            continue
        inside = list(holder.iter("img"))
        if holder.tag != "figure" and len(inside) > 1:  # a whole body is the parent
            inside = list(caption.itersiblings("img", preceding=True))[:1]
        for node in inside:
            found.setdefault(node, text)
    return found
