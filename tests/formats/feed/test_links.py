"""The feeds that a page names."""

import pytest

from worker.errors import Rejected
from worker.formats.feed.discovery import MAX_FEEDS, FeedLink, feeds_in_page
from worker.model import Document

URL = "https://a.example/blog/"


def feeds(text: str, url: str | None = URL) -> tuple[FeedLink, ...]:
    return feeds_in_page(Document(text.encode(), url=url))


def test_every_kind() -> None:
    """RSS, Atom and both names of JSON Feed, in the page's order, absolute and once each."""
    found = feeds(
        "<!DOCTYPE html><html><head>"
        '<link rel="alternate" type="application/rss+xml" title=" 港口\n日报 " href="/feed">'
        '<link rel="alternate" type="application/atom+xml" href="atom.xml">'
        '<LINK REL="Alternate Home" TYPE="Application/Feed+JSON; charset=x" HREF="//b.example/j">'
        '<link rel="alternate" type="application/json" href="https://a.example/feed.json">'
        '<link rel="alternate" type="application/rss+xml" title="2" href="https://a.example/feed">'
        "</head></html>"
    )
    assert found == (
        FeedLink("https://a.example/feed", "港口 日报", "rss"),
        FeedLink("https://a.example/blog/atom.xml", None, "atom"),
        FeedLink("https://b.example/j", None, "json"),
        FeedLink("https://a.example/feed.json", None, "json"),
    )


@pytest.mark.parametrize(
    "link",
    [
        '<link rel="stylesheet" type="application/rss+xml" href="/x">',
        '<link rel="alternate" type="text/html" hreflang="en" href="/x">',
        '<link rel="alternate" href="/x">',
        '<link rel="alternate" type="application/rss+xml" href=" ">',
        '<link rel="alternate" type="application/rss+xml" href="javascript:x">',
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/7">',
        '<!-- <link rel="alternate" type="application/rss+xml" href="/x"> -->',
        '<a rel="alternate" type="application/rss+xml" href="/x">feed</a>',
    ],
)
def test_what_is_none(link: str) -> None:
    """Style sheets, translations, a program's interface, scripts and comments are no feeds."""
    assert feeds(f"<html><head>{link}</head></html>") == ()


def test_base() -> None:
    """A page's `base` goes before its address; it may stand behind the links."""
    link = '<link rel=alternate type="application/rss+xml" href="feed">'
    base = '<base href="https://c.example/x/">'
    assert feeds(f"{link}{base}")[0].url == "https://c.example/x/feed"
    assert feeds(link, url=None) == ()


def test_what_is_no_page() -> None:
    """Nothing is found in nothing; what is no text is refused."""
    assert feeds("") == ()
    assert feeds("<rss><channel/></rss>") == ()
    with pytest.raises(Rejected):
        feeds_in_page(Document(b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 20))


def test_number_is_bounded() -> None:
    """However many a page names, so many are found."""
    link = '<link rel=alternate type="application/rss+xml" href="{}">'
    assert len(feeds("".join(link.format(number) for number in range(MAX_FEEDS * 2)))) == MAX_FEEDS
