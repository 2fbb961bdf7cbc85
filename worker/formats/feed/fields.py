"""The children of a feed's or an entry's element, by name; and the values that RSS, Atom and their
common modules share."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from urllib.parse import urljoin

from worker.formats.feed.markup import markup_in, text_in
from worker.formats.feed.namespaces import Element, name_of
from worker.formats.values import clean, listed_names, person_name
from worker.model import Attachment, DateText, Person

MAX_CHILDREN = 20_000
"""Children of one entry that are examined: 9 MB of `<category/>` are a million of them."""

MAX_ATTACHMENTS = 100
_IANA = "http://www.iana.org/assignments/relation/"  # the long form, RFC 4287, 4.2.7.2
_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
IMAGE_NAME = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|bmp|svg)(?:\?|$)", re.IGNORECASE)
_MEDIA_NAME = re.compile(
    r"\.(?:mp[34]|m4[av]|aac|flac|og[agv]|opus|wav|mov|mkv|webm)(?:\?|$)", re.IGNORECASE
)


@dataclass(frozen=True)
class Fields:
    """An element with its children by name (:func:`worker.formats.feed.namespaces.name_of`).

    `base` is the address that its relative links are resolved against, None if none is declared.
    """

    element: Element
    base: str | None
    default: str = ""
    """The prefix of names without one: `atom:` in an Atom feed."""

    @cached_property
    def children(self) -> Mapping[str, list[Element]]:
        by_name: dict[str, list[Element]] = {}
        for child in islice(self.element, MAX_CHILDREN):
            by_name.setdefault(name_of(child.tag).removeprefix(self.default), []).append(child)
        return by_name

    def all(self, *names: str) -> Iterator[Element]:
        """Children of these names, name by name, each in document order."""
        children = self.children
        return (child for name in names if name in children for child in children[name])

    def in_order(self, *names: str) -> Iterator[tuple[str, Element]]:
        """Children of these names with their names, in document order."""
        for child in islice(self.element, MAX_CHILDREN):
            name = name_of(child.tag).removeprefix(self.default)
            if name in names:
                yield name, child

    def first(self, *names: str) -> Element | None:
        """The first child, by name and then by place, that is not empty."""
        children = self.children
        for name in names:
            for child in children.get(name, ()):
                if len(child) or ((text := child.text) and not text.isspace()):
                    return child
        return None

    def markup(self, *names: str) -> tuple[str, Element | None]:
        """The content of that child as HTML source, and the child."""
        for child in self.all(*names):
            if value := markup_in(child):
                return value, child
        return "", None

    def text(self, *names: str) -> str | None:
        """The text of that child; None where there is none."""
        element = self.first(*names)
        return clean(text_in(element)) or None if element is not None else None

    def address(self, link: str | None, element: Element | None = None) -> str | None:
        """`link` made absolute by the `xml:base` of the child `element`, or the base of all."""
        link = clean(link or "").strip().replace("&amp;", "&")  # escaped twice
        if not link:
            return None
        child_base = element.get(_XML_BASE) if element is not None else None
        return resolve_if_possible(
            resolve_if_possible(self.base, child_base) if child_base else self.base, link
        )


def base_of(element: Element, base: str | None) -> str | None:
    """The base in force within `element`: its `xml:base` and those of its ancestors, outermost
    first, over `base`."""
    bases = [
        value
        for node in (element, *element.iterancestors())
        if (value := (node.get(_XML_BASE) or "").strip())
    ]
    for value in reversed(bases):
        base = resolve_if_possible(base, value)
    return base


def declared_base(element: Element, outer: str | None) -> str | None:
    """The same over `outer`; None where no `xml:base` says one."""
    return base_of(element, outer) if base_of(element, None) else None


def language_of(element: Element) -> str | None:
    """The nearest `xml:lang`; empty where that takes back an outer one (XML 1.0, 2.12)."""
    for node in (element, *element.iterancestors()):
        if (language := node.get(_XML_LANG)) is not None:
            return language.strip().replace("_", "-")
    return None


def resolve_if_possible(base: str | None, link: str) -> str:
    """`link` absolute where `base` allows it; unchanged where it is not an address."""
    host, slash, _ = link.lower().partition("/")
    if host[:4] == "www." or (slash and host and f"//{host}/" in f"{base}/".lower()):
        link = f"//{link}"  # a host, of the base's scheme
    if not base or link[:8].lower().startswith(("http://", "https://")):
        return link
    try:
        return urljoin(base, link)
    except ValueError:
        return link


# ── values that RSS and Atom share ───────────────────────────────────────────────────────────


def person(text: str | None, url: str | None = None) -> Person | None:
    """The person that `text` names, if it names one."""
    name = person_name(text or "")
    return Person(name, url) if name and name != "Unknown" else None  # Blogger's name of nobody


def persons(candidates: Iterable[Person | None]) -> tuple[Person, ...]:
    """Each name once; `Ann Lee, Bo Ek and Cy Fox` is three."""
    by_name: dict[str, Person] = {}
    for candidate in candidates:
        for name in listed_names(candidate.name) if candidate is not None else ():
            by_name.setdefault(name, Person(name, candidate.url if candidate else None))
    return tuple(by_name.values())


def date_texts(fields: Fields, names: Iterable[str], origin: str) -> tuple[DateText, ...]:
    """The dates in children of these names, the most trusted name first."""
    texts = (text_in(element) for element in fields.all(*names))
    return tuple(dict.fromkeys(DateText(clean(text), origin) for text in texts if text))


def media_images(fields: Fields) -> Iterator[str]:
    """Pictures of Media RSS (rssboard.org/media-rss) and iTunes, those of a group included."""
    for element, kind, url in _media(fields, "media:thumbnail", "media:content"):
        inner = Fields(element, fields.base)
        if (thumbnail := next(inner.all("media:thumbnail"), None)) is not None:
            if address := inner.address(thumbnail.get("url"), thumbnail):
                yield address
        elif url and _is_picture(name_of(element.tag), kind, url):
            yield url
    for element in fields.all("itunes:image"):
        if url := fields.address(element.get("href") or element.text, element):
            yield url


def _is_picture(name: str, kind: str, url: str) -> bool:
    return (
        name == "media:thumbnail" or "image" in kind or (not kind and bool(IMAGE_NAME.search(url)))
    )


def media_files(fields: Fields) -> Iterator[Attachment]:
    """Sound and film of Media RSS: as declared, else by the extension."""
    for element, kind, url in _media(fields, "media:content"):
        is_named = not kind and bool(url and _MEDIA_NAME.search(url))
        if url and ("audio" in kind or "video" in kind or is_named):
            yield Attachment(url, element.get("type") or None, None)


def _media(fields: Fields, *names: str) -> Iterator[tuple[Element, str, str | None]]:
    """(element, declared kind, address) of the entry and of its groups."""
    for holder in (fields, *(Fields(group, fields.base) for group in fields.all("media:group"))):
        elements = holder.all(*names)
        if holder is not fields:  # a group has one thing in several sizes
            elements = iter(sorted(elements, key=_width, reverse=True))
        for element in elements:
            kind = f"{element.get('medium', '')} {element.get('type', '')}".strip().lower()
            yield element, kind, holder.address(element.get("url"), element)


def _width(element: Element) -> int:
    width = element.get("width", "")
    return int(width) if width.isascii() and width.isdecimal() and len(width) < 6 else 0


def video_description(fields: Fields) -> Element | None:
    """The description of a YouTube entry, in a group of Media RSS, or beside one."""
    nodes = (*fields.all("media:group"), fields.element)
    texts = (Fields(node, None).first("media:description") for node in nodes)
    return next((node for node in texts if node is not None), None)


def atom_links(fields: Fields, name: str, rel: str) -> Iterator[tuple[Element, str]]:
    """Atom's links of one kind, which are called `name` here, with their addresses."""
    for element in fields.all(name):
        is_of_rel = element.get("rel", "alternate").lower().removeprefix(_IANA) == rel
        if is_of_rel and (url := fields.address(element.get("href"), element)):
            yield element, url


def atom_enclosures(fields: Fields, name: str) -> Iterator[Attachment]:
    for element, url in atom_links(fields, name, "enclosure"):
        yield Attachment(url, element.get("type") or None, element.get("title") or None)


def attachments(candidates: Iterable[Attachment]) -> tuple[Attachment, ...]:
    """Each address once, MAX_ATTACHMENTS at most."""
    by_url: dict[str, Attachment] = {}
    for attachment in candidates:
        by_url.setdefault(attachment.url, attachment)
        if len(by_url) >= MAX_ATTACHMENTS:
            break
    return tuple(by_url.values())
