"""The layout of elements: those that begin a line, the cells that share one, the headings; and
which are not shown, by one rule for whole pages and bodies."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from turbohtml import Element

HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
CELLS = frozenset(("td", "th"))
BLOCKS = HEADINGS | {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details",
    "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form",
    "header", "hgroup", "hr", "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "search",
    "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
}  # fmt: skip
"""The block elements of the HTML standard's rendering section (15.3), without table cells, which
share a line. All other elements, unknown ones too, are inline."""

_STYLE = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_CLASSES = frozenset(  # Bootstrap's, WordPress', Foundation's, BBC's and GOV.UK's for one thing
    [
        "sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screen-reader-only",
        "screenreader-only", "screen-reader", "show-for-sr", "a11y-hidden", "hidden-visually",
        "u-visually-hidden", "u-hidden-visually", "govuk-visually-hidden", "assistive-text",
        "element-invisible", "clip-text", "off-screen", "offscreen",
    ]
)  # fmt: skip
_CANDIDATES = '[hidden],[aria-hidden],[style*="none" i],[style*="hidden" i]'


def is_hidden(attribute: Callable[[str], str | None], has_picture: Callable[[], bool]) -> bool:
    """Whether an element is not shown: by `hidden`, its style, or a class for screen readers alone.

    What is hidden from screen readers is an icon or a repetition, but a picture may be decoration.
    """
    hidden = attribute("hidden")
    if hidden is not None and hidden.lower() != "until-found":
        return True
    if _STYLE.search(attribute("style") or ""):
        return True
    if not _CLASSES.isdisjoint((attribute("class") or "").lower().split()):
        return True
    return (attribute("aria-hidden") or "").lower() == "true" and not has_picture()


def hidden_in(root: Element, by_class: Mapping[str, Sequence[Element]]) -> Iterator[Element]:
    """The hidden elements of a body. To look for their words in its source first costs ten times
    what `select` does."""
    for name in _CLASSES & by_class.keys():
        yield from by_class[name]
    for node in root.select(_CANDIDATES):
        if is_hidden(node.attr, lambda node=node: _has_picture(node)):  # type: ignore[misc]
            yield node


def _has_picture(node: Element) -> bool:
    return next(iter(node.select("img,picture,video")), None) is not None
