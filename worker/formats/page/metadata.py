"""What a page says of its article beside the body: in its head, in microdata, in the open.

Each source (a site's rule, JSON-LD, meta elements, microdata, `time`, the text itself) gives a
:class:`Said`; :func:`merged` takes of each field what the most trusted source says.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

from worker.formats.page.bylines import date_in, editor_name, outlet_name, person_names
from worker.formats.values import clean, names_of, unique
from worker.model import DateText, Person, Publisher
from worker.sites import SiteRule


@dataclass(frozen=True, slots=True)
class Said:
    """What one source says. Addresses are as written; `body` is plain text or HTML."""

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


def merged(sources: Iterable[Said]) -> Said:
    """Of each field what the first source has; the dates of all of them, in their order."""
    said = tuple(sources)
    return Said(
        title=_first(one.title for one in said),
        dates=_once(date for one in said for date in one.dates),
        modified=_once(date for one in said for date in one.modified),
        authors=_first(one.authors for one in said) or (),
        publisher=_first(one.publisher for one in said),
        editor=_first(one.editor for one in said),
        tags=_first(one.tags for one in said) or (),
        language=_first(one.language for one in said),
        url=_first(one.url for one in said),
        summary=_first(one.summary for one in said),
        image=_first(one.image for one in said),
        body=_first(one.body for one in said),
    )


def by_rule(soup: BeautifulSoup, rule: SiteRule) -> Said:
    """What the selectors of a site's rule find, and the language that it tells."""
    page = rule.page
    outlets = ((element, outlet_name(text_at(element))) for element in _found(soup, page.publisher))
    return Said(
        title=_first(text_at(element) for element in _found(soup, page.title)),
        dates=tuple(
            DateText(date_in(text) or text, "rule:date")
            for element in _found(soup, page.date)
            if (text := text_at(element))
        ),
        authors=_first(_authors(soup.select(selector)) for selector in page.author) or (),
        editor=_first(editor_name(text_at(element)) for element in _found(soup, page.editor)),
        publisher=next(
            (Publisher(name, _address(element)) for element, name in outlets if name), None
        ),
        language=rule.language,  # templates are often copied with the wrong `lang`
    )


def by_meta(soup: BeautifulSoup) -> Said:
    """OpenGraph, Dublin Core and the other names that `meta` elements go by."""
    meta = _meta(soup)

    def named(names: str) -> Iterator[tuple[str, str]]:
        return ((name, text) for name in names.split() for text in meta.get(name, ()))

    html = soup.html
    canonical = soup.select_one('link[rel~="canonical"][href]')
    links = [_attribute(canonical, "href"), *(text for _, text in named("og:url"))]
    links.sort(key=lambda link: bool(link and _FRONT_PAGE.match(link)))  # a template's mistake
    sections = [text for name, text in named(_TAGS) if name in _WHOLE_TAGS]
    words = next((_keywords(text) for name, text in named(_TAGS) if name not in _WHOLE_TAGS), ())
    outlet = _first(outlet_name(text) for _, text in named(_PUBLISHER))
    return Said(
        title=_first(text for _, text in named(_TITLE)),
        dates=tuple(DateText(text, f"meta:{name}") for name, text in named(_DATE)),
        modified=tuple(DateText(text, f"meta:{name}") for name, text in named(_MODIFIED)),
        authors=_first(person_names(text) for _, text in named(_AUTHOR)) or (),
        publisher=Publisher(outlet) if outlet else None,
        tags=unique((*sections, *words))[:_MAX_TAGS],
        language=_language(_attribute(html, "lang"))
        or _first(_language(text) for _, text in named("og:locale content-language")),
        url=_first(link for link in links if link),
        summary=_first(text for _, text in named(_SUMMARY)),
        image=_first(text for _, text in named(_IMAGE)),
    )


