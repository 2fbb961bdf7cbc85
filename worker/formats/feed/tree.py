"""The text of a feed as a tree: parsed strictly where it is well-formed, else after repairs.

Three steps, the next only where the one before fails: libxml2's strict parser; the same after a
bare `&`, an HTML entity or a `<` that opens nothing was escaped; the tolerant reader
(:mod:`worker.formats.feed.tolerant`). For well-formed text all three give one tree. None of them
skips what it does not understand.
"""

import re
from dataclasses import dataclass
from html.entities import html5

from lxml import etree

from worker.formats.feed.namespaces import Element
from worker.formats.feed.sections import close_sections
from worker.formats.feed.tolerant import read_tolerantly
from worker.formats.memory import check_memory


@dataclass(frozen=True, slots=True)
class Tree:
    """A feed's root element. `is_cut`: the text ended within an entry."""

    root: Element
    is_cut: bool = False


def feed_tree(data: bytes) -> Tree:
    """The tree of `data`, in UTF-8, which holds only characters that XML allows.

    Raises Rejected: `malformed` where there is no element, `too_large` for too many broken ones.
    """
    if (root := strict_root(data)) is not None:
        return Tree(root)
    repaired = _escape_bare(close_sections(_escape_entities(data).decode()))
    if (root := strict_root(repaired.encode())) is not None:
        return Tree(root)
    return Tree(*read_tolerantly(repaired))


def strict_root(data: bytes) -> Element | None:
    """The root element of `data`, in UTF-8, in which HTML's named entities may be; None where it is
    not well-formed."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )
    try:
        return etree.fromstring(_escape_entities(data), parser)
    except etree.XMLSyntaxError as error:
        check_memory(error)
        return None


_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,31});")
_OPAQUE = re.compile(r"(<!\[CDATA\[.*?\]\]>|<!--.*?-->)", re.DOTALL)
_BARE_AMPERSAND = re.compile(r"&(?!(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos);)")
_ATTRIBUTES = r"""(?:\s+[\w:.-]{1,100}\s*=\s*(?:"[^"]{0,2000}"|'[^']{0,2000}'))"""
_TAG = re.compile(rf"<[A-Za-z_][\w:.-]{{0,100}}{_ATTRIBUTES}{{1,100}}+\s*(?:/?>|(?=<))")
_BARE_LESS = re.compile(r"<(?![A-Za-z_/!?])|<(?=[/!?]?[^<>]*(?:<|\Z))(?!!\[CDATA\[|!--)")


def _escape_entities(data: bytes) -> bytes:
    """HTML's named entities as their characters: XML has five of them."""
    return _ENTITY.sub(_character, data)


def _character(match: re.Match[bytes]) -> bytes:
    name = match[1].decode()
    return html5.get(f"{name};", f"&amp;{name};").encode()


def _escape_bare(text: str) -> str:
    """`&` and `<` that open nothing, escaped outside CDATA and comments; tags that are not closed
    before the next one, closed."""
    parts = _OPAQUE.split(text)
    for number in range(0, len(parts), 2):
        part = _BARE_AMPERSAND.sub("&amp;", _TAG.sub(_whole_tag, parts[number]))
        parts[number] = _BARE_LESS.sub("&lt;", part)
    return "".join(parts)


def _whole_tag(match: re.Match[str]) -> str:
    inside = match[0][1:].replace("<", "&lt;")
    return f"<{inside}" if inside.endswith(">") else f"<{inside}>"
