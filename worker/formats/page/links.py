"""Addresses in a page: made absolute; the base; the next page; the canonical address."""

import re
from collections.abc import Iterable
from urllib.parse import urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

from worker.formats.page.tree import Element, attribute
from worker.normalize.urls import LONGEST, address_key, canonical_address, is_article_path


def base_of(tree: Element, url: str | None) -> str | None:
    """The base of the page's relative addresses: its `base` element, else `url`."""
    element = next((base for base in tree.iter("base") if base.get("href")), None)
    return resolve_link(url, attribute(element, "href")) or url


def resolve_link(base: str | None, link: str | None) -> str | None:
    """`link` as an absolute http address, or None."""
    try:
        address = urljoin(base or "", link.strip()) if link and link.strip() else ""
        is_web = address[:8].lower().startswith(("http://", "https://"))
        return (
            address if is_web and len(address) <= LONGEST and urlsplit(address).hostname else None
        )
    except ValueError:
        return None


def host_of(url: str | None) -> str | None:
    """The host of an address in lower case, or None."""
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None


def is_inner_page(url: str) -> bool:
    """Whether an address is more than a site's front page."""
    parts = urlsplit(url)
    return bool(parts.path.strip("/") or parts.query)


def is_front_page(url: str) -> bool:
    return _FRONT_PAGE.match(url) is not None


def is_address_of(link: str, page: str, titles: Iterable[str]) -> bool:
    """Whether `link`, which the page at `page` declares as its address, can be its article's.

    Templates give every page one address: the front page, its section, a test host, one article.
    An address on the same site must not be a section, or on the same host an article with another
    number; one on another site must have a number or words of a title in common with this page.
    """
    if not is_inner_page(link) or _TEMPLATE.search(link):
        return False
    base, target = urlsplit(canonical_address(page)), urlsplit(canonical_address(link))
    if address_key(page) == address_key(link):
        return True
    numbers = _numbers(f"{base.path}?{base.query}")
    link_numbers = _numbers(f"{target.path}?{target.query}")
    words = set(_WORD.findall(target.path.lower()))
    is_alike = bool(numbers & link_numbers) or any(
        len(words & set(_WORD.findall(title.lower()))) >= _MIN_COMMON_WORDS for title in titles
    )
    if _site(base.hostname) != _site(target.hostname) or _SECTION.search(target.path):
        return is_alike
    folder = target.path.rstrip("/") + "/"
    if base.path.startswith(folder) and not is_article_path(target.path):
        return False
    return is_alike or not (numbers and link_numbers and base.netloc == target.netloc)


def next_page(soup: BeautifulSoup, selectors: Iterable[str], base: str | None) -> str | None:
    """The address of the article's next page, by the selectors of a site's rule.

    Of several links the one labelled so, else the first that is not labelled as leading back.
    """
    for selector in selectors:
        links = [
            (_label(element), link)
            for element in soup.select(selector, limit=_MAX_LINKS)
            if isinstance(href := element.get("href"), str) and (link := resolve_link(base, href))
        ]
        onward = [link for label, link in links if _NEXT.search(label)]
        onward += [link for label, link in links if not _BACK.search(label)]
        if onward:
            return onward[0]
    return None


def is_other_page(url: str, link: str | None) -> bool:
    """Whether `link` is another page of the host of `url`."""
    if link is None or host_of(link) != host_of(url):
        return False
    return urldefrag(link).url != urldefrag(url).url


_MAX_LINKS = 100
_MIN_COMMON_WORDS = 3
_WORD = re.compile(r"[a-z]{4,}")
_NUMBER = re.compile(r"(?<![a-z0-9])(?:\d{5,}|(?=[a-z]*\d)[a-z0-9]{8,})", re.ASCII)
_DAY = re.compile(r"(?:19|20)\d\d[01]\d(?:[0-3]\d)?")
_SECTION = re.compile(
    r"/(?:categor(?:y|ies)|tags?|topics?|sections?|channels?|authors?|archives?|search|list|page)(?:/|$)|/(?:home|latest|news|index)/?$"
)
_TEMPLATE = re.compile(
    r"[{}<>\[\]]|%7b|\b(?:undefined|null|localhost)\b|//(?:127\.|10\.|192\.168\.|staging\.|dev\.|test\.)",
    re.IGNORECASE,
)
_SECOND_LEVEL = frozenset(["ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"])
_FRONT_PAGE = re.compile(r"https?://[^/?#]+/?$")
_NEXT = re.compile(r"下一?[页頁]|\bnext|[›»]|>>", re.IGNORECASE)
_BACK = re.compile(r"上一?[页頁]|\bprev|[‹«]|<<", re.IGNORECASE)


def _numbers(address: str) -> set[str]:
    """The numbers and ids in an address that can be an article's: no days, no short ones."""
    return {text for text in _NUMBER.findall(address.lower()) if not _DAY.fullmatch(text)}


def _site(host: str | None) -> str:
    """The part of a host that was registered, nearly: `example.com`, `example.com.cn`."""
    labels = (host or "").split(".")
    is_deep = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3 if is_deep else -2 :])


def _label(link: Tag) -> str:
    """The text and the attributes of a link and of the pictures in it."""
    values = [
        value
        for element in (link, *link.find_all("img", limit=3))
        for name in ("rel", "title", "class", "alt", "src")
        if (value := element.get(name))
    ]
    words = (" ".join(value) if isinstance(value, list) else value for value in values)
    return " ".join((link.get_text(" ", strip=True), *words))
