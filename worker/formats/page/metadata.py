"""The metadata of a page's article: from its head, microdata and visible text.

Each source (a site's rule, JSON-LD, meta elements, microdata, `time`, the text itself) gives a
:class:`PageMetadata`; :func:`merge_metadata` takes each field from the most trusted source.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

from worker.formats.page.bylines import date_in, editor_name, outlet_name, person_names
from worker.formats.values import clean, names_of, unique
from worker.model import DateText, Person, Publisher
from worker.sites import SiteRule


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


def by_rule(soup: BeautifulSoup, rule: SiteRule) -> PageMetadata:
    """What the selectors of a site's rule find, and the rule's language."""
    page = rule.page
    outlets = (
        (element, outlet_name(text_at(element)))
        for element in _first_elements(soup, page.publisher)
    )
    return PageMetadata(
        title=_first(text_at(element) for element in _first_elements(soup, page.title)),
        dates=tuple(
            DateText(date_in(text) or text, "rule:date")
            for element in _first_elements(soup, page.date)
            if (text := text_at(element))
        ),
        authors=_first(_authors(soup.select(selector)) for selector in page.author) or (),
        editor=_first(
            editor_name(text_at(element)) for element in _first_elements(soup, page.editor)
        ),
        publisher=next(
            (Publisher(name, _address(element)) for element, name in outlets if name), None
        ),
        language=rule.language,  # templates are often copied with the wrong `lang`
    )


def by_meta(soup: BeautifulSoup) -> PageMetadata:
    """OpenGraph, Dublin Core and other `meta` elements."""
    meta = _meta(soup)

    def named(names: str) -> Iterator[tuple[str, str]]:
        return ((name, text) for name in names.split() for text in meta.get(name, ()))

    html = soup.html
    canonical = soup.select_one('link[rel~="canonical"][href]')
    links = [_attribute(canonical, "href"), *(text for _, text in named("og:url"))]
    links.sort(key=lambda link: bool(link and _FRONT_PAGE.match(link)))  # a template's mistake
    sections = [text for name, text in named(_TAGS) if name in _WHOLE_TAGS]
    keywords = next((_keywords(text) for name, text in named(_TAGS) if name not in _WHOLE_TAGS), ())
    outlet = _first(outlet_name(text) for _, text in named(_PUBLISHER))
    return PageMetadata(
        title=_first(text for _, text in named(_TITLE)),
        dates=tuple(DateText(text, f"meta:{name}") for name, text in named(_DATE)),
        modified=tuple(DateText(text, f"meta:{name}") for name, text in named(_MODIFIED)),
        authors=_first(person_names(text) for _, text in named(_AUTHOR)) or (),
        publisher=Publisher(outlet) if outlet else None,
        tags=unique((*sections, *keywords))[:_MAX_TAGS],
        language=_language(_attribute(html, "lang"))
        or _first(_language(text) for _, text in named("og:locale content-language")),
        url=_first(link for link in links if link),
        summary=_first(text for _, text in named(_SUMMARY)),
        image=_first(text for _, text in named(_IMAGE)),
    )


def by_microdata(soup: BeautifulSoup) -> PageMetadata:
    """schema.org properties in the markup itself."""

    def prop(name: str) -> Tag | None:
        return soup.select_one(f'[itemprop~="{name}"]')

    def dates(name: str) -> tuple[DateText, ...]:
        text = text_at(prop(name))
        return (DateText(text, f"microdata:{name}"),) if text else ()

    author, outlet = prop("author"), prop("publisher")
    named = author and (author.select_one('[itemprop~="name"]') or author)
    publisher = text_at(outlet and outlet.select_one('[itemprop~="name"]'))
    return PageMetadata(
        title=text_at(prop("headline")) or None,
        dates=dates("datePublished"),
        modified=dates("dateModified"),
        authors=person_names(text_at(named)),
        publisher=Publisher(publisher) if publisher else None,
    )


def by_text(soup: BeautifulSoup) -> PageMetadata:
    """Headings and visible dates: `time`, then the first date close after the heading."""
    heading, title = _heading(soup)
    time = soup.select_one("time[pubdate], article time[datetime], main time[datetime]")
    time = time or soup.select_one("time[datetime]")
    dates = [DateText(text, "time")] if (text := text_at(time)) else []
    if heading is not None and (date := _date_after(heading)):
        dates.append(DateText(date, "text"))
    return PageMetadata(title=title, dates=tuple(dates))


def by_address(url: str | None) -> PageMetadata:
    """The day in an address such as `/2021-11-26/doc-x.shtml` or `/n1/2021/1126/c1.html`."""
    try:
        match = _URL_DAY.search(urlsplit(url or "").path)
    except ValueError:
        match = None
    return PageMetadata(dates=(DateText("-".join(match.groups()), "url"),) if match else ())


def text_at(element: Tag | None) -> str:
    """The value of an element: `content`, `datetime`, or its text with single spaces."""
    if element is None:
        return ""
    value = _attribute(element, "content") or _attribute(element, "datetime")
    return " ".join(clean(value or element.get_text(" ")).split())


_T = TypeVar("_T")

_FRONT_PAGE = re.compile(r"https?://[^/?#]+/?$")
_TITLE = "og:title twitter:title dc.title citation_title"
_DATE = (
    "article:published_time og:published_time og:article:published_time weibo:article:create_at "
    "pubdate publishdate publish_date publish-date publication_date bt:pubdate parsely-pub-date "
    "sailthru.date dc.date.issued dcterms.created dc.date dcterms.date og:time og:release_date date"
)
_MODIFIED = "article:modified_time og:updated_time weibo:article:update_at lastmod last-modified"
_AUTHOR = "article:author author byl dc.creator parsely-author sailthru.author citation_author"
_PUBLISHER = "og:site_name source mediaid dc.publisher publisher"
_TAGS = "article:section article:tag news_keywords parsely-tags keywords"
_WHOLE_TAGS = ("article:section", "article:tag")  # one tag each; the others are lists
_SUMMARY = "og:description description twitter:description dc.description"
_IMAGE = "og:image og:image:secure_url og:image:url twitter:image twitter:image:src"

_MAX_TAGS = 50
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")  # RFC 5646, roughly
_CJK = re.compile(r"[\u4e00-\u9fff]")
_URL_DAY = re.compile(
    r"(?<!\d)(20\d\d)[-/_]?(0[1-9]|1[0-2])[-/_]?(0[1-9]|[12]\d|3[01])(?!\d)", re.ASCII
)


def _first(values: Iterable[_T | None]) -> _T | None:
    return next((value for value in values if value), None)


def _unique_dates(dates: Iterable[DateText]) -> tuple[DateText, ...]:
    """Each text once, with its most trusted origin."""
    by_text: dict[str, DateText] = {}
    for date in dates:
        by_text.setdefault(date.text, date)
    return tuple(by_text.values())


def _first_elements(soup: BeautifulSoup, selectors: Iterable[str]) -> Iterator[Tag]:
    """The first match of each selector, in the order of the selectors."""
    return (element for selector in selectors if (element := soup.select_one(selector)))


def _authors(elements: Iterable[Tag]) -> tuple[Person, ...]:
    names = (person for element in elements for person in person_names(text_at(element)))
    return tuple(dict.fromkeys(names))


def _attribute(element: Tag | None, name: str) -> str | None:
    value = element.get(name) if element is not None else None
    return (clean(value).strip() or None) if isinstance(value, str) else None


def _address(element: Tag) -> str | None:
    link = element if element.name == "a" else element.find("a", href=True)
    href = _attribute(link, "href") if isinstance(link, Tag) else None
    # The link of an outlet's name mostly leads to the article there, not to the outlet.
    return href if href and _FRONT_PAGE.match(href) else None


def _meta(soup: BeautifulSoup) -> Mapping[str, list[str]]:
    """Name → contents. Names lose case and spaces: sites write `og:time `, `weibo: article:…`."""
    table: dict[str, list[str]] = {}
    for element in soup.find_all("meta", content=True):
        text = " ".join((_attribute(element, "content") or "").split())
        for kind in ("property", "name", "http-equiv"):
            name = "".join((_attribute(element, kind) or "").split()).lower()
            if name and text:
                table.setdefault(name, []).append(text)
    return table


def _language(tag: str | None) -> str | None:
    """A language tag, or None for what only looks like one (`lang="utf-8"`)."""
    tag = (tag or "").replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else None


def _keywords(text: str) -> tuple[str, ...]:
    """Keywords between commas, or between spaces where they are Chinese."""
    names = names_of(text)
    return unique(text.split()) if len(names) == 1 and _CJK.search(text) else names


def _heading(soup: BeautifulSoup) -> tuple[Tag | None, str | None]:
    """The heading that the page's `title` begins with, else the `title` alone."""
    page_title = text_at(soup.title)
    best: Tag | None = None
    best_length = 3
    for element in soup.find_all(["h1", "h2", "h3"]):
        text = text_at(element)
        if len(text) > best_length and page_title.startswith(text):
            best, best_length = element, len(text)
    if best is not None:
        return best, text_at(best)
    first = next((element for element in soup.find_all("h1") if text_at(element)), None)
    return first, page_title or text_at(first) or None


def _date_after(heading: Tag) -> str | None:
    """A date in one of the short texts after a heading, where the byline is."""
    short_texts = 0
    for text in heading.find_all_next(string=True):
        row = text.strip()
        if not row or text.parent is None or text.parent.name in ("script", "style"):
            continue
        if len(row) < 100 and (date := date_in(row)):
            return date
        short_texts += 1
        if short_texts == 30:
            return None
    return None
