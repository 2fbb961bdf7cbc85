"""The metadata of a page's article, and what its `meta` elements, microdata and address say.

Each source (a site's rule, JSON-LD, meta elements, microdata) gives a :class:`PageMetadata`;
:func:`merge_metadata` takes each field from the most trusted source.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from worker.formats.page.bylines import outlet_name, person_names
from worker.formats.page.links import is_front_page
from worker.formats.page.tree import Element, value_of
from worker.formats.values import first_of, names_of, unique
from worker.model import DateText, Person, Publisher


@dataclass(frozen=True, slots=True)
class PageMetadata:
    """The metadata from one source. Addresses are as written; `body` is plain text or HTML."""

    title: str | None = None
    dates: tuple[DateText, ...] = ()
    modified: tuple[DateText, ...] = ()
    authors: tuple[Person, ...] = ()
    publisher: Publisher | None = None
    editor: str | None = None
    tags: tuple[str, ...] = ()
    language: str | None = None
    url: str | None = None
    summary: str | None = None
    image: str | None = None
    body: str | None = None


def merge_metadata(*sources: PageMetadata) -> PageMetadata:
    """Each field from the first source that has it; the dates of all of them, in order."""
    values: dict[str, Any] = {
        field.name: next(filter(None, (getattr(source, field.name) for source in sources)), None)
        or field.default
        for field in fields(PageMetadata)
    }
    values["dates"] = _unique_dates(date for source in sources for date in source.dates)
    values["modified"] = _unique_dates(date for source in sources for date in source.modified)
    return PageMetadata(**values)


def by_meta(tree: Element) -> PageMetadata:
    """OpenGraph, Dublin Core and other `meta` elements; no title, which `headline` chooses."""
    meta = meta_table(tree)

    def named(names: str) -> Iterator[tuple[str, str]]:
        return ((name, text) for name in names.split() for text in meta.get(name, ()))

    links = sorted(declared_addresses(tree, meta), key=is_front_page)  # a template's mistake
    sections = [text for name, text in named(_TAGS) if name in _WHOLE_TAGS]
    keywords = next((_keywords(text) for name, text in named(_TAGS) if name not in _WHOLE_TAGS), ())
    authors = [person_names(text) for _, text in named(_AUTHOR)]
    outlet = first_of(outlet_name(text) for _, text in named(_PUBLISHER))
    return PageMetadata(
        dates=tuple(DateText(text, f"meta:{name}") for name, text in named(_DATE)),
        modified=tuple(DateText(text, f"meta:{name}") for name, text in named(_MODIFIED)),
        authors=first_of(authors) or (),
        publisher=Publisher(outlet) if outlet else None,
        tags=unique((*sections, *keywords))[:_MAX_TAGS],
        language=_language(tree.get("lang"))
        or first_of(_language(text) for _, text in named("og:locale content-language")),
        url=first_of(links),
        summary=first_of(text for _, text in named(_SUMMARY)),
        image=first_of(text for _, text in named(_IMAGE)),
    )


def by_card(tree: Element) -> PageMetadata:
    """The author in WordPress's labels of a card, in the site's language: the account that posted
    the article, mostly its author's."""
    meta = meta_table(tree)
    cards = zip(meta.get("twitter:label1", ()), meta.get("twitter:data1", ()), strict=False)
    name = next((text for label, text in cards if label.lower() in _WRITTEN_BY), "")
    return PageMetadata(authors=person_names(name))


def by_microdata(tree: Element, within: Element | None) -> PageMetadata:
    """Dates, authors and publisher in schema.org properties of the markup; `within` is an element
    of the article's text, if it was found.

    A property of another article (a list of related ones with an `itemscope` each) is left out.
    """
    items = _items(tree)

    def prop(name: str) -> Element | None:
        return _nearest([element for item, element in items if item == name], within)

    def dates(name: str) -> tuple[DateText, ...]:
        text = value_of(prop(name))
        return (DateText(text, f"microdata:{name}"),) if text else ()

    author, outlet = prop("author"), prop("publisher")
    publisher = value_of(_name_in(outlet)) if outlet is not None else ""
    return PageMetadata(
        dates=dates("datePublished"),
        modified=dates("dateModified"),
        authors=person_names(value_of(_name_in(author))) if author is not None else (),
        publisher=Publisher(publisher) if publisher else None,
    )


def declared_addresses(tree: Element, meta: Mapping[str, list[str]]) -> list[str]:
    """The addresses that a page says it has, as written: `rel=canonical`, then `og:url`."""
    return [link for link in (*_canonical(tree), *meta.get("og:url", ())) if link]


def by_address(url: str | None) -> PageMetadata:
    """The day in an address such as `/2021-11-26/doc-x.shtml` or `/n1/2021/1126/c1.html`."""
    try:
        match = _URL_DAY.search(urlsplit(url or "").path)
    except ValueError:
        match = None
    return PageMetadata(dates=(DateText("-".join(match.groups()), "url"),) if match else ())


