"""Reading and writing lists of feeds of other readers: OPML 2.0 (opml.org/spec2.opml).

OPML nests outlines as folders; here a feed has tags instead.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lxml import etree

from worker.errors import UsageError
from worker.escape import printable

MAX_BYTES = 10_000_000
MAX_TAGS = 50
"""Tags of one feed."""
MAX_DEPTH = 50
MAX_OUTLINES = 100_000
MAX_MARKUP = 400_000
"""Start tags and end tags: a tree of ten million bytes of them would be 400 MB."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A feed of a list. `tags` are the titles of the folders around it and its categories."""

    title: str
    url: str
    tags: tuple[str, ...] = ()


def read_opml(data: bytes) -> tuple[Outline, ...]:
    """The feeds of an OPML file, each address once, with the tags of all its occurrences.

    Tags are the titles of the outlines around a feed, the outermost first, then the parts of its
    `category`. Ill-formed XML is repaired if possible. Addresses are not checked. Raises UsageError
    for a file without feeds, and beyond the limits above.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"the OPML file is larger than {MAX_BYTES // 1_000_000} MB: split it")
    if data.count(b"<") > MAX_MARKUP:
        raise UsageError("the OPML file has too much markup for a list of feeds: split it")
    feeds: dict[str, Outline] = {}
    for outline in _outlines(_parse(data)):
        first = feeds.setdefault(outline.url, outline)
        new_tags = outline.tags[: MAX_TAGS - len(first.tags)]
        feeds[outline.url] = replace(
            first, tags=tuple(dict.fromkeys((*first.tags, *new_tags)))[:MAX_TAGS]
        )
    if not feeds:
        raise UsageError(
            'this file has no feeds: an OPML list has <outline xmlUrl="https://…"/>; '
            "export it from the other reader again"
        )
    return tuple(feeds.values())


def write_opml(outlines: Iterable[Outline], title: str) -> bytes:
    """An OPML 2.0 document in UTF-8: a folder for a feed's first tag, its other tags as `category`.

    A tag that `category` would split (at a comma or a slash) becomes a folder within that one.
    """
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = _one_line(title)
    body = etree.SubElement(root, "body")
    folders: dict[tuple[str, ...], etree._Element] = {(): body}
    for outline in outlines:
        tags = _unique(outline.tags)
        path = (*tags[:1], *(tag for tag in tags[1:] if _SPLIT.search(tag)))[: MAX_DEPTH - 1]
        other_tags = [tag for tag in tags if tag not in path]
        for depth in range(1, len(path) + 1):
            if path[:depth] not in folders:
                name = path[depth - 1]
                parent = folders[path[: depth - 1]]
                folders[path[:depth]] = etree.SubElement(parent, "outline", text=name, title=name)
        name = _one_line(outline.title) or _one_line(outline.url)
        feed = etree.SubElement(folders[path], "outline", type="rss", text=name, title=name)
        feed.set("xmlUrl", _one_line(outline.url))
        if other_tags:
            feed.set("category", ",".join(other_tags))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


_SPLIT = re.compile(r"[,/]")
_INVALID_XML = re.compile(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AMPERSAND = re.compile(rb"&(?!(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);)")
_HUGE_TAG = re.compile(rb"<[^<!?/][^<]{4000,}")
_MAX_ATTRIBUTES = 1_000
_FEED_SCHEME = re.compile(r"feed:(?://)?(?=https?://)", re.IGNORECASE)


def _parse(data: bytes) -> etree._Element | None:
    """The root element; None if there is none."""
    # libxml2 is quadratic in attributes. Text between tags counts too; a list has little of it.
    if any(tag.count(b"=") > _MAX_ATTRIBUTES for tag in _HUGE_TAG.findall(data)):
        raise UsageError(f"an outline has more than {_MAX_ATTRIBUTES} attributes: remove them")
    if b"<!entity" in data.replace(b"\x00", b"").lower():  # in UTF-16, too
        raise UsageError("the OPML file declares XML entities: remove its DOCTYPE")
    if b"\x00" not in data:  # not UTF-16, where a byte is not a character
        # Many readers write addresses with a bare `&`; libxml2 would drop the text after it.
        data = _AMPERSAND.sub(b"&amp;", data).lstrip()
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError) as error:
        raise UsageError(
            f"this is not an OPML file ({printable(str(error), 120)}): export the list again"
        ) from error


def _outlines(root: etree._Element | None) -> Iterator[Outline]:
    """Every feed of the tree in the file's order; without recursion, for any depth."""
    stack: list[tuple[etree._Element, tuple[str, ...], int]] = []
    if root is not None:
        stack.append((root, (), 0))
    count = 0
    while stack:
        element, folders, depth = stack.pop()
        inside = folders
        if _name(element) == "outline":
            count += 1
            depth += 1
            if count > MAX_OUTLINES:
                raise UsageError(f"the OPML file has more than {MAX_OUTLINES} outlines: split it")
            if depth > MAX_DEPTH:
                raise UsageError(f"the OPML file nests more than {MAX_DEPTH} outlines: flatten it")
            values = {
                str(key).lower(): _one_line(str(value)) for key, value in element.attrib.items()
            }
            title = values.get("title") or values.get("text") or ""
            if url := _replace_feed_scheme(values.get("xmlurl", "")):
                tags = _unique((*folders, *_SPLIT.split(values.get("category", ""))))
                yield Outline(title or url, url, tags)
            elif title:
                inside = (*folders, title)
        stack.extend((child, inside, depth) for child in reversed(element) if _name(child))


def _name(element: etree._Element) -> str:
    """The local name in lower case; empty for comments and the like."""
    tag: object = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _replace_feed_scheme(address: str) -> str:
    """Some readers write `feed://` for `http://`, or `feed:` before the address."""
    address = _FEED_SCHEME.sub("", address, count=1)
    return f"http://{address[7:]}" if address[:7].lower() == "feed://" else address


def _one_line(text: str) -> str:
    """`text` on one line, without characters that XML forbids."""
    return " ".join(_INVALID_XML.sub(" ", text).split())


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(_one_line, names))))
