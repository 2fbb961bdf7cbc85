"""A feed divided into its entries by its text, so that only new ones have to be parsed.

At a poll 49 of 50 entries are as they were: their text is compared, and only an outline of them is
parsed, without long texts. A feed whose text does not show where its entries begin and end, or that
is not well-formed, is parsed as a whole.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

from lxml import etree

from worker.formats.feed.namespaces import Element
from worker.formats.feed.sections import CLOSERS
from worker.formats.feed.tree import strict_root
from worker.formats.feed.xml_text import has_unusual_references, valid_characters
from worker.formats.sniff import prolog

_LONG = 4_000
"""Bytes beyond which a text is left out of the outline: no guid, address or title has them."""
_LONG_TEXT = re.compile(rf">[^<>]{{{_LONG},}}")


@dataclass(frozen=True, slots=True)
class Division:
    """The bytes of each entry, in order; and the feed with the long texts of entries left out."""

    entries: Sequence[bytes]
    outline: str


def divide(data: bytes, limit: int) -> Division | None:
    """`data`, in UTF-8, divided into at most `limit` entries, which are neither prefixed nor within
    another; None where that is not possible. Quoted entries, in CDATA or comments, are none."""
    text = data.decode("latin-1")  # a character a byte: markup is ASCII, and nothing is decoded
    root, declarations, position = prolog(text)
    if "<!entity" in declarations.lower():
        return None
    entries: list[bytes] = []
    outline: list[str] = []
    copied_to, begin = 0, -1
    tokens = _tokens("entry" if root == "feed" else "item")
    while match := tokens.search(text, position):
        tag, start, position = match[0], match.start(), match.end()
        if closer := CLOSERS.get(tag):
            end = _find(text, closer, position) + len(closer)
            if end < position:
                return None
            if begin >= 0 and end - position > _LONG:
                outline.append(text[copied_to:start])
                copied_to = end
            position = end
            continue
        is_end = tag.startswith("</")
        if tag == "<?" or is_end != (begin >= 0) or len(entries) >= limit:
            return None
        if is_end:
            entries.append(data[begin:position])
        begin = -1 if is_end else start
    if begin >= 0 or not entries:
        return None
    outline.append(text[copied_to:])
    short = _LONG_TEXT.sub(">", "".join(outline)).encode("latin-1")
    try:
        return Division(entries, short.decode())
    except UnicodeDecodeError:
        return None


def insert_entries(
    elements: list[Element], entries: Sequence[bytes], numbers: Sequence[int]
) -> bool:
    """Parse the `entries` of these numbers, and put each in the place of the element with its
    number, in `elements` and in their tree. False, and nothing is changed, if that is not
    possible."""
    parents = {element.getparent() for element in elements}
    if not numbers or len(parents) > 1:
        return not numbers
    parent = elements[0].getparent()
    assert parent is not None
    spaces = cast("dict[str, str]", parent.nsmap)  # the default has the key None
    opening = etree.tostring(etree.Element("entries", nsmap=spaces)).removesuffix(b"/>") + b">"
    data = b"".join((opening, *(entries[number] for number in numbers), b"</entries>"))
    # The outline has all tags, so it showed that they are safe; the parser itself refuses invalid
    # characters: to look for them here first took as long as to parse.
    root = None if has_unusual_references(data) else strict_root(data)
    if root is None:
        try:
            root = strict_root(valid_characters(data))
        except UnicodeDecodeError:
            return False
    if root is None or len(root) != len(numbers):
        return False
    for number, element in zip(numbers, list(root), strict=True):
        parent.replace(elements[number], element)
        elements[number] = element
    return True


_TRIES = 50


def _find(text: str, closer: str, position: int) -> int:
    """`text.find(closer, position)`. To search for one character takes a fifteenth of the time, so
    its first places are tried; a text may have many."""
    first = closer[0]
    for _ in range(_TRIES):
        position = text.find(first, position)
        if position < 0 or text.startswith(closer, position):
            return position
        position += 1
    return text.find(closer, position)


@cache
def _tokens(name: str) -> re.Pattern[str]:
    return re.compile(rf"<(?:!\[CDATA\[|!--|\?|{name}[\s>]|/{name}\s*>)", re.ASCII)
