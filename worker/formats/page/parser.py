"""A whole HTML page: its article found by the site's rule, else by the page's own metadata.

Beautiful Soup reads the page. A rule's selectors come first, then JSON-LD, meta elements,
microdata and visible text; without a rule, trafilatura finds the body. Titles keep their site's
suffix and authors may be outlets: the normalizer sorts that out.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bs4 import BeautifulSoup, Tag

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.body import text_to_html
from worker.formats.context import ParseContext, Parsed
from worker.formats.page.body import extracted_body, text_length
from worker.formats.page.json_ld import by_json_ld
from worker.formats.page.links import (
    base_of,
    host_of,
    is_inner_page,
    is_other_page,
    joined,
    next_page,
)
from worker.formats.page.metadata import (
    PageMetadata,
    by_address,
    by_meta,
    by_microdata,
    by_rule,
    by_text,
    merge_metadata,
    text_at,
)
from worker.formats.page.size_limits import check_size
from worker.formats.values import clean
from worker.model import Document, RawArticle
from worker.model.warning import RecordWarning, WarningKind, warn
from worker.settings import Limits
from worker.sites import DEFAULT, SiteRule, Sites

PARSER = "page"


@dataclass(frozen=True, slots=True)
class Page:
    """The article of a page, and the address of its next page."""

    article: RawArticle
    next_page: str | None


def parse_page(text: str, document: Document, context: ParseContext) -> Parsed:
    """The one article of the page `text`. Raises Rejected as `read_page` does."""
    page = read_page(text, document, context)
    link = page.next_page
    yield with_next_page_warning(page.article, link) if link else page.article


def with_next_page_warning(article: RawArticle, link: str) -> RawArticle:
    """The article with a warning that it continues at `link`."""
    warning = warn(WarningKind.INCOMPLETE, f"the article goes on at {printable(link)}")
    return replace(article, warnings=(*article.warnings, warning))


def read_page(text: str, document: Document, context: ParseContext) -> Page:
    """The article of the page `text`, and its next page.

    Raises Rejected: `too_deep` and `too_large` before anything costly is done, `no_content` for
    a page without an article.
    """
    soup = _soup(text, context.limits)
    meta = by_meta(soup)
    ld = by_json_ld(soup, meta.url)
    url = _page_url(document, meta, ld)
    rule = _rule(soup, url, meta, context)
    ruled = by_rule(soup, rule) if rule else PageMetadata()
    data = merge_metadata(ruled, ld, meta, by_microdata(soup), by_text(soup), by_address(url))
    base = base_of(soup, document.url or url)
    following = next_page(soup, rule.page.next_page, base) if rule else None
    html, warnings = _body(soup, rule, data)
    outlet = data.publisher.name if data.publisher else None
    article = RawArticle(
        parser=PARSER,
        html=html,
        title=data.title,
        dates=data.dates,
        modified=data.modified,
        authors=tuple(author for author in data.authors if author.name != outlet),
        publisher=data.publisher,
        editor=data.editor,
        tags=tuple(tag for tag in data.tags if tag != data.title),
        language=data.language,
        url=url if url and is_inner_page(url) else None,
        base_url=base,
        summary=data.summary if data.summary != data.title else None,
        image=joined(base, data.image),
        warnings=warnings,
        site=rule.name if rule else None,
    )
    return Page(article, following)


def linked_page(text: str, url: str, selectors: tuple[str, ...], limits: Limits) -> str | None:
    """The next page, on the same host, of the page `text` at `url`, by a rule's selectors.

    Raises Rejected as `read_page` does.
    """
    soup = _soup(text, limits)
    link = next_page(soup, selectors, base_of(soup, url))
    return link if is_other_page(url, link) else None


_MAX_LINKS = 5_000


def _soup(text: str, limits: Limits) -> BeautifulSoup:
    text = clean(text)
    check_size(text, limits)
    return BeautifulSoup(text, "lxml")


def _page_url(document: Document, *sources: PageMetadata) -> str | None:
    """The canonical address. A front page there is a mistake of the site's template: it only gives
    the host, where nothing else does."""
    links = [link for source in sources if (link := joined(document.url, source.url))]
    return next(filter(is_inner_page, links), document.url or next(iter(links), None))


def _rule(
    soup: BeautifulSoup, url: str | None, meta: PageMetadata, context: ParseContext
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
    return _rule_of_links(soup, sites)


def _rule_of_links(soup: BeautifulSoup, sites: Sites) -> SiteRule | None:
    """The rule of most links: a page saved without its address mostly links to its own site."""
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
    is_address = isinstance(address, str) and address.startswith(("http://", "https://", "//"))
    return host_of(str(address)) if is_address else None


def _body(
    soup: BeautifulSoup, rule: SiteRule | None, data: PageMetadata
) -> tuple[str, tuple[RecordWarning, ...]]:
    """The body's HTML, and a warning where it may be wrong."""
    if rule and (html := _by_selector(soup, rule)):
        return html, ()
    for heading in soup.find_all("h1"):
        if heading.decomposed:  # with its parent
            continue
        if (data.title or "").startswith(text_at(heading)):  # the body would repeat it
            heading.decompose()
    html = extracted_body(soup)
    # Some pages hold their text for search engines only and draw the rest by script.
    if data.body and text_length(html) * 2 < len(data.body):
        warning = warn(WarningKind.BODY_SOURCE, "the body was read from JSON-LD")
        return text_to_html(data.body), (warning,)
    if not text_length(html):
        raise Rejected(
            Reason.NO_CONTENT,
            "no article was found on this page: drop the article itself, or write a site rule "
            "(config/sites/README.md)",
        )
    if rule and rule.page.content:
        text = f"the site rule {rule.name} found no body: its selectors may be outdated"
        return html, (warn(WarningKind.SITE_RULE, text),)
    text = "no site rule knows this page: its body was found by trafilatura"
    return html, (warn(WarningKind.SITE_RULE, text),)


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
            if not noise.decomposed:  # with its parent
                noise.decompose()
