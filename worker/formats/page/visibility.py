"""What a page holds but does not show, and what is around every article."""

import re
from collections.abc import Callable, Iterable

from lxml import etree

from worker.formats.page.tree import Element, squeezed_length, texts_in

# Not `form`: ASP.NET puts whole pages into one. Not `header`: it often has the heading.
_NOISE = frozenset("style template button select textarea nav footer dialog".split())  # noqa: SIM905
_STYLE = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_CLASSES = (
    frozenset(  # Bootstrap's, WordPress', Foundation's, BBC's and GOV.UK's names for one thing
        [
            "sr-only",
            "visually-hidden",
            "visuallyhidden",
            "screen-reader-text",
            "screen-reader-only",
            "screenreader-only",
            "screen-reader",
            "show-for-sr",
            "a11y-hidden",
            "hidden-visually",
            "u-visually-hidden",
            "u-hidden-visually",
            "govuk-visually-hidden",
            "assistive-text",
            "element-invisible",
            "clip-text",
            "off-screen",
            "offscreen",
        ]
    )
)


def hidden_in(tree: Element) -> list[Element]:
    """The outermost elements that browsers do not show."""
    return _outermost(tree, _is_hidden)


def noise_in(body: Element) -> list[Element]:
    """Menus, form controls and styles."""
    return _outermost(body, lambda element: element.tag in _NOISE)


def text_size(elements: Iterable[Element]) -> int:
    """Characters of text in `elements`."""
    return sum(squeezed_length(" ".join(texts_in(element))) for element in elements)


def remove(elements: Iterable[Element]) -> None:
    """Remove elements, not the text behind them."""
    for element in elements:
        if element.getparent() is not None:
            element.drop_tree()


def _outermost(tree: Element, test: Callable[[Element], bool]) -> list[Element]:
    found = []
    walk = etree.iterwalk(tree, events=("start",))
    for _, element in walk:
        if element.tag not in ("html", "body") and test(element):
            found.append(element)
            walk.skip_subtree()
    return found


def _is_hidden(element: Element) -> bool:
    attributes = element.attrib
    if "hidden" in attributes and attributes["hidden"].lower() != "until-found":
        return True
    if _STYLE.search(attributes.get("style", "")):
        return True
    if not _CLASSES.isdisjoint(attributes.get("class", "").lower().split()):
        return True
    # Decorative pictures are hidden from screen readers, not from people.
    is_silent = attributes.get("aria-hidden", "").lower() == "true"
    return is_silent and next(element.iter("img", "picture", "video"), None) is None
