"""Pictures: their real addresses, and which are no pictures of the article."""

import re
from collections.abc import Iterable, Iterator

from worker.model import Image
from worker.normalize.strings import one_line_or_none
from worker.normalize.tree import Node
from worker.normalize.urls import web_address

# Where lazy-loading scripts keep the address (the common libraries' and some sites' own).
_LAZY = (
    *("data-original", "data-src", "data-lazy-src", "data-lazyload", "data-actualsrc"),
    *("data-echo", "data-url", "data-original-src", "_src", "real_src", "file"),
)
_LAZY_SETS = ("data-srcset", "data-lazy-srcset", "srcset")
_DIGITS = re.compile(r"\s*(\d{1,5})(?:\.\d+)?\s*(?:px)?\s*", re.IGNORECASE)


def picture_of(node: Node, base: str | None, ignored: Iterable[str]) -> Image | None:
    """The picture of an ``img`` element; None for adverts, random covers, tracking pixels and
    those without an address that can be fetched."""
    address = _address(node, base)
    if address is None or is_ignored(address, ignored):
        return None
    width, height = _pixels(node.get("width")), _pixels(node.get("height"))
    if width == 1 and height == 1:  # a tracking pixel
        return None
    return Image(address, one_line_or_none(node.get("alt")), None, width, height)


def is_ignored(address: str, ignored: Iterable[str]) -> bool:
    return any(part in address for part in ignored)


def _address(node: Node, base: str | None) -> str | None:
    """The address of an ``img``: a lazy-loading attribute before ``src``, which then holds a
    placeholder; else the largest of a source set, its own or of the ``picture`` around it."""
    for name in _LAZY:
        value = node.get(name)
        # Only what looks like an address: data-url can hold anything.
        if value and ("/" in value or "." in value) and (address := web_address(value, base)):
            return address
    if source := web_address(node.get("src"), base):
        return source
    for holder in (node, *_sources(node)):
        for name in _LAZY_SETS:
            if address := web_address(_largest(holder.get(name)), base):
                return address
    return None


def _sources(node: Node) -> Iterator[Node]:
    """The sources of the ``picture`` around `node`. To libxml2 ``source`` is no void element: it
    becomes the parent of what follows."""
    around = node.getparent()
    while around is not None and around.tag in {"picture", "source"}:
        if around.tag == "source":
            yield around
        yield from around.iterchildren("source")
        around = around.getparent()


def _largest(source_set: str | None) -> str | None:
    """The address with the highest width or density: `a.jpg 1x, b.jpg 2x` → `b.jpg`."""
    best, best_size = None, -1.0
    for candidate in re.split(r",\s+", source_set or ""):
        address, _, descriptor = candidate.strip().partition(" ")
        try:
            size = float(descriptor.strip(" wxh,") or 1)
        except ValueError:
            size = 0.0
        if address and size > best_size:
            best, best_size = address, size
    return best


def _pixels(text: str | None) -> int | None:
    """`640` or `640px` as a number; None for `100%`, `auto` and 0."""
    match = _DIGITS.fullmatch(text) if text else None
    return int(match[1]) or None if match else None