_DATE = (
    "article:published_time og:published_time og:article:published_time weibo:article:create_at "
    "pubdate publishdate publish_date publish-date publish_time publication_date published_time "
    "firstpublishedtime article:published date_published bt:pubdate parsely-pub-date "
    "sailthru.date datepublished dc.date.issued dcterms.issued dcterms.created dc.date.created "
    "dc.date dcterms.date citation_online_date og:time og:release_date date"
)
_MODIFIED = "article:modified_time og:updated_time weibo:article:update_at lastmod last-modified"
_AUTHOR = (
    "article:author og:article:author dc.creator author og:author byl parsely-author "
    "sailthru.author citation_author"
)
_WRITTEN_BY = ("written by", "verfasst von", "geschrieben von", "écrit par", "escrito por", "作者")
_PUBLISHER = "og:site_name contentsource source mediaid dc.publisher publisher"
_TAGS = "article:section article:tag news_keywords parsely-tags keywords"
_WHOLE_TAGS = ("article:section", "article:tag")  # one tag each; the others are lists
_SUMMARY = "og:description description twitter:description dc.description"
_IMAGE = "og:image og:image:secure_url og:image:url twitter:image twitter:image:src"

_PROPERTIES = frozenset({"datePublished", "dateModified", "author", "publisher"})

_MAX_TAGS = 50
_MAX_TEXTS = 50
"""Of one name; each title is compared with each heading, and each with the names of the site."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")  # RFC 5646, roughly
_CJK = re.compile(r"[\u4e00-\u9fff]")
_PREFIXED = re.compile(r"[\w.-]+:[\w.:-]+")
_DUBLIN_CORE = re.compile(r"^(dc|dcterms):")
_URL_DAY = re.compile(
    r"(?<!\d)(20\d\d)[-/_]?(0[1-9]|1[0-2])[-/_]?(0[1-9]|[12]\d|3[01])(?!\d)", re.ASCII
)


def _unique_dates(dates: Iterable[DateText]) -> tuple[DateText, ...]:
    """Each text once, with its most trusted origin."""
    by_text: dict[str, DateText] = {}
    for date in dates:
        by_text.setdefault(date.text, date)
    return tuple(by_text.values())


def meta_table(tree: Element) -> Mapping[str, list[str]]:
    """Name → contents. Names lose case and spaces: sites write `og:time `, `weibo: article:…`.

    A `property` may hold several (RDFa: `dc:title og:title`); Dublin Core's have a dot throughout.
    """
    table: dict[str, list[str]] = {}
    for element in tree.iter("meta"):
        text = " ".join((element.get("content") or element.get("value") or "").split())
        for kind in ("property", "name", "itemprop", "http-equiv") if text else ():
            for name in _names((element.get(kind) or "").lower()):
                texts = table.setdefault(name, [])
                if len(texts) < _MAX_TEXTS and (kind, name) != ("itemprop", "datepublished"):
                    texts.append(text)
    return table


def _names(text: str) -> list[str]:
    """The names in an attribute, several only where each of them has a prefix."""
    names = text.split()
    if not all(map(_PREFIXED.fullmatch, names)):
        names = ["".join(names)]
    return [_DUBLIN_CORE.sub(r"\1.", name) for name in names if name]


def _canonical(tree: Element) -> Iterator[str]:
    for element in tree.iter("link"):
        if "canonical" in (element.get("rel") or "").lower().split():
            yield (element.get("href") or "").strip()


def _language(tag: str | None) -> str | None:
    """A language tag, or None for what only looks like one (`lang="utf-8"`)."""
    tag = (tag or "").replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else None


def _keywords(text: str) -> tuple[str, ...]:
    """Keywords between commas, or between spaces where they are Chinese."""
    names = names_of(text)
    return unique(text.split()) if len(names) == 1 and _CJK.search(text) else names


def _items(tree: Element) -> list[tuple[str, Element]]:
    return [
        (name, element)
        for element in tree.xpath("//*[@itemprop]")
        for name in element.get("itemprop").split()
        if name in _PROPERTIES
    ]


def _nearest(elements: list[Element], within: Element | None) -> Element | None:
    """The first of `elements` in the innermost scope around `within` that has one; else the
    first."""
    if within is None or len(elements) < 2:
        return next(iter(elements), None)
    around = {element: depth for depth, element in enumerate([within, *within.iterancestors()])}

    def distance(element: Element) -> int:
        outwards = (element, *element.iterancestors())
        return next((around[outer] for outer in outwards if outer in around), len(around))

    return min(elements, key=distance)


def _name_in(element: Element) -> Element:
    return next(iter(element.xpath('.//*[@itemprop="name"]')), element)
