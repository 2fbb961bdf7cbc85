"""The address that a page declares is believed only where it can be its article's."""

import pytest

from tests.formats.pages import BODY, Parse, page_of

PLAUSIBLE = {
    "the same": ("https://a.example/news/12345.html", "https://a.example/news/12345.html"),
    "tracking": ("https://a.example/n/12345?utm_source=x", "https://a.example/n/12345"),
    "AMP page": ("https://amp.a.example/n/12345", "https://www.a.example/n/12345"),
    "mobile host": ("https://m.a.example/html/660123.htm", "https://www.a.example/0/660/123.htm"),
    "other mobile number": ("https://m.a.example/n/12345", "https://www.a.example/c/c98765.html"),
    "short link": ("https://a.example/?p=123", "https://a.example/2021/11/gangkou-kaigong/"),
    "comments": ("https://a.example/2021/harbour-bridge-opens/comments", "https://a.example/2021/harbour-bridge-opens"),
    "other domain of the site": ("https://a.cn/detail-ikyamrmy5321.d.html", "https://news.a.com.cn/doc-ikyamrmy5321.shtml"),
    "original of an agency": ("https://paper.example/wire/77", "https://agency.example/harbour-bridge-reopens-today"),
    "relative": ("https://a.example/n/12345?from=timeline", "/n/12345"),
}  # fmt: skip

LYING = {
    "front page": "https://a.example/",
    "section": "https://a.example/news/",
    "section above": "https://a.example/news/port",
    "another section": "https://a.example/category/harbour",
    "latest": "https://a.example/latest",
    "another article": "https://a.example/news/port/99999.html",
    "another site": "https://b.example/about-us",
    "another site's article": "https://b.example/n/99999",
    "template": "https://a.example/{{ page.url }}",
    "undefined": "https://a.example/news/undefined",
    "test host": "https://localhost/news/port/12345.html",
    "private address": "http://10.0.0.3/news/port/12345.html",
    "staging": "https://staging.a.example/news/port/12345.html",
    "broken": "http://[a/12345",
    "broken in an AMP cache": "https://www.google.com/amp/s/a.example℀/about",
    "another scheme": "httpx://a.example/news/port/12345.html",
    "endless": "https://a.example/news/port/" + 3_000_000 * "a",
    "script": "javascript:void(0)",
    "empty": "",
}


def canonical(page: str, *links: str, parse: Parse) -> str | None:
    head = "".join(f'<link rel="canonical" href="{link}">' for link in links)
    return parse(page_of(f"<h1>Harbour bridge reopens today</h1>{BODY}", head), page).canonical_url


@pytest.mark.parametrize(("page", "link"), PLAUSIBLE.values(), ids=PLAUSIBLE)
def test_plausible(page: str, link: str, parse: Parse) -> None:
    """A declared address of the same article is the canonical one."""
    expected = link if link.startswith("http") else f"https://a.example{link}"
    assert canonical(page, link, parse=parse) == expected


@pytest.mark.parametrize("link", LYING.values(), ids=LYING)
def test_lying(link: str, parse: Parse) -> None:
    """A declared address that cannot be this article's is not believed: the page's own stays."""
    page = "https://a.example/news/port/12345.html"
    assert canonical(page, link, parse=parse) == page


def test_the_next_declared_address_counts(parse: Parse) -> None:
    """Behind a lying one, the first plausible declared address is used."""
    page = "https://m.a.example/news/12345.html"
    good = "https://www.a.example/news/12345.html"
    assert canonical(page, "https://www.a.example/", good, parse=parse) == good


def test_nothing_to_compare(parse: Parse) -> None:
    """A page without its own address gives none to compare: `url` is what it declares."""
    article = parse(page_of(BODY, '<link rel="canonical" href="https://a.example/n/1">'))
    assert (article.url, article.canonical_url) == ("https://a.example/n/1", None)
