"""Pictures: which address is the real one, and which are no pictures of the article."""

import re
from collections.abc import Iterable, Iterator

from lxml import etree

from worker.model import Image
from worker.normalize.strings import line_or_none
from worker.normalize.urls import web_address

# Where scripts that load pictures late keep the address (the common libraries' and sites' own).
_LAZY = (
    "data-original",
    "data-src",
    "data-lazy-src",
    "data-lazyload",
    "data-actualsrc",
    "data-echo",
    "data-url",
    "data-original-src",
    "_src",
    "real_src",
    "file",
)
_LAZY_SETS = ("data-srcset", "data-lazy-srcset", "srcset")
_DIGITS = re.compile(r"\s*(\d{1,5})(?:\.\d+)?\s*(?:px)?\s*", re.IGNORECASE)


def picture_of(node: etree._Element, base: str | None, ignored: Iterable[str]) -> Image | None:
    """The picture of an ``img`` element; None for adverts, random covers, tracking pixels and
    those without an address that can be fetched."""
    address = address_of(node, base)
    if address is None or is_ignored(address, ignored):
        return None
    width, height = _pixels(node.get("width")), _pixels(node.get("height"))
    if width == 1 and height == 1:  # counts readers, shows nothing
        return None
    return Image(address, line_or_none(node.get("alt")), None, width, height)


def address_of(node: etree._Element, base: str | None) -> str | None:
    """The address of an ``img``: a lazy-loading attribute before ``src``, which then holds a
    placeholder; else the largest of a source set, its own or of the ``picture`` around it."""
    for name in _LAZY:
        found = node.get(name)
        # Of these attributes only what looks like an address: data-url can hold anything.
        if found and ("/" in found or "." in found) and (found := web_address(found, base)):
            return found
    source = web_address(node.get("src"), base)
    if source:
        return source
    for holder in (node, *_sources(node)):
        for name in _LAZY_SETS:
            if found := web_address(_largest(holder.get(name)), base):
                return found
    return None


def _sources(node: etree._Element) -> Iterator[etree._Element]:
    """The sources of the ``picture`` around `node`. To libxml2 ``source`` is no void element: it
    puts what follows into it."""
    around = node.getparent()
    while around is not None and around.tag in {"picture", "source"}:
        if around.tag == "source":
            yield around
        yield from around.iterchildren("source")
        around = around.getparent()


def is_ignored(address: str, ignored: Iterable[str]) -> bool:
    return any(part in address for part in ignored)


def _largest(source_set: str | None) -> str | None:
    """The address with the highest width or density: `a.jpg 1x, b.jpg 2x` → `b.jpg`."""
    best, best_size = None, -1.0
    for candidate in re.split(r",\s+", source_set or ""):
        address, _, size = candidate.strip().partition(" ")
        try:
            value = float(size.strip(" wxh,") or 1)
        except ValueError:
            value = 0.0
        if address and value > best_size:
            best, best_size = address, value
    return best


def _pixels(text: str | None) -> int | None:
    """`640` or `640px` as a number; `100%`, `auto` and 0 say nothing."""
    match = _DIGITS.fullmatch(text) if text else None
    return int(match[1]) or None if match else None
