"""The text of a feed as a tree: parsed strictly where it is well-formed, else after repairs.

Three steps, the next only where the one before fails: libxml2's strict parser; the same after a
bare `&`, an HTML entity or a `<` that opens nothing was escaped; a tolerant reader that closes what
was left open and keeps HTML in texts as it is. For well-formed text all three give one tree.
None of them skips what it does not understand.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from html.entities import html5

from lxml import etree

from worker.errors import Reason, Rejected
from worker.formats.feed.namespaces import UNDECLARED, VOID_ELEMENTS
from worker.formats.feed.sections import close_sections
from worker.formats.memory import check_memory

MAX_DEPTH = 256
"""Elements inside one another, as libxml2 has it; feeds have about 10."""

MAX_TAGS = 400_000
"""In a feed that is not well-formed: 1 s here. The largest of the sample feeds has 8,000."""

Element = etree._Element


@dataclass(frozen=True, slots=True)
class Tree:
    """A feed's root element. `is_cut`: the text ended within an entry."""

    root: Element
    is_cut: bool = False


def feed_tree(text: str, data: bytes) -> Tree:
    """The tree of `text`, which holds only characters that XML allows; `data` is the same in UTF-8.

    Raises Rejected: `malformed` where there is no element, `too_large` for too many broken ones.
    """
    if (root := strict_root(text, data)) is not None:
        return Tree(root)
    repaired = _escape_bare(close_sections(_escape_entities(text)))
    if (root := strict_root(repaired, repaired.encode())) is not None:
        return Tree(root)
    return _Tolerant().read(repaired)


def strict_root(text: str, data: bytes) -> Element | None:
    """The root element of `text`, in which HTML's named entities may be; None where it is not
    well-formed. `data` is `text` in UTF-8."""
    if (escaped := _escape_entities(text)) != text:
        data = escaped.encode()
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        check_memory(error)
        return None


# ── repairs ──────────────────────────────────────────────────────────────────────────────────

_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,31});")
_OPAQUE = re.compile(r"(<!\[CDATA\[.*?\]\]>|<!--.*?-->)", re.DOTALL)
_BARE_AMPERSAND = re.compile(r"&(?!(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos);)")
_ATTRIBUTES = r"""(?:\s+[\w:.-]{1,100}\s*=\s*(?:"[^"]{0,2000}"|'[^']{0,2000}'))"""
_TAG = re.compile(rf"<[A-Za-z_][\w:.-]{{0,100}}{_ATTRIBUTES}{{1,100}}+\s*(?:/?>|(?=<))")
_BARE_LESS = re.compile(r"<(?![A-Za-z_/!?])|<(?=[/!?]?[^<>]*(?:<|\Z))(?!!\[CDATA\[|!--)")


def _escape_entities(text: str) -> str:
    """HTML's named entities as their characters: XML has five of them."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    return html5.get(f"{match[1]};", f"&amp;{match[1]};")


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


# ── the tolerant reader ──────────────────────────────────────────────────────────────────────

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
class _Open:
    """An element that is not closed yet, the namespaces in force within it, and the place of the
    field that it is or is in, among the open elements."""

    name: str
    element: Element
    spaces: dict[str, str]
    field: int


class _Tolerant:
    """Builds a tree from any text: an end tag that fits no open element is left out, what is open
    when its parent ends, or when the next entry begins, is closed."""

    def __init__(self) -> None:
        self._root: Element | None = None
        self._open: list[_Open] = []
        self._texts: list[str] = []
        self._place: tuple[Element, Element | None] | None = None

    def read(self, text: str) -> Tree:
        if text.count("<") > MAX_TAGS:
            raise Rejected(
                Reason.TOO_LARGE,
                f"the feed is broken and has more than {MAX_TAGS} tags: correct or split it",
            )
        for match in _TOKEN.finditer(text):
            if match["start"] is not None:
                self._start(match["start"], match["attributes"])
            elif match["end"] is not None:
                self._end(match["end"])
            elif match["cdata"] is not None:
                self._text(match["cdata"])
            elif match["text"] is not None:
                self._text(_REFERENCE.sub(_decode, match["text"]))
        self._write_text()
        if self._root is None:
            raise Rejected(Reason.MALFORMED, "the feed has no element: check that it is whole")
        return Tree(self._root, is_cut=any(_local(item.name) in _ENTRIES for item in self._open))

    def _start(self, name: str, attributes: str) -> None:
        local = _local(name)
        if local in _ENTRIES:
            self._close_to_holder()
        elif self._open and local in _FIELDS:
            self._close_field(name, local)
        if self._root is not None and not self._open:
            return  # a second root: the feed has ended
        if len(self._open) >= MAX_DEPTH:
            return  # the text in it is kept
        opened = self._element(name, attributes)
        is_void = local in VOID_ELEMENTS and ":" not in name and self._is_in_text()
        if not attributes.rstrip().endswith("/") and not is_void:
            self._open.append(opened)

    def _element(self, name: str, text: str) -> _Open:
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
            tag: _REFERENCE.sub(_decode, value)
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
        return _Open(name, element, spaces, len(self._open) if is_field else self._open[-1].field)

    def _end(self, name: str) -> None:
        for depth in range(len(self._open) - 1, -1, -1):
            opened = self._open[depth].name
            if opened.lower() == name.lower():
                del self._open[depth:]
                return
            if _local(opened) in _ENTRIES and _local(name) not in _ENDS:
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
        opened = self._open[field].name.lower()
        is_own = opened.startswith("media:") and name.lower().startswith("media:")
        is_text = local in _NO_HTML and _local(opened) in _TEXTS
        if not is_own and (is_text or not _LEAVES.isdisjoint((_local(opened), opened))):
            del self._open[field:]

    def _is_in_text(self) -> bool:
        return any(_local(element.name) in _TEXTS for element in self._open)

    def _text(self, text: str) -> None:
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


def _decode(match: re.Match[str]) -> str:
    """A reference as its character; unchanged where HTML has none of that name."""
    if match[3]:
        return html5.get(f"{match[3]};", match[0])
    code = int(match[1]) if match[1] else int(match[2], 16)
    is_plane_0 = 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE
    is_allowed = code in (9, 10, 13) or is_plane_0 or 0x10000 <= code < 0x110000
    return chr(code) if is_allowed else "\ufffd"