def by_microdata(soup: BeautifulSoup) -> Said:
    """schema.org properties in the markup itself."""

    def prop(name: str) -> Tag | None:
        return soup.select_one(f'[itemprop~="{name}"]')

    def dates(name: str) -> tuple[DateText, ...]:
        text = text_at(prop(name))
        return (DateText(text, f"microdata:{name}"),) if text else ()

    author, outlet = prop("author"), prop("publisher")
    named = author and (author.select_one('[itemprop~="name"]') or author)
    publisher = text_at(outlet and outlet.select_one('[itemprop~="name"]'))
    return Said(
        title=text_at(prop("headline")) or None,
        dates=dates("datePublished"),
        modified=dates("dateModified"),
        authors=person_names(text_at(named)),
        publisher=Publisher(publisher) if publisher else None,
    )


def by_text(soup: BeautifulSoup) -> Said:
    """Headings and visible dates: `time`, then the first date close behind the heading."""
    heading, title = _heading(soup)
    time = soup.select_one("time[pubdate], article time[datetime], main time[datetime]")
    time = time or soup.select_one("time[datetime]")
    dates = [DateText(text, "time")] if (text := text_at(time)) else []
    if heading is not None and (found := _date_behind(heading)):
        dates.append(DateText(found, "text"))
    return Said(title=title, dates=tuple(dates))


def by_address(url: str | None) -> Said:
    """The day in an address such as `/2021-11-26/doc-x.shtml` or `/n1/2021/1126/c1.html`."""
    try:
        found = _URL_DAY.search(urlsplit(url or "").path)
    except ValueError:
        found = None
    return Said(dates=(DateText("-".join(found.groups()), "url"),) if found else ())


def text_at(element: Tag | None) -> str:
    """What an element says: `content`, `datetime`, or its text with single spaces."""
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


def _once(dates: Iterable[DateText]) -> tuple[DateText, ...]:
    """Each text once, by its most trusted origin."""
    found: dict[str, DateText] = {}
    for date in dates:
        found.setdefault(date.text, date)
    return tuple(found.values())


def _found(soup: BeautifulSoup, selectors: Iterable[str]) -> Iterator[Tag]:
    """The first element of each selector, in the order of the selectors."""
    return (element for selector in selectors if (element := soup.select_one(selector)))


def _authors(elements: Iterable[Tag]) -> tuple[Person, ...]:
    found = (person for element in elements for person in person_names(text_at(element)))
    return tuple(dict.fromkeys(found))


def _attribute(element: Tag | None, name: str) -> str | None:
    value = element.get(name) if element is not None else None
    return (clean(value).strip() or None) if isinstance(value, str) else None


def _address(element: Tag) -> str | None:
    link = element if element.name == "a" else element.find("a", href=True)
    href = _attribute(link, "href") if isinstance(link, Tag) else None
    # A link behind an outlet's name mostly leads to the article there, not to the outlet.
    return href if href and _FRONT_PAGE.match(href) else None


def _meta(soup: BeautifulSoup) -> Mapping[str, list[str]]:
    """Name → contents. Names are folded: sites write `og:time ` and `weibo: article:create_at`."""
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
    whole = text_at(soup.title)
    best: Tag | None = None
    longest = 3
    for element in soup.find_all(["h1", "h2", "h3"]):
        text = text_at(element)
        if len(text) > longest and whole.startswith(text):
            best, longest = element, len(text)
    if best is not None:
        return best, text_at(best)
    first = next((element for element in soup.find_all("h1") if text_at(element)), None)
    return first, whole or text_at(first) or None


def _date_behind(heading: Tag) -> str | None:
    """A date in one of the short texts that follow a heading, where bylines stand."""
    seen = 0
    for text in heading.find_all_next(string=True):
        line = text.strip()
        if not line or text.parent is None or text.parent.name in ("script", "style"):
            continue
        if len(line) < 100 and (found := date_in(line)):
            return found
        seen += 1
        if seen == 30:
            return None
    return None
