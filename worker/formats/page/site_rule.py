"""The site rule of a page, and the page read by it: Beautiful Soup and the rule's selectors."""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning

from worker.formats.context import ParseContext
from worker.formats.page.bylines import date_in, editor_name, outlet_name, person_names
from worker.formats.page.links import host_of, is_front_page
from worker.formats.page.metadata import PageMetadata
from worker.formats.page.tree import Element
from worker.formats.page.visibility import HIDING
from worker.formats.values import clean, first_of, is_absolute
from worker.model import DateText, Person, Publisher
from worker.sites import DEFAULT, SiteRule, Sites

# An XHTML page is read as HTML on purpose, as browsers read it.
warnings.filterwarnings("ignore", category=XMLParsedAsHTMLWarning)


def choose_rule(
    tree: Element, url: str | None, meta: PageMetadata, context: ParseContext
) -> SiteRule | None:
    """The source's own rule, the rule of the page's host, else the one its addresses point to."""
    sites = context.sites
    if context.profile.site:
        return sites.named(context.profile.site)
    if url:
        return sites.of_host(host_of(url))
    if meta.publisher:
        rule = sites.choose(publisher=meta.publisher.name)
        if rule and rule.name != DEFAULT:
            return rule
    return _rule_of_links(tree, sites)


def page_soup(text: str) -> BeautifulSoup:
    """The tree that a rule's selectors are for. The page's size was checked before."""
    return BeautifulSoup(clean(text), "lxml")


def by_rule(soup: BeautifulSoup, rule: SiteRule) -> PageMetadata:
    """What the selectors of a site's rule find, and the rule's language."""
    page = rule.page
    outlets = (
        (element, outlet_name(_text_at(element)))
        for element in _first_elements(soup, page.publisher)
    )
    return PageMetadata(
        title=first_of(_text_at(element) for element in _first_elements(soup, page.title)),
        dates=tuple(
            DateText(date_in(text) or text, "rule:date")
            for element in _first_elements(soup, page.date)
            if (text := _text_at(element))
        ),
        authors=first_of(_authors(soup.select(selector)) for selector in page.author) or (),
        editor=first_of(
            editor_name(_text_at(element)) for element in _first_elements(soup, page.editor)
        ),
        publisher=next(
            (Publisher(name, _address(element)) for element, name in outlets if name), None
        ),
        language=rule.language,  # templates are often copied with the wrong `lang`
    )


def body_by_rule(soup: BeautifulSoup, rule: SiteRule) -> str | None:
    """The HTML of the first element of the rule's `content` that holds something."""
    for selector in rule.page.content:
        for element in soup.select(selector):
            _remove(element, rule.page.remove)
            if element.get_text(strip=True) or element.find(["img", "video"]):
                for name in HIDING:  # where a script shows it
                    element.attrs.pop(name, None)
                return element.decode()
    return None


def _first_elements(soup: BeautifulSoup, selectors: Iterable[str]) -> Iterator[Tag]:
    """The first match of each selector, in the order of the selectors."""
    return (element for selector in selectors if (element := soup.select_one(selector)))


def _authors(elements: Iterable[Tag]) -> tuple[Person, ...]:
    names = (person for element in elements for person in person_names(_text_at(element)))
    return tuple(dict.fromkeys(names))


def _text_at(element: Tag) -> str:
    """The value of an element: `content`, `datetime`, or its text with single spaces."""
    value = _attribute(element, "content") or _attribute(element, "datetime")
    return " ".join(clean(value or element.get_text(" ")).split())


def _attribute(element: Tag | None, name: str) -> str | None:
    value = element.get(name) if element is not None else None
    return (clean(value).strip() or None) if isinstance(value, str) else None


def _address(element: Tag) -> str | None:
    link = element if element.name == "a" else element.find("a", href=True)
    href = _attribute(link, "href") if isinstance(link, Tag) else None
    # The link of an outlet's name mostly leads to the article there, not to the outlet.
    return href if href and is_front_page(href) else None


def _remove(element: Tag, selectors: Iterable[str]) -> None:
    for selector in selectors:
        for noise in element.select(selector):
            if not noise.decomposed:  # with its parent
                noise.decompose()


_MAX_LINKS = 5_000


def _rule_of_links(tree: Element, sites: Sites) -> SiteRule | None:
    """The rule of most links: a page saved without its address mostly links to its own site."""
    elements = islice(tree.iter("a", "img", "link", "script"), _MAX_LINKS)
    hosts = Counter(filter(None, map(_host, elements)))
    votes: Counter[str] = Counter()
    for host, count in hosts.items():
        if rule := sites.of_host(host) or sites.of_image_host(host):
            votes[rule.name] += count
    if not votes:
        return None
    name, count = votes.most_common(1)[0]
    return sites.named(name) if count * 2 > hosts.total() else None


def _host(element: Element) -> str | None:
    address = element.get("href") or element.get("src") or ""
    return host_of(address) if is_absolute(address) else None
