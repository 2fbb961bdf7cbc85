"""A rule's CSS selectors, matched element by element during the walk over a body.

XPath would search the whole tree once for each selector (22 µs each on a Sina article, which has
a dozen). Here an index by id, class, attribute and name gives the few selectors that an element
can match. XPath evaluates pseudo-classes.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import lru_cache
from typing import Any, cast

import cssselect
from cssselect.parser import Attrib, Class, CombinedSelector, Element, Hash
from lxml import etree
from lxml.cssselect import CSSSelector

Node = etree._Element
Test = Callable[[Node], bool]
Candidates = tuple[tuple[Test | None, "Use"], ...]

_MAX_SHAPES = 2000  # a shape: the name and the attributes that selectors test


class Use(Enum):
    """What a matching element is for."""

    REMOVE = "remove"
    BOLD = "bold"
    CAPTION = "caption"


_ORDER = {use: place for place, use in enumerate(Use)}


class Selectors:
    """The selectors of one rule, indexed by an id, class, attribute or name that they require."""

    def __init__(self, uses: dict[Use, Iterable[str]]) -> None:
        self._index: dict[tuple[str, str], list[tuple[Test, Test | None, Use]]] = {}
        self._xpath: list[tuple[CSSSelector, Use]] = []
        self._attributes: set[str] = set()
        self._candidates_of: dict[tuple[object, ...], Candidates] = {}
        for use, selectors in uses.items():
            for selector in cssselect.parse(",".join(selectors)) if selectors else ():
                self._add(selector, use)
        self._names = tuple(sorted(self._attributes))

    def of_tree(self, root: Node) -> dict[Node, Use]:
        """The elements below `root` that selectors with pseudo-classes match."""
        uses: dict[Node, Use] = {}
        for selector, use in self._xpath:
            uses.update(dict.fromkeys(cast("list[Node]", selector(root)), use))
        return uses

    def match(self, node: Node, tag: str) -> Use | None:
        """The use of `node`, an element named `tag`; of several the first in the order of Use."""
        get = node.get
        shape = (tag, *[get(name) for name in self._names])
        candidates = self._candidates_of.get(shape)
        if candidates is None:
            candidates = self._candidates(node, tag)
            if len(self._candidates_of) >= _MAX_SHAPES:
                self._candidates_of.clear()
            self._candidates_of[shape] = candidates
        for test, use in candidates:
            if test is None or test(node):
                return use
        return None

    def _candidates(self, node: Node, tag: str) -> Candidates:
        """The selectors that an element of this shape can match."""
        anchors = [("tag", tag), *(("attribute", str(name)) for name in node.attrib)]
        anchors += (("class", word) for word in node.get("class", "").split())
        anchors.append(("id", node.get("id", "")))
        rules = [
            rule for anchor in anchors for rule in self._index.get(anchor, ()) if rule[0](node)
        ]
        rules.sort(key=lambda rule: _ORDER[rule[2]])
        return tuple((within, use) for _, within, use in rules)

    def _add(self, selector: cssselect.Selector, use: Use) -> None:
        tree = selector.parsed_tree
        anchor = _anchor(tree)
        within = _within(tree) if isinstance(tree, CombinedSelector) else None
        own = _test(tree.subselector if isinstance(tree, CombinedSelector) else tree)
        if anchor is None or own is None or (isinstance(tree, CombinedSelector) and not within):
            self._xpath.append((CSSSelector(selector.canonical()), use))
        else:
            self._index.setdefault(anchor, []).append((own, within, use))
            self._attributes.update(_attributes(tree))


def _anchor(tree: Any) -> tuple[str, str] | None:
    """What every element that matches `tree` has: the rarest thing first."""
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


def _attributes(tree: Any) -> Iterator[str]:
    """The attributes that `tree` tests of the element itself."""
    if isinstance(tree, CombinedSelector):
        yield from _attributes(tree.subselector)
    elif isinstance(tree, Hash | Class | Attrib):
        yield _condition(tree)[0]
        yield from _attributes(tree.selector)


def _test(tree: Any) -> Test | None:
    """The test of an element for `tree`; None where XPath is needed."""
    if isinstance(tree, Element):
        tag = tree.element.lower() if tree.element else None
        return lambda node: tag is None or node.tag == tag
    if isinstance(tree, CombinedSelector):
        own, within = _test(tree.subselector), _within(tree)
        return (lambda node: own(node) and within(node)) if own and within else None
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


def _within(tree: CombinedSelector) -> Test | None:
    """The test of the elements around one for the left side of `tree`."""
    left, walk = _test(tree.selector), _COMBINATORS.get(tree.combinator)
    if left is None or walk is None:
        return None
    return lambda node: any(left(other) for other in walk(node))


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
