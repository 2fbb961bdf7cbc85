"""A rule's CSS selectors, matched element by element in the one walk over a body.

XPath would search the whole tree once for each selector (22 µs each on a Sina article, which has
a dozen). Here an element is looked up by its id, classes, attributes and name; what it cannot be
is never asked. Pseudo-classes are left to XPath.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from functools import lru_cache
from typing import Any

import cssselect
from cssselect.parser import Attrib, Class, CombinedSelector, Element, Hash
from lxml import etree
from lxml.cssselect import CSSSelector

Node = etree._Element
Test = Callable[[Node], bool]


class Use(Enum):
    """What an element that matches is for."""

    REMOVE = "remove"
    BOLD = "bold"
    CAPTION = "caption"


class Selectors:
    """The selectors of one rule, indexed by what an element must at least have."""

    def __init__(self, uses: dict[Use, Iterable[str]]) -> None:
        self._by: dict[tuple[str, str], list[tuple[Test, Use]]] = {}
        self._slow: list[tuple[CSSSelector, Use]] = []
        for use, selectors in uses.items():
            for selector in cssselect.parse(",".join(selectors)) if selectors else ():
                self._add(selector, use)
        self._names = {name for kind, name in self._by if kind == "attribute"}
        self._tags = {name for kind, name in self._by if kind == "tag"}

    def of_tree(self, root: Node) -> dict[Node, Use]:
        """What the selectors with pseudo-classes match in the tree of `root`."""
        return {node: use for selector, use in self._slow for node in selector(root)}

    def match(self, node: Node) -> Use | None:
        """The use of `node`, which is an element; of several the first in the order of Use."""
        found: set[Use] = set()
        for name, value in node.items():
            if name == "class":
                for word in value.split():
                    self._look(("class", word), node, found)
            elif name == "id":
                self._look(("id", value), node, found)
            if name in self._names:
                self._look(("attribute", name), node, found)
        if node.tag in self._tags:
            self._look(("tag", node.tag), node, found)
        return next((use for use in Use if use in found), None) if found else None

    def _look(self, anchor: tuple[str, str], node: Node, found: set[Use]) -> None:
        for test, use in self._by.get(anchor, ()):
            if test(node):
                found.add(use)

    def _add(self, selector: cssselect.Selector, use: Use) -> None:
        tree = selector.parsed_tree
        test, anchor = _test(tree), _anchor(tree)
        if test is None or anchor is None:
            self._slow.append((CSSSelector(selector.canonical()), use))
        else:
            self._by.setdefault(anchor, []).append((test, use))


def _anchor(tree: Any) -> tuple[str, str] | None:
    """What every element matched by `tree` has: the rarest thing first."""
    if isinstance(tree, CombinedSelector):
        return _anchor(tree.subselector)
    if isinstance(tree, Hash):
        return ("id", tree.id)
    if isinstance(tree, Class):
        return ("class", tree.class_name)
    if isinstance(tree, Attrib):
        return _anchor(tree.selector) or ("attribute", tree.attrib.lower())
    if isinstance(tree, Element) and tree.element:
        return ("tag", tree.element.lower())
    return None


def _test(tree: Any) -> Test | None:
    """Whether an element matches; None for what is left to XPath."""
    if isinstance(tree, Element):
        tag = tree.element.lower() if tree.element else None
        return lambda node: tag is None or node.tag == tag
    if isinstance(tree, CombinedSelector):
        return _combined(tree)
    if not isinstance(tree, Hash | Class | Attrib):
        return None
    inner = _test(tree.selector)
    if inner is None:
        return None
    name, operator, wanted = _condition(tree)

    def test(node: Node) -> bool:
        value = node.get(name)
        return value is not None and _OPERATORS[operator](value, wanted) and inner(node)

    return test if operator in _OPERATORS else None


def _condition(tree: Any) -> tuple[str, str, str]:
    if isinstance(tree, Hash):
        return ("id", "=", tree.id)
    if isinstance(tree, Class):
        return ("class", "~=", tree.class_name)
    return (tree.attrib.lower(), tree.operator, tree.value.value if tree.value else "")


def _combined(tree: CombinedSelector) -> Test | None:
    left, right = _test(tree.selector), _test(tree.subselector)
    walk = _COMBINATORS.get(tree.combinator)
    if left is None or right is None or walk is None:
        return None
    return lambda node: right(node) and any(left(other) for other in walk(node))


def _parent(node: Node) -> list[Node]:
    parent = node.getparent()
    return [] if parent is None else [parent]


_COMBINATORS: dict[str, Callable[[Node], Iterable[Node]]] = {
    " ": lambda node: node.iterancestors(),
    ">": _parent,
    "~": lambda node: node.itersiblings(etree.Element, preceding=True),
    "+": lambda node: list(node.itersiblings(etree.Element, preceding=True))[:1],
}

_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "exists": lambda value, wanted: True,
    "=": lambda value, wanted: value == wanted,
    "~=": lambda value, wanted: wanted in value.split(),
    "|=": lambda value, wanted: value == wanted or value.startswith(f"{wanted}-"),
    "^=": lambda value, wanted: bool(wanted) and value.startswith(wanted),
    "$=": lambda value, wanted: bool(wanted) and value.endswith(wanted),
    "*=": lambda value, wanted: bool(wanted) and wanted in value,
}


@lru_cache(maxsize=256)
def selectors_of(
    remove: tuple[str, ...], bold: tuple[str, ...], caption: tuple[str, ...]
) -> Selectors:
    """The selectors of a rule's body, compiled once for each rule."""
    return Selectors({Use.REMOVE: remove, Use.BOLD: bold, Use.CAPTION: caption})
