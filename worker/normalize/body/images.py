"""Pictures: real addresses, captions, and which ones do not belong to the article."""

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from urllib.parse import urlsplit

from turbohtml import Element

from worker.model import Image
from worker.normalize.strings import one_line_or_none
from worker.normalize.urls import web_address

# Where lazy-loading scripts keep the address (the common libraries' and some sites' own).
_LAZY = (
    *("data-original", "data-src", "data-lazy-src", "data-lazyload", "data-actualsrc"),
    *("data-echo", "data-url", "data-original-src", "_src", "real_src", "file"),
)
_LAZY_SETS = ("data-srcset", "data-lazy-srcset")
_OTHER_ADDRESSES = frozenset((*_LAZY, *_LAZY_SETS, "srcset"))
_PLACEHOLDER = re.compile(
    r"(?:^|[^a-z])(?:spacer|blank|placeholder|gr[ea]y|transparent|pixel|loading|lazy|empty|1x1)"
    r"[^/]*$",
    re.IGNORECASE,
)
_DRAWN = re.compile(r"\.(?:gif|svg)(?:[?#]|$)", re.IGNORECASE)
# Elements that are searched for one picture or caption: else time is quadratic.
_MAX_SOURCES = 10
_REACH = 100
_SYMBOL = re.compile(
    "[\u2190-\u2bff\u3030\u200d\u20e3\ufe0f\U0001f000-\U0001faff\U000e0020-\U000e007f]{1,16}"
    r"|\[[^\W\d_]{1,8}\]"
)
_SYMBOL_PATH = re.compile(r"emo(?:ji|t)|smil|face|expression|icon", re.IGNORECASE)
_PIXEL, _ICON = 2, 32  # pixels, as `width` and `height` give them
_PICTURE_PATH = re.compile(r"(?!//)[\w./%-]{1,300}\.(?:png|jpe?g|gif|webp|svg|avif)", re.IGNORECASE)
_DIGITS = re.compile(r"\s*(\d{1,5})(?:\.\d+)?\s*(?:px)?\s*", re.IGNORECASE)


def drawn_symbol(node: Element) -> str | None:
    """The emoji that a blog draws by an ``img`` (WordPress), or a face as Weibo's `[允悲]`."""
    alt = node.attr("alt") or ""
    is_symbol = _SYMBOL.fullmatch(alt) and _SYMBOL_PATH.search(node.attr("src") or "")
    return alt if is_symbol else None


def picture_of(node: Element, base: str | None, ignored: Iterable[str]) -> Image | None:
    """The picture of an ``img`` element; None for adverts, random covers, tracking pixels and
    those without an address that can be fetched."""
    address = _address(node, base) or (None if base else _path(node))
    if address is None or is_ignored(address, ignored):
        return None
    width, height = _pixels(node.attr("width")), _pixels(node.attr("height"))
    if (width is not None or height is not None) and _is_decoration(width, height):
        return None
    caption = one_line_or_none(node.attr("data-caption"))  # a page's, or a gallery's
    return Image(
        address, one_line_or_none(node.attr("alt")), caption, width or None, height or None
    )


def with_captions(
    pictures: Iterable[tuple[Element, Image]], captions: Iterable[tuple[Element, str]]
) -> tuple[Image, ...]:
    """The pictures in order, each address once, with their captions.

    A caption is for the pictures of its figure, else of its parent.
    """
    images = dict(pictures)
    by_picture: dict[Element, str] = {}
    by_holder: dict[Element, list[Element]] = {}
    for caption, text in captions:
        figure = caption.closest("figure")
        holder = figure or caption.parent
        if not text or not isinstance(holder, Element):
            continue
        if holder not in by_holder:
            by_holder[holder] = [node for node in holder.iter_elements("img") if node in images]
        targets = by_holder[holder]
        if figure is None and len(targets) > 1:  # a whole body is the parent
            before = islice(caption.previous_siblings, _REACH)
            targets = [node for node in before if isinstance(node, Element) and node in images][:1]
        for node in targets:
            by_picture.setdefault(node, text)
    by_url: dict[str, Image] = {}
    for node, image in images.items():
        captioned = replace(image, caption=by_picture[node]) if node in by_picture else image
        by_url.setdefault(image.url, captioned)
    return tuple(by_url.values())


def is_ignored(address: str, ignored: Iterable[str]) -> bool:
    for part in ignored:  # noqa: SIM110 - a third of the cost of `any`, four times an article
        if part in address:
            return True
    return False


def _is_decoration(width: int | None, height: int | None) -> bool:
    """Whether a picture of this size is a tracking pixel, a line or, as a small square, an icon. A
    formula is small, too, but no square."""
    is_thin = any(size and size <= _PIXEL for size in (width, height))
    return is_thin or (width is not None and width == height and width <= _ICON)


def _path(node: Element) -> str | None:
    """A picture's path beside its file, as written: in a post that has no address of its own."""
    src = (node.attr("src") or "").strip()
    return src if _PICTURE_PATH.fullmatch(src) else None


def _address(node: Element, base: str | None) -> str | None:
    """The address of an ``img``: a lazy-loading attribute or source set before ``src``, which then
    holds a placeholder; the largest of an ordinary source set, its own or of the ``picture`` around
    it, only where ``src`` is empty or looks like a placeholder beside it."""
    picture = node.closest("picture")
    if picture is None and _OTHER_ADDRESSES.isdisjoint(node.attrs):  # most pictures, 4 µs each
        return web_address(node.attr("src"), base)
    for name in _LAZY:
        value = node.attr(name)
        # Only what looks like an address: data-url can hold anything.
        if value and ("/" in value or "." in value) and (address := web_address(value, base)):
            return address
    sources = picture.iter_elements("source") if picture else ()
    holders = (node, *islice(sources, _MAX_SOURCES))
    if lazy := _from_sets(holders, _LAZY_SETS, base):
        return lazy
    source = web_address(node.attr("src"), base)
    listed = _from_sets(holders, ("srcset",), base)
    return listed if listed and (source is None or _is_placeholder(source, listed)) else source


def _from_sets(holders: Iterable[Element], names: Iterable[str], base: str | None) -> str | None:
    addresses = (
        web_address(_largest(value), base)
        for holder in holders
        for name in names
        if (value := holder.attr(name))
    )
    return next(filter(None, addresses), None)


def _is_placeholder(source: str, listed: str) -> bool:
    """Whether `src` stands in for the picture `listed`: by its name, or a drawing for a photo."""
    if _PLACEHOLDER.search(urlsplit(source).path):
        return not _PLACEHOLDER.search(urlsplit(listed).path)
    return bool(_DRAWN.search(source)) and not _DRAWN.search(listed)


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
    """`640` or `640px` as a number; None for `100%` and `auto`."""
    match = _DIGITS.fullmatch(text) if text else None
    return int(match[1]) if match else None
