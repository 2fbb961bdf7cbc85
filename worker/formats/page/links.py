"""Addresses in a page: made absolute; the base; the next page."""

import re
from collections.abc import Iterable
from urllib.parse import urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

from worker.formats.page.tree import Element, attribute


def base_of(tree: Element, url: str | None) -> str | None:
    """The base of the page's relative addresses: its `base` element, else `url`."""
    element = next((base for base in tree.iter("base") if base.get("href")), None)
    return joined(url, attribute(element, "href")) or url


def joined(base: str | None, link: str | None) -> str | None:
    """`link` as an absolute http address, or None."""
    try:
        address = urljoin(base or "", link.strip()) if link and link.strip() else ""
        return address if urlsplit(address).hostname and address[:4].lower() == "http" else None
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
    """Whether an address is only a host."""
    return _FRONT_PAGE.match(url) is not None


def next_page(soup: BeautifulSoup, selectors: Iterable[str], base: str | None) -> str | None:
    """The address of the article's next page, by the selectors of a site's rule.

    Of several links the one labelled so, else the first that is not labelled as leading back.
    """
    for selector in selectors:
        links = [
            (_label(element), link)
            for element in soup.select(selector, limit=_MAX_LINKS)
            if isinstance(href := element.get("href"), str) and (link := joined(base, href))
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
_FRONT_PAGE = re.compile(r"https?://[^/?#]+/?$")
_NEXT = re.compile(r"下一?[页頁]|\bnext|[›»]|>>", re.IGNORECASE)
_BACK = re.compile(r"上一?[页頁]|\bprev|[‹«]|<<", re.IGNORECASE)


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
