"""RSS: 0.9x, 2.0 (rssboard.org/rss-specification) and 1.0 (web.resource.org/rss/1.0/spec), with the
modules Dublin Core, content, iTunes, Media RSS, syndication, Atom's elements within RSS; and CDF,
whose items have their address in `HREF` and their text in `ABSTRACT`."""

import re
from collections.abc import Iterator
from functools import partial

from worker.formats.feed.entries import Entry, Head
from worker.formats.feed.fields import (
    IMAGE_NAME,
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
)
from worker.formats.feed.markup import text_in, title_in
from worker.formats.feed.namespaces import Element, name_of
from worker.formats.feed.rss_text import texts
from worker.formats.fields import field_of
from worker.formats.values import clean, html_unescape, names_of
from worker.model import Attachment, DateText, Person, Publisher

_PUBLISHED = (
    "pubdate", "dc:date", "dcterms:issued", "dcterms:created", "dcterms:date", "dc:date.taken",
    "dcterms:available", "atom:published", "prism:publicationdate", "prism:publishtime", "date",
    "published",
)  # fmt: skip
_UPDATED = ("atom:updated", "dcterms:modified", "atom:modified", "updated", "lastbuilddate")
_TAGS = ("category", "dc:subject", "media:category", "prism:keyword")
_TAG_LISTS = ("itunes:keywords", "media:keywords", "keywords", "tags")
_FRONT_PAGE = re.compile(r"[^/?#]*//[^/?#]+/?(?:[?#]|$)")
_AUTHORS = ("author", "dc:creator", "dc:author", "atom:author", "creator")
_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_RESOURCE = _ABOUT.replace("about", "resource")
_ENCLOSURES = ("enclosure", "enc:enclosure")
_MAX_INTERVAL_SECONDS = 86_400
_NUMBER = re.compile(r"[0-9]{1,9}")
_PERIODS = {
    "hourly": 3_600,
    "daily": 86_400,
    "weekly": 7 * 86_400,
    "monthly": 30 * 86_400,
    "yearly": 365 * 86_400,
}
"""Seconds; the syndication module (web.resource.org/rss/1.0/modules/syndication)."""


def items(root: Element) -> list[Element]:
    """The items, within the channel (2.0) and beside it (1.0), in document order."""
    elements = []
    for child in root:
        name = name_of(child.tag)
        if name == "item":
            elements.append(child)
        elif name in ("channel", "items"):
            elements += items(child)
    return elements


def head(root: Element, feed_url: str | None) -> Head:
    """The channel's own fields."""
    channel = next((child for child in root if name_of(child.tag) == "channel"), root)
    fields = Fields(channel, base_of(channel, feed_url))
    links = [*_links(fields)] or [url for _, url in atom_links(fields, "atom:link", "alternate")]
    href = fields.address(_attribute(channel, "href"))
    return Head(
        title=_title(fields, "title", "dc:title"),
        link=links[-1] if links else href,
        address=_atom_link(fields, "self"),
        language=fields.text("language", "dc:language") or language_of(channel),
        authors=_channel_authors(fields),
        min_interval_seconds=_min_interval(fields),
    )


def entry(item: Element, feed: Head, feed_url: str | None) -> Entry:
    """One item."""
    fields = Fields(item, base_of(item, feed.link or feed_url))
    html, summary, holder = texts(fields)
    url, guid = _url(fields), fields.text("guid", "atom:id", "id")
    return Entry(
        title=_title(fields, "title", "dc:title", "media:title", "itunes:title"),
        html=html,
        summary=summary,
        url=url,
        base=declared_base(holder, feed.link or feed_url),
        guid=guid or item.get(_ABOUT),
        published=date_texts(fields, _PUBLISHED, "feed:published") or _other_dates(fields),
        updated=date_texts(fields, _UPDATED, "feed:updated") or _last_modified(item),
        authors=_authors(fields),
        publisher=_publisher(fields),
        tags=names_of(list(_tags(fields))),
        language=fields.text("dc:language", "language") or language_of(item),
        image=next(_images(fields), None),
        attachments=attachments((*_enclosures(fields), *media_files(fields))),
    )


def _title(fields: Fields, *names: str) -> str | None:
    title = fields.first(*names)
    return clean(title_in(title)) or None if title is not None else None


def _atom_link(fields: Fields, rel: str) -> str | None:
    return next((url for _, url in atom_links(fields, "atom:link", rel)), None)


def _links(fields: Fields) -> Iterator[str]:
    """The addresses of `link`: as text, or in `href` as Atom has it."""
    for element in fields.all("link"):
        text = text_in(element) or element.get("href") or ""
        if url := fields.address(text, element):
            yield url


def _url(fields: Fields) -> str | None:
    """FeedBurner's original link, the last `link`, Atom's, or a guid that is a permanent link."""
    if original := fields.text("feedburner:origlink", "pheedo:origlink"):
        return original
    links = list(_links(fields))
    if links:
        return links[-1]
    if alternate := _atom_link(fields, "alternate"):
        return alternate
    if address := fields.address(_attribute(fields.element, "href")):
        return address
    permanent = next(filter(None, map(partial(_permanent, fields), fields.all("guid"))), None)
    about = fields.element.get(_ABOUT) or ""
    return permanent or (about if about.lower().startswith(("http://", "https://")) else None)


