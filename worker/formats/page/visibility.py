"""What a page holds but does not show, and what is around every article."""

import re
from collections.abc import Callable, Iterable

from lxml import etree

from worker.formats.page.tree import Element, id_and_class, squeezed_length, texts_in
from worker.normalize.body.elements import is_hidden

# Not `form`: ASP.NET puts whole pages into one. Not `header`: it often has the heading.
_NOISE = frozenset(
    ["style", "template", "button", "select", "textarea", "nav", "footer", "dialog", "annotation"]
)


HIDING = ("hidden", "style", "aria-hidden")
"""The attributes that may hide an element, besides its class."""

_HEADING_LINKS = frozenset(["mw-editsection", "headerlink", "hash-link", "anchorjs-link"])

_CONSENT = re.compile(
    r"(?:^|\s)(?:onetrust-|cybot|didomi-|usercentrics|qc-cmp|sp_message|cmplz-|truste|"
    r"(?:cookie|gdpr|privacy)[_-]?(?:banner|consent|notice|bar|law|popup|overlay))",
    re.IGNORECASE,
)


def consent_in(body: Element) -> list[Element]:
    """Questions for consent to cookies, which browsers show before the page or over it."""
    return _outermost(body, _is_consent)


def hidden_in(tree: Element) -> list[Element]:
    """The outermost elements that browsers do not show."""
    return _outermost(tree, _is_hidden)


def noise_in(body: Element) -> list[Element]:
    """Menus, form controls, styles, sources of formulas, and links of headings to themselves."""
    return _outermost(
        body,
        lambda element: (
            element.tag in _NOISE or not _HEADING_LINKS.isdisjoint(element.get("class", "").split())
        ),
    )


def text_size(elements: Iterable[Element]) -> int:
    """Characters of text in `elements`."""
    return sum(squeezed_length(" ".join(texts_in(element))) for element in elements)


def remove(elements: Iterable[Element]) -> None:
    """Remove elements, not the text after them."""
    for element in elements:
        if element.getparent() is not None:
            element.drop_tree()


def clear(elements: Iterable[Element]) -> None:
    """Take the content of elements out; they keep the place of the text after them."""
    for element in elements:
        element.clear(keep_tail=True)
        element.tag = "span"


def reveal(element: Element) -> None:
    """Show an element that a script would show."""
    for name in (*HIDING, "class"):
        element.attrib.pop(name, None)


def _outermost(tree: Element, test: Callable[[Element], bool]) -> list[Element]:
    outermost = []
    walk = etree.iterwalk(tree, events=("start",))
    for _, element in walk:
        if element.tag not in ("html", "body") and test(element):
            outermost.append(element)
            walk.skip_subtree()
    return outermost


def _is_consent(element: Element) -> bool:
    return element.tag == "amp-consent" or _CONSENT.search(id_and_class(element)) is not None


def _is_hidden(element: Element) -> bool:
    return is_hidden(
        element.get, lambda: next(element.iter("img", "picture", "video"), None) is not None
    )
