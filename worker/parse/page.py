"""A whole HTML page: its article found by the site's rule, else by what the page says of itself.

Beautiful Soup reads the page. A rule's selectors go first, then JSON-LD, meta elements,
microdata and what is visible; the body of a page that no rule knows is found by trafilatura.
Titles keep their site's suffix and authors may be outlets: the normalizer tells these apart.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup, Tag
from lxml import etree

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.model import Document, Profile, RawArticle, Refusal
from worker.parse.body import text_to_html
from worker.parse.page_body import extracted_body, text_length
from worker.parse.page_json_ld import by_json_ld
from worker.parse.page_meta import (
    Said,
    by_address,
    by_meta,
    by_microdata,
    by_rule,
    by_text,
    merged,
    text_at,
)
from worker.parse.values import clean
from worker.settings import Limits
from worker.sites import DEFAULT, SiteRule, Sites

PARSER = "page"

MAX_ELEMENTS = 30_000
"""In one page. The largest of 14 news pages has 1,667; 30,000 cost up to 10 s and 175 MB here."""

MAX_CHARACTERS = 4_000_000
"""Of text, scripts and styles not counted: a long novel. 30 million take 3 GB here."""

MAX_ATTRIBUTES = 1_000
"""In one element. libxml2 looks each new one up among all before: 80,000 take 12 s here."""


def parse_page(
    text: str, document: Document, *, profile: Profile, sites: Sites, limits: Limits
) -> Iterator[RawArticle | Refusal]:
    """The one article of the page `text`; `document` tells where it came from.

    Raises Rejected: `too_deep` and `too_large` before anything costly is done, `no_content` for
    a page without an article.
    """
    text = clean(text)
    _check_size(text, limits)
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
    base = _base(soup, document.url or url)
    next_page = _next_page(soup, rule, base)
    html, warnings = _body(soup, rule, said)
    outlet = said.publisher.name if said.publisher else None
    if next_page:
        warnings = (*warnings, f"the article goes on at {printable(next_page)}")
    yield RawArticle(
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
        url=url if url and _leads_inside(url) else None,
        base_url=base,
        summary=said.summary if said.summary != said.title else None,
        image=_joined(base, said.image),
        warnings=warnings,
        site=rule.name if rule else None,
    )


class _Counter:
    """A parser target that only counts: 20 times cheaper than the tree it guards."""

    def __init__(self, most_nested: int) -> None:
        self.depth = self.elements = self.characters = 0
        self.in_code = False
        self.most_nested = most_nested

    def start(self, tag: str | bytes, attrib: Mapping[str | bytes, str | bytes]) -> None:
        self.depth += 1
        self.elements += 1
        self.in_code = tag in ("script", "style")
        if self.depth > self.most_nested:
            raise Rejected(
                Reason.TOO_DEEP,
                f"the page nests more than {self.most_nested} elements (limits.html_depth): "
                "no article does; drop the article alone",
            )
        if self.elements > MAX_ELEMENTS:
            raise _too_large(f"{MAX_ELEMENTS} elements")
        if len(attrib) > MAX_ATTRIBUTES:
            raise _too_large(f"{MAX_ATTRIBUTES} attributes in one element")

    def end(self, tag: str | bytes) -> None:
        self.depth -= 1
        self.in_code = False

    def data(self, data: str | bytes) -> None:
        if not self.in_code:
            self.characters += len(data)
            if self.characters > MAX_CHARACTERS:
                raise _too_large(f"{MAX_CHARACTERS} characters of text")

    def comment(self, text: str | bytes) -> None:
        """Only there because lxml asks for it, as the next one is."""

    def close(self) -> None:
        """See above."""


def _too_large(what: str) -> Rejected:
    return Rejected(
        Reason.TOO_LARGE, f"the page has more than {what}: drop the article alone, or in parts"
    )


def _check_size(text: str, limits: Limits) -> None:
    """Refuse what would cost too much before a tree is built: bs4 and CSS are slow in depth."""
    parser = etree.HTMLParser(target=_Counter(limits.html_depth), huge_tree=True)
    try:
        for start in range(0, len(text), _CHUNK):
            parser.feed(text[start : start + _CHUNK])
        parser.close()
    except etree.LxmlError:  # bs4 will say whether anything is left
        return


_CHUNK = 64 * 1024
_MAX_LINKS = 5_000


def _page_url(document: Document, meta: Said, ld: Said) -> str | None:
    """The canonical address. A front page as such is a mistake of the site's template; it still
    tells the host where nothing else does.
    """
    links = [link for said in (meta, ld) if (link := _joined(document.url, said.url))]
    return next(filter(_leads_inside, links), document.url or next(iter(links), None))


def _leads_inside(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.path.strip("/") or parts.query)


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


def _base(soup: BeautifulSoup, url: str | None) -> str | None:
    element = soup.select_one("base[href]")
    href = element.get("href") if element else None
    return _joined(url, href if isinstance(href, str) else None) or url


def _joined(base: str | None, link: str | None) -> str | None:
    """`link` as an absolute http address, or None."""
    try:
        joined = urljoin(base or "", link.strip()) if link and link.strip() else ""
        return joined if urlsplit(joined).hostname and joined[:4].lower() == "http" else None
    except ValueError:
        return None


def _next_page(soup: BeautifulSoup, rule: SiteRule | None, base: str | None) -> str | None:
    for selector in rule.page.next_page if rule else ():
        element = soup.select_one(selector)
        href = element.get("href") if element else None
        if isinstance(href, str) and (link := _joined(base, href)):
            return link
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