def _permanent(fields: Fields, guid: Element) -> str | None:
    """The address in a guid: a path is one only where that is declared."""
    text, declared = text_in(guid), guid.get("isPermaLink", guid.get("ispermalink", "")).lower()
    if declared == "true" and text.startswith("/"):
        return fields.address(text, guid)
    is_address = text.lower().startswith(("http://", "https://"))
    return text if is_address and declared != "false" else None


def _attribute(element: Element, name: str) -> str:
    """An attribute in whatever case; CDF is in capitals."""
    return element.get(name) or element.get(name.upper()) or ""


def _other_dates(fields: Fields) -> tuple[DateText, ...]:
    """Dates in elements that no specification has: `publishDate`, `pub_date`, `created`."""
    field_by_name = {name: field_of(name.rpartition(":")[2]) for name in fields.children}
    names = (name for name, field in field_by_name.items() if field and field[0] == "date")
    return date_texts(fields, names, "feed:published")


def _last_modified(item: Element) -> tuple[DateText, ...]:
    """CDF's date of an item."""
    text = _attribute(item, "lastmod")
    return (DateText(text, "feed:updated"),) if text else ()


def _authors(fields: Fields) -> tuple[Person, ...]:
    authors = persons(_author(fields, element) for element in fields.all(*_AUTHORS))
    if authors:  # a mail address says who it is only where no name does
        return tuple(author for author in authors if "@" not in author.name) or authors
    elements = fields.all("itunes:author", "googleplay:author")
    return persons(person(text_in(element)) for element in elements)


def _publisher(fields: Fields) -> Publisher | None:
    """The outlet that an aggregator names with an item."""
    source = fields.first("source")
    if source is not None and (name := clean(text_in(source))):
        url = fields.address(source.get("url"), source)
        is_front_page = url is not None and _FRONT_PAGE.match(url)  # else its feed
        return Publisher(name, url if is_front_page else None)
    publisher = fields.text("dc:publisher")
    return Publisher(publisher) if publisher else None


def _channel_authors(fields: Fields) -> tuple[Person, ...]:
    """Who writes all items: as an item says it, else the managing editor, who is the author where
    one person writes a feed (Hugo and Jekyll write it). A mail address alone names nobody."""
    authors = _authors(fields) or persons(
        person(text_in(element)) for element in fields.all("managingeditor", "webmaster")
    )
    return tuple(author for author in authors if "@" not in author.name)


def _author(fields: Fields, element: Element) -> Person | None:
    """A name as text, or as Atom's child elements."""
    if len(element) == 0:
        return person(element.text)
    inner = Fields(element, fields.base, "atom:")
    if name := inner.text("name"):
        return person(name, fields.address(inner.text("uri", "url")))
    if mail := inner.text("email"):
        return person(mail)
    return person(text_in(element))


def _tags(fields: Fields) -> Iterator[str]:
    for name, element in fields.in_order(*_TAGS, *_TAG_LISTS, "atom:category", "itunes:category"):
        if name in _TAGS:
            text = text_in(element) or element.get("term") or ""  # of Atom
            yield html_unescape(text)  # WordPress writes `A &amp; B` in CDATA
        elif name in _TAG_LISTS:
            yield from text_in(element).split(",")
        elif name == "atom:category":
            yield element.get("term") or element.get("label") or text_in(element)
        else:
            yield from (node.get("text", "") for node in element.iter())


def _images(fields: Fields) -> Iterator[str]:
    yield from media_images(fields)
    for element in fields.all(*_ENCLOSURES):
        url = fields.address(_file_address(element), element)
        kind = (element.get("type") or "").lower()
        if url and (kind.startswith("image/") if kind else IMAGE_NAME.search(url)):
            yield url
    for element in fields.all("image"):
        inner = Fields(element, fields.base)
        if url := fields.address(
            inner.text("url") or element.get("href") or text_in(element), element
        ):
            yield url


def _enclosures(fields: Fields) -> Iterator[Attachment]:
    original = fields.text("feedburner:origenclosurelink")
    for element in fields.all(*_ENCLOSURES):
        inner = Fields(element, fields.base)
        raw_url = _file_address(element) or inner.text("url") or element.text
        if url := fields.address(original or raw_url, element):
            yield Attachment(
                url,
                clean(element.get("type") or "").strip() or inner.text("type"),
                element.get("title") or None,
            )
    yield from atom_enclosures(fields, "atom:link")


def _file_address(element: Element) -> str | None:
    """The address of an enclosure: of RSS 2.0, as Atom has it, or of RSS 1.0's module."""
    names = ("url", "href", "resource", _RESOURCE)
    return next(filter(None, map(element.get, names)), None)


def _min_interval(fields: Fields) -> int:
    """`ttl` (minutes), else the syndication module's period over its frequency; in seconds."""
    if minutes := _number(fields.text("ttl")):
        return min(60 * minutes, _MAX_INTERVAL_SECONDS)
    period, frequency = fields.text("sy:updateperiod"), fields.text("sy:updatefrequency")
    if period is None and frequency is None:
        return 0
    seconds = _PERIODS.get((period or "daily").lower(), 0)  # the module's own defaults
    return min(seconds // (_number(frequency or "1") or seconds + 1), _MAX_INTERVAL_SECONDS)


def _number(text: str | None) -> int:
    """A whole number above zero, or 0."""
    return int(text) if text and _NUMBER.fullmatch(text) else 0
