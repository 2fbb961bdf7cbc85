"""A whole HTML page: its article found by the site's rule, else by what the page says of itself.

Beautiful Soup reads the page. A rule's selectors go first, then JSON-LD, meta elements,
microdata and what is visible; the body of a page that no rule knows is found by trafilatura.
Titles keep their site's suffix and authors may be outlets: the normalizer tells these apart.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.body import text_to_html
from worker.formats.page.body import extracted_body, text_length
from worker.formats.page.json_ld import by_json_ld
from worker.formats.page.links import base_of, follows, joined, leads_inside, next_page
from worker.formats.page.metadata import (
    Said,
    by_address,
    by_meta,
    by_microdata,
    by_rule,
    by_text,
    merged,
    text_at,
)
from worker.formats.page.size_limits import check_size
from worker.formats.values import clean
from worker.model import Document, Profile, RawArticle, Refusal
from worker.settings import Limits
from worker.sites import DEFAULT, SiteRule, Sites

PARSER = "page"


@dataclass(frozen=True, slots=True)
class Page:
    """The article of a page, and the page on which it goes on."""

    article: RawArticle
    next_page: str | None


def parse_page(
    text: str, document: Document, *, profile: Profile, sites: Sites, limits: Limits
) -> Iterator[RawArticle | Refusal]:
    """The one article of the page `text`; `document` tells where it came from.

    Raises Rejected as `read_page` does.
    """
    page = read_page(text, document, profile=profile, sites=sites, limits=limits)
    yield page.article if page.next_page is None else going_on(page.article, page.next_page)


def going_on(article: RawArticle, link: str) -> RawArticle:
    """The article with a warning that it is not whole."""
    warning = f"the article goes on at {printable(link)}"
    return replace(article, warnings=(*article.warnings, warning))


def read_page(
    text: str, document: Document, *, profile: Profile, sites: Sites, limits: Limits
) -> Page:
    """The article of the page `text`, and where it goes on.

    Raises Rejected: `too_deep` and `too_large` before anything costly is done, `no_content` for
    a page without an article.
    """
    text = clean(text)
    check_size(text, limits)
    soup = BeautifulSoup(text, "lxml")
    meta = by_meta(soup)
    ld = by_json_ld(soup, meta.url)
    url = _page_url(document, meta, ld)
    rule = _rule(soup, url, meta, profile, sites)
    said = merged(
        (
            by_rule(soup, rule) if rule else Said(),
            ld,
            meta,
            by_microdata(soup),
            by_text(soup),
            by_address(url),
        )
    )
    base = base_of(soup, document.url or url)
    following = next_page(soup, rule.page.next_page, base) if rule else None
    html, warnings = _body(soup, rule, said)
    outlet = said.publisher.name if said.publisher else None
    article = RawArticle(
        parser=PARSER,
        html=html,
        title=said.title,
        dates=said.dates,
        modified=said.modified,
        authors=tuple(one for one in said.authors if one.name != outlet),
        publisher=said.publisher,
        editor=said.editor,
        tags=tuple(tag for tag in said.tags if tag != said.title),
        language=said.language,
        url=url if url and leads_inside(url) else None,
        base_url=base,
        summary=said.summary if said.summary != said.title else None,
        image=joined(base, said.image),
        warnings=warnings,
        site=rule.name if rule else None,
    )
    return Page(article, following)


def linked_page(text: str, url: str, selectors: tuple[str, ...], limits: Limits) -> str | None:
    """The page of the same host on which the page `text` at `url` goes on, by a rule's selectors.

    Raises Rejected as `read_page` does.
    """
    text = clean(text)
    check_size(text, limits)
    soup = BeautifulSoup(text, "lxml")
    link = next_page(soup, selectors, base_of(soup, url))
    return link if follows(url, link) else None


_MAX_LINKS = 5_000


def _page_url(document: Document, meta: Said, ld: Said) -> str | None:
    """The canonical address. A front page as such is a mistake of the site's template; it still
    tells the host where nothing else does.
    """
    links = [link for said in (meta, ld) if (link := joined(document.url, said.url))]
    return next(filter(leads_inside, links), document.url or next(iter(links), None))


def _rule(
    soup: BeautifulSoup, url: str | None, meta: Said, profile: Profile, sites: Sites
) -> SiteRule | None:
    """The source's own rule, the rule of the page's host, else the one its addresses point to."""
    if profile.site:
        return sites.named(profile.site)
    if url:
        return sites.of_host(urlsplit(url).hostname)
    if meta.publisher:
        rule = sites.choose(publisher=meta.publisher.name)
        if rule and rule.name != DEFAULT:
            return rule
    return _pointed_to(soup, sites)


def _pointed_to(soup: BeautifulSoup, sites: Sites) -> SiteRule | None:
    """A page saved without its address mostly links to its own site."""
    elements = soup.find_all(["a", "img", "link", "script"], limit=_MAX_LINKS)
    hosts = Counter(filter(None, map(_host, elements)))
    votes: Counter[str] = Counter()
    for host, count in hosts.items():
        if rule := sites.of_host(host) or sites.of_image_host(host):
            votes[rule.name] += count
    if not votes:
        return None
    name, count = votes.most_common(1)[0]
    return sites.named(name) if count * 2 > hosts.total() else None


def _host(element: Tag) -> str | None:
    address = element.get("href") or element.get("src")
    if not isinstance(address, str) or not address.startswith(("http://", "https://", "//")):
        return None
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _body(soup: BeautifulSoup, rule: SiteRule | None, said: Said) -> tuple[str, tuple[str, ...]]:
    """The body's HTML and how it was found, where that is worth a warning."""
    if rule and (html := _by_selector(soup, rule)):
        return html, ()
    for heading in soup.find_all("h1"):
        if heading.decomposed:  # with the one that held it
            continue
        if (said.title or "").startswith(text_at(heading)):  # it would open the body again
            heading.decompose()
    html = extracted_body(soup)
    # Some pages hold their text for search engines only and draw the rest by script.
    if said.body and text_length(html) * 2 < len(said.body):
        return text_to_html(said.body), ("the body was read from JSON-LD",)
    if not text_length(html):
        raise Rejected(
            Reason.NO_CONTENT,
            "no article was found on this page: drop the article itself, or write a site rule "
            "(config/sites/README.md)",
        )
    if rule and rule.page.content:
        return html, (f"the site rule {rule.name} found no body: its selectors may be outdated",)
    return html, ("no site rule knows this page: its body was found by trafilatura",)


def _by_selector(soup: BeautifulSoup, rule: SiteRule) -> str | None:
    for selector in rule.page.content:
        for element in soup.select(selector):
            _remove(element, rule.page.remove)
            if element.get_text(strip=True) or element.find(["img", "video"]):
                return element.decode()
    return None


def _remove(element: Tag, selectors: Iterable[str]) -> None:
    for selector in selectors:
        for noise in element.select(selector):
            if not noise.decomposed:  # with what held it
                noise.decompose()
