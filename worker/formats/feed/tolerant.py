"""The tolerant reader of feeds: a tree of any text, with HTML in it as it is written.

An end tag that fits no open element is left out; what is open when its parent ends, or when the
next entry begins, is closed.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from html.entities import html5

from lxml import etree

from worker.errors import Reason, Rejected
from worker.formats.feed.namespaces import UNDECLARED, VOID_ELEMENTS, Element

MAX_DEPTH = 256
"""Elements inside one another, as libxml2 has it; feeds have about 10."""

MAX_TAGS = 400_000
"""In one feed: 1 s here. The largest of the sample feeds has 8,000."""


def read_tolerantly(text: str) -> tuple[Element, bool]:
    """The root element of `text`, and whether the text ended within an entry.

    Raises Rejected: `malformed` where there is no element, `too_large` for more than MAX_TAGS.
    """
    if text.count("<") > MAX_TAGS:
        raise Rejected(
            Reason.TOO_LARGE,
            f"the feed is broken and has more than {MAX_TAGS} tags: correct or split it",
        )
    builder = _Builder()
    for match in _TOKEN.finditer(text):
        if match["start"] is not None:
            builder.start(match["start"], match["attributes"])
        elif match["end"] is not None:
            builder.end(match["end"])
        elif match["cdata"] is not None:
            builder.text(match["cdata"])
        elif match["text"] is not None:
            builder.text(_REFERENCE.sub(_character, match["text"]))
    root = builder.close()
    if root is None:
        raise Rejected(Reason.MALFORMED, "the feed has no element: check that it is whole")
    return root, builder.is_in_entry


_TOKEN = re.compile(
    r"<!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<\?[^<]*?\?>|<[?!][A-Za-z][^>]*>"
    r"|</(?P<end>[^\s<>/]+)[^<>]*>"
    r"|<(?P<start>[A-Za-z_][^\s<>/]*)(?P<attributes>(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)>"
    r"|(?P<text>[^<]+|<)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([^\s=\"'<>/]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>]+))")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));")
_PREFIX = re.compile(r"[A-Za-z_][\w.-]*\Z", re.ASCII)
_LOCAL = re.compile(r"[A-Za-z_][\w.-]*\Z", re.ASCII)
_ENTRIES = frozenset(("item", "entry"))
_HOLDERS = frozenset(("channel", "feed", "rss", "rdf"))
_ENDS = _ENTRIES | _HOLDERS
"""End tags that close an entry although elements in it are open."""
_TEXTS = frozenset(
    ("title", "description", "summary", "content", "encoded", "body", "div", "subtitle", "tagline")
)
"""Elements whose text may be HTML: there a `<br>` closes itself."""
_LEAVES = frozenset(
    [
        *("enclosure", "link", "guid", "id", "pubdate", "published", "updated", "date", "category"),
        *("creator", "comments", "thumbnail", "media:content", "title"),
    ]
)
"""Elements of an entry that hold no other, but where an end tag is missing: `media:content` only
its own kind."""
_FIELDS = (_LEAVES | _TEXTS | {"author"}) - {"div", "body"}
_NO_HTML = _FIELDS - {"link", "title", "summary", "date", "content"}
"""Elements that no text holds: an end tag is missing before one."""


@dataclass(slots=True)
class _OpenElement:
    """An element that is not closed yet, the namespaces in force within it, and the place of the
    field that it is or is in, among the open elements."""

    name: str
    element: Element
    spaces: dict[str, str]
    field: int


class _Builder:
    """Builds the tree from tags and texts in their order."""

    def __init__(self) -> None:
        self._root: Element | None = None
        self._open: list[_OpenElement] = []
        self._texts: list[str] = []
        self._place: tuple[Element, Element | None] | None = None

    @property
    def is_in_entry(self) -> bool:
        return any(_local(item.name) in _ENTRIES for item in self._open)

    def close(self) -> Element | None:
        """The root element, if there is one."""
        self._write_text()
        return self._root

    def start(self, name: str, attributes: str) -> None:
        local = _local(name)
        if local in _ENTRIES:
            self._close_to_holder()
        elif self._open and local in _FIELDS:
            self._close_field(name, local)
        if self._root is not None and not self._open:
            return  # a second root: the feed has ended
        if len(self._open) >= MAX_DEPTH:
            return  # the text in it is kept
        new = self._element(name, attributes)
        is_void = local in VOID_ELEMENTS and ":" not in name and self._is_in_text()
        if not attributes.rstrip().endswith("/") and not is_void:
            self._open.append(new)

    def _element(self, name: str, text: str) -> _OpenElement:
        pairs = {
            match[1]: match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(text)
        }
        spaces = self._open[-1].spaces if self._open else {}
        declared = {
            prefix: value.strip()
            for key, value in pairs.items()
            if (prefix := _declared_prefix(key)) is not None and _is_namespace(value.strip())
        }
        spaces = {**spaces, **declared} if declared else spaces
        attributes = {
            tag: _REFERENCE.sub(_character, value)
            for key, value in pairs.items()
            if not key.startswith("xmlns") and (tag := _qualified(key, spaces, ""))
        }
        tag = _qualified(name, spaces, spaces.get("", "")) or "unnamed"
        element = etree.Element(tag, attributes)
        if self._open:
            self._open[-1].element.append(element)
        else:
            self._root = element
        is_field = not self._open or _local(self._open[-1].name) in _ENDS
        return _OpenElement(
            name, element, spaces, len(self._open) if is_field else self._open[-1].field
        )

    def end(self, name: str) -> None:
        for depth in range(len(self._open) - 1, -1, -1):
            open_name = self._open[depth].name
            if open_name.lower() == name.lower():
                del self._open[depth:]
                return
            if _local(open_name) in _ENTRIES and _local(name) not in _ENDS:
                return  # HTML that ends more than it began closes no entry

    def _close_to_holder(self) -> None:
        """An entry is a child of the feed: open elements within the feed were not closed."""
        for depth in range(len(self._open) - 1, -1, -1):
            if _local(self._open[depth].name) in _HOLDERS:
                del self._open[depth + 1 :]
                return

    def _close_field(self, name: str, local: str) -> None:
        """Close the field around, where it cannot hold the element `name`."""
        field = self._open[-1].field
        open_name = self._open[field].name.lower()
        is_own = open_name.startswith("media:") and name.lower().startswith("media:")
        is_text = local in _NO_HTML and _local(open_name) in _TEXTS
        if not is_own and (is_text or not _LEAVES.isdisjoint((_local(open_name), open_name))):
            del self._open[field:]

    def _is_in_text(self) -> bool:
        return any(_local(element.name) in _TEXTS for element in self._open)

    def text(self, text: str) -> None:
        if not self._open:
            return
        element = self._open[-1].element
        place = element, next(element.iterchildren(reversed=True), None)
        if place != self._place:
            self._write_text()
            self._place = place
        self._texts.append(text)

    def _write_text(self) -> None:
        """Each text once: one that grows part by part costs the square of its length."""
        text = "".join(self._texts)
        self._texts.clear()
        if self._place is not None:
            element, before = self._place
            if before is None:
                element.text = text
            else:
                before.tail = text


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _declared_prefix(attribute: str) -> str | None:
    """The prefix that an attribute declares, empty for the default; None for another attribute."""
    if attribute == "xmlns":
        return ""
    prefix = attribute.removeprefix("xmlns:")
    return prefix if prefix != attribute and _PREFIX.match(prefix) else None


@lru_cache(maxsize=256)
def _is_namespace(address: str) -> bool:
    """Whether libxml2 accepts an address as a namespace (RFC 3986)."""
    try:
        etree.Element(f"{{{address}}}name")
    except ValueError:
        return False
    return bool(address)


def _qualified(name: str, spaces: dict[str, str], default: str) -> str | None:
    """`{address}local` of a name as written; None for a name that XML does not allow."""
    prefix, colon, local = name.rpartition(":")
    if not _LOCAL.match(local):
        return None
    address = default
    if colon:
        address = spaces.get(prefix) or UNDECLARED.get(prefix.lower(), "urn:undeclared")
    return f"{{{address}}}{local}" if address else local


def _character(match: re.Match[str]) -> str:
    """A reference as its character; unchanged where HTML has none of that name."""
    if match[3]:
        return html5.get(f"{match[3]};", match[0])
    code = int(match[1]) if match[1] else int(match[2], 16)
    is_plane_0 = 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE
    is_allowed = code in (9, 10, 13) or is_plane_0 or 0x10000 <= code < 0x110000
    return chr(code) if is_allowed else "\ufffd"
