"""Lists of feeds as other readers write and read them: OPML 2.0 (opml.org/spec2.opml).

Folders are outlines around outlines; here a feed has tags instead.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lxml import etree

from worker.errors import UsageError
from worker.escape import printable

MAX_BYTES = 10_000_000
MAX_OF_ONE = 50
"""Tags of one feed."""
MAX_DEPTH = 50
MAX_OUTLINES = 100_000
MAX_TAGS = 400_000
"""Elements and ends of elements: a tree of ten million bytes of them would be 400 MB."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A feed of a list: what it is called, its address, and the folders it stands in."""

    title: str
    url: str
    tags: tuple[str, ...] = ()


def read_opml(data: bytes) -> tuple[Outline, ...]:
    """The feeds of an OPML file, each address once, with the tags of all its places.

    Tags are the titles of the outlines around a feed, from the outside in, then the parts of its
    `category`. What is broken is mended where that can be; an address that cannot be polled is
    given as it is, for whoever takes the list to say so. Raises UsageError for a file without any
    feed, and beyond the limits above.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"the OPML file is larger than {MAX_BYTES // 1_000_000} MB: split it")
    if data.count(b"<") > MAX_TAGS:
        raise UsageError("the OPML file has more tags than any list of feeds: split it")
    first: dict[str, Outline] = {}
    tags: dict[str, dict[str, None]] = {}
    for outline in _outlines(_tree(data)):
        first.setdefault(outline.url, outline)
        told = tags.setdefault(outline.url, {})
        for tag in outline.tags[: MAX_OF_ONE - len(told)]:
            told[tag] = None
    if not first:
        raise UsageError(
            'there is no feed in this file: an OPML list has <outline xmlUrl="https://…"/>; '
            "export it from the other reader again"
        )
    return tuple(replace(one, tags=_unique(tags[url])) for url, one in first.items())


def write_opml(outlines: Iterable[Outline], title: str) -> bytes:
    """An OPML 2.0 document in UTF-8: a folder for a feed's first tag, its other tags as `category`.

    A tag that `category` would split (at a comma or a slash) is a folder within that one.
    """
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = _fit(title)
    body = etree.SubElement(root, "body")
    folders: dict[tuple[str, ...], etree._Element] = {(): body}
    for outline in outlines:
        tags = _unique(outline.tags)
        path = (*tags[:1], *(tag for tag in tags[1:] if _SPLIT.search(tag)))[: MAX_DEPTH - 1]
        others = [tag for tag in tags if tag not in path]
        for depth in range(1, len(path) + 1):
            if path[:depth] not in folders:
                name = path[depth - 1]
                parent = folders[path[: depth - 1]]
                folders[path[:depth]] = etree.SubElement(parent, "outline", text=name, title=name)
        name = _fit(outline.title) or _fit(outline.url)
        feed = etree.SubElement(folders[path], "outline", type="rss", text=name, title=name)
        feed.set("xmlUrl", _fit(outline.url))
        if others:
            feed.set("category", ",".join(others))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


_SPLIT = re.compile(r"[,/]")
_UNFIT = re.compile(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AMPERSAND = re.compile(rb"&(?!(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);)")
_HUGE_TAG = re.compile(rb"<[^<!?/][^<]{4000,}")
_MAX_ATTRIBUTES = 1_000
_FEED_SCHEME = re.compile(r"feed:(?://)?(?=https?://)", re.IGNORECASE)


def _tree(data: bytes) -> etree._Element | None:
    """The root element, or None where there is none at all."""
    # libxml2 is quadratic in them; text between tags, which a list has little of, counts too.
    if any(tag.count(b"=") > _MAX_ATTRIBUTES for tag in _HUGE_TAG.findall(data)):
        raise UsageError(f"an outline has more than {_MAX_ATTRIBUTES} attributes: remove them")
    if b"<!entity" in data.replace(b"\x00", b"").lower():  # in UTF-16, too
        raise UsageError("the OPML file declares XML entities: remove its DOCTYPE")
    if b"\x00" not in data:  # in UTF-16 the bytes of a sign tell nothing
        # Many readers write addresses with a bare `&`; libxml2 would drop what follows it.
        data = _AMPERSAND.sub(b"&amp;", data).lstrip()
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError) as error:
        raise UsageError(
            f"this is no OPML file ({printable(str(error), 120)}): export the list again"
        ) from error


def _outlines(root: etree._Element | None) -> Iterator[Outline]:
    """Every feed of the tree; walked with a stack of its own, in the file's order."""
    waiting: list[tuple[etree._Element, tuple[str, ...], int]] = []
    if root is not None:
        waiting.append((root, (), 0))
    seen = 0
    while waiting:
        element, folders, depth = waiting.pop()
        inside = folders
        if _name(element) == "outline":
            seen += 1
            depth += 1
            if seen > MAX_OUTLINES:
                raise UsageError(f"the OPML file has more than {MAX_OUTLINES} outlines: split it")
            if depth > MAX_DEPTH:
                raise UsageError(f"the OPML file nests more than {MAX_DEPTH} outlines: flatten it")
            said = {str(key).lower(): _fit(str(value)) for key, value in element.attrib.items()}
            title = said.get("title") or said.get("text") or ""
            address = said.get("xmlurl", "")
            if url := _mended(address):
                tags = _unique((*folders, *_SPLIT.split(said.get("category", ""))))
                yield Outline(title or url, url, tags)
            elif title:
                inside = (*folders, title)
        waiting.extend((child, inside, depth) for child in reversed(element) if _name(child))


def _name(element: etree._Element) -> str:
    """The local name in lower case; empty for comments and the like."""
    tag: object = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _mended(address: str) -> str:
    """`feed://` is how some readers write `http://`; whether it can be polled, others judge."""
    address = _FEED_SCHEME.sub("", address, count=1)
    return f"http://{address[7:]}" if address[:7].lower() == "feed://" else address


def _fit(text: str) -> str:
    """`text` on one line, without what XML cannot hold."""
    return " ".join(_UNFIT.sub(" ", text).split())


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(_fit, names))))
