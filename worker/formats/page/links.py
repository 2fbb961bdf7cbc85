"""Where the addresses in a page lead: its base, its next page."""

import re
from collections.abc import Iterable
from urllib.parse import urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag


def base_of(soup: BeautifulSoup, url: str | None) -> str | None:
    """What the page's relative addresses are relative to: its `base` element, else `url`."""
    element = soup.select_one("base[href]")
    href = element.get("href") if element else None
    return joined(url, href if isinstance(href, str) else None) or url


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


def leads_inside(url: str) -> bool:
    """Whether an address names more than a site's front page."""
    parts = urlsplit(url)
    return bool(parts.path.strip("/") or parts.query)


def next_page(soup: BeautifulSoup, selectors: Iterable[str], base: str | None) -> str | None:
    """The address of the page on which the article goes on, as a site's rule finds it.

    Of several links the one that says so; the first, unless it says that it leads back.
    """
    for selector in selectors:
        links = [
            (_told(element), link)
            for element in soup.select(selector, limit=_MAX_LINKS)
            if isinstance(href := element.get("href"), str) and (link := joined(base, href))
        ]
        onward = [link for told, link in links if _NEXT.search(told)]
        onward += [link for told, link in links if not _BACK.search(told)]
        if onward:
            return onward[0]
    return None


def follows(url: str, link: str | None) -> bool:
    """Whether `link` is another page of the host that `url` is of."""
    if link is None or host_of(link) != host_of(url):
        return False
    return urldefrag(link).url != urldefrag(url).url


_MAX_LINKS = 100
_NEXT = re.compile(r"下一?[页頁]|\bnext|[›»]|>>", re.IGNORECASE)
_BACK = re.compile(r"上一?[页頁]|\bprev|[‹«]|<<", re.IGNORECASE)


def _told(link: Tag) -> str:
    """What a link says of itself, and what the pictures in it do."""
    values = [
        value
        for element in (link, *link.find_all("img", limit=3))
        for name in ("rel", "title", "class", "alt", "src")
        if (value := element.get(name))
    ]
    words = (" ".join(value) if isinstance(value, list) else value for value in values)
    return " ".join((link.get_text(" ", strip=True), *words))
