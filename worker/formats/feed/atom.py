"""Atom 1.0 (RFC 4287) and 0.3, with Media RSS and Dublin Core."""

from collections.abc import Iterator

from worker.formats.feed.entries import Entry, Head
from worker.formats.feed.fields import (
    Fields,
    atom_enclosures,
    atom_links,
    attachments,
    base_of,
    date_texts,
    declared_base,
    language_of,
    media_files,
    media_images,
    person,
    persons,
    video_description,
)
from worker.formats.feed.markup import html_in, looks_like_html, text_in, title_in
from worker.formats.feed.namespaces import Element, name_of
from worker.formats.values import clean, html_text, html_unescape, names_of
from worker.model import Person, Publisher

_ATOM = "atom:"
_PUBLISHED = (
    *("published", "issued", "created", "dc:date", "dcterms:issued", "dcterms:created", "pubdate"),
)
_UPDATED = ("updated", "modified", "dcterms:modified")


def entries(root: Element) -> list[Element]:
    return [child for child in root if name_of(child.tag).removeprefix(_ATOM) in ("entry", "item")]


def head(root: Element, feed_url: str | None) -> Head:
    """The feed's own fields."""
    fields = Fields(root, base_of(root, feed_url), _ATOM)
    return Head(
        title=_title(fields),
        link=_link(fields, "alternate") or _bare_link(fields),
        address=_link(fields, "self"),
        language=language_of(root) or fields.text("dc:language", "language"),
        authors=_authors(fields),
    )


def entry(element: Element, feed: Head, feed_url: str | None) -> Entry:
    """One entry; without authors of its own it has its source's (RFC 4287, 4.1.2)."""
    fields = Fields(element, base_of(element, feed_url or feed.address or feed.link), _ATOM)
    content, holder = _content(fields)
    summary = fields.first("summary", "description")
    short = _html(summary) if summary is not None else ""
    if not content and summary is not None:
        holder = summary
    html = content or short
    if not html and (video := video_description(fields)) is not None:
        html = html_in(video, "text")
    url = fields.text("feedburner:origlink") or _link(fields, "alternate") or _bare_link(fields)
    guid = fields.text("id")
    if guid and guid.startswith("/"):  # RFC 4287, 4.2.6: an id is absolute
        guid = fields.address(guid)
    if url is None and guid and guid.lower().startswith(("http://", "https://")):
        url = guid
    if url is None:  # RFC 4287, 4.1.3.2: the content is elsewhere
        url = next((fields.address(node.get("src"), node) for node in fields.all("content")), None)
    source = next(fields.all("source"), None)
    origin = Fields(source, fields.base, _ATOM) if source is not None else None
    outlet = _title(origin) if origin else None
    return Entry(
        title=_title(fields),
        html=html,
        summary=clean(text_in(summary) if not len(summary) else short)
        if summary is not None and content and short != content
        else None,
        url=url,
        base=declared_base(holder, feed_url),
        guid=guid,
        published=date_texts(fields, _PUBLISHED, "feed:published"),
        updated=date_texts(fields, _UPDATED, "feed:updated"),
        authors=_authors(fields) or (_authors(origin) if origin else ()),
        publisher=Publisher(outlet, _link(origin, "alternate")) if origin and outlet else None,
        tags=names_of(list(_tags(fields))),
        language=_language(fields),
        image=next(_images(fields), None),
        attachments=attachments((*atom_enclosures(fields, "link"), *media_files(fields))),
    )


def _title(fields: Fields) -> str | None:
    element = fields.first("title", "dc:title")
    if element is None:
        return None
    kind = (element.get("type") or "text").lower()
    mode = element.get("mode", "")
    is_html = kind in ("html", "text/html") or mode in ("escaped", "base64") or "octet" in kind
    if is_html and not len(element):
        is_coded = mode == "base64" or "octet" in kind
        return (
            clean(html_text(html_in(element, kind, mode) if is_coded else text_in(element))) or None
        )
    title = clean(title_in(element, "text" if len(element) == 0 else kind))
    # Text by RFC 4287; who leaves out the type escapes it twice, as in RSS.
    return (title if element.get("type") else html_unescape(title)) or None


def _content(fields: Fields) -> tuple[str, Element]:
    """The longest content as HTML, and the element whose base its relative links have."""
    contents = [(_html(element), element) for element in fields.all("content", "content:encoded")]
    html, element = max(contents, key=lambda pair: len(pair[0]), default=("", fields.element))
    is_wrapped = len(element) == 1 and element is not fields.element
    return html, element[0] if is_wrapped else element


def _html(element: Element) -> str:
    kind = element.get("type")
    if kind is None:  # text, by RFC 4287; many leave out that it is HTML
        is_html = ":encoded" in name_of(element.tag) or looks_like_html(text_in(element))
        kind = "html" if is_html else "text"
    return html_in(element, kind, element.get("mode", ""))


def _language(fields: Fields) -> str | None:
    content = fields.first("content")
    language = language_of(content if content is not None else fields.element)
    return fields.text("dc:language") or language


def _link(fields: Fields, rel: str) -> str | None:
    """The address of the first link of this kind, an HTML page before any other."""
    links = sorted(
        atom_links(fields, "link", rel),
        key=lambda pair: "html" not in (pair[0].get("type") or "html"),
    )
    return next((url for _, url in links), None)


def _bare_link(fields: Fields) -> str | None:
    """A link as RSS writes it."""
    return fields.address(fields.text("link"))


def _authors(fields: Fields) -> tuple[Person, ...]:
    return persons(
        _person(fields, element) for element in fields.all("author", "dc:creator", "dc:author")
    )


def _person(fields: Fields, element: Element) -> Person | None:
    inner = Fields(element, fields.base, _ATOM)
    url = fields.address(inner.text("uri", "url", "homepage"), element)
    return person(inner.text("name") or inner.text("email") or text_in(element), url)


def _tags(fields: Fields) -> Iterator[str]:
    for _, element in fields.in_order("category", "dc:subject", "media:category"):
        yield element.get("term") or element.get("label") or text_in(element)


def _images(fields: Fields) -> Iterator[str]:
    yield from media_images(fields)
    for enclosure in atom_enclosures(fields, "link"):
        if (enclosure.mime_type or "").startswith("image/"):
            yield enclosure.url
