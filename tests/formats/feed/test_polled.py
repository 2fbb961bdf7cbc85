"""Answers to a poll: feeds of every kind, and everything else."""

import gzip
import json
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.formats.feed.test_feed import ITEM, ZONED, rss
from tests.formats.feed.test_sitemap import news, sitemap
from worker.errors import Reason, Rejected
from worker.formats import ParseContext
from worker.formats.feed.polled import FeedFile, read_feed
from worker.model import Document, Profile, RawArticle, Refusal
from worker.settings import Limits
from worker.sites import Sites

Poll = Callable[..., FeedFile]
ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title>%s</feed>'
ENTRY = b"<entry><title>One</title><id>1</id><link href='https://a.example/1'/></entry>"
SY = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'


@pytest.fixture
def poll(sites: Sites) -> Poll:
    """The feed in some bytes; keywords `url`, `charset` and those of Limits."""
    zone = ZoneInfo("Asia/Shanghai")
    profile = Profile("wire", zone, zone)

    def poll(data: bytes, url: str | None = None, charset: str | None = None, **limits: Any):  # type: ignore[no-untyped-def]
        document = Document(data, "feed", url=url, charset=charset)
        return read_feed(document, ParseContext(profile, sites, Limits(**limits)))

    return poll


def json_feed(*titles: str, **more: Any) -> bytes:
    items = [{"id": title, "title": title, "content_html": "<p>x</p>"} for title in titles]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Wire", "items": items}
    return json.dumps(feed | more).encode()


# ── what is a feed ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "parser", "title"),
    [
        (rss(ITEM.format("One", 1, ZONED)), "feed", "Wire"),
        (ATOM % ENTRY, "feed", "Wire"),
        (json_feed("One"), "json-feed", "Wire"),
        (sitemap(news("One")), "sitemap", None),
        (gzip.compress(sitemap(news("One")), mtime=0), "sitemap", None),
        (gzip.compress(rss(ITEM.format("One", 1, ZONED)), mtime=0), "feed", "Wire"),
    ],
    ids=["rss", "atom", "json", "sitemap", "sitemap.gz", "rss.gz"],
)
def test_feeds(data: bytes, parser: str, title: str | None, poll: Poll) -> None:
    """RSS, Atom, JSON Feed and news sitemaps are read, packed once or not."""
    found = poll(data)
    assert (found.parser, found.title) == (parser, title)
    assert [entry.title for entry in found.articles() if isinstance(entry, RawArticle)] == ["One"]


@pytest.mark.parametrize(
    "data", [rss(), ATOM % b"", json_feed(), sitemap()], ids=["rss", "atom", "json", "sitemap"]
)
def test_no_entries_yet(data: bytes, poll: Poll) -> None:
    """A feed without entries is a feed: blogs begin so, and sitemaps forget after two days."""
    assert list(poll(data).articles()) == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<!DOCTYPE html><title>Log in to the hotel's network</title>", "link rel=alternate"),
        (b"<html><body><article>" + b"<p>text</p>" * 100, "a page, not a feed"),
        (b"", "is empty"),
        (b" \n\t ", "is empty"),
        (b"---\ntitle: x\n---\ntext", "this is text"),
        (b"# Heading\n\ntext", "this is text"),
        (b"404 not found", "this is text"),
        (b"<error><code>NoSuchKey</code></error>", "XML of another kind"),
        (b'{"error": "rate limit"}', "no JSON Feed"),
        (b'[{"title": "x", "content_html": "<p>y</p>"}]', "no JSON Feed"),
        (b'{"title": "x", "content_html": "y"}', "no JSON Feed"),
        (b'{"title": "x"}\n{"title": "y"}', "this is text"),
        (b"PK\x03\x04rest", "an archive"),
        (gzip.compress(gzip.compress(rss(), mtime=0), mtime=0), "an archive"),
        (gzip.compress(b"a" * 257 + b"ustar\x0000" + b"a" * 300, mtime=0), "an archive"),
        (gzip.compress(rss(ITEM.format("One", 1, ZONED) * 50), mtime=0)[:-20], "cut off"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 20, "not text"),
        (b'<rss version="2.0"><channel><title>Wire</title><lin', "before its first entry"),
        (json_feed().replace(b'"items"', b'"things"'), "no list `items`"),
    ],
)
def test_no_feed(data: bytes, expected: str, poll: Poll) -> None:
    """Whatever is no feed is refused as a whole, before any entry, with what to do."""
    with pytest.raises(Rejected, match=expected):
        poll(data)


def test_sitemaps_without_news(poll: Poll) -> None:
    """A sitemap of pages is refused at once, and not at its end."""
    with pytest.raises(Rejected, match="news sitemap"):
        poll(sitemap("<loc>https://a.example/</loc>"))


# ── what it may cost ────────────────────────────────────────────────────────────────────────


def test_gzip_is_bounded(poll: Poll) -> None:
    """What unpacks to more than a file may be, or as no text does, is refused while unpacking."""
    # Its end is cut off, which only shows if all of it is unpacked.
    packed = gzip.compress(b"<rss>" + bytes(range(32, 127)) * 100_000)[:-20]
    with pytest.raises(Rejected, match="file_mb"):
        poll(packed, file_mb=1)
    with pytest.raises(Rejected, match="times its size"):
        poll(gzip.compress(b" " * 30_000_000, mtime=0))


def test_size_is_bounded(poll: Poll) -> None:
    """An answer larger than a file may be is refused."""
    with pytest.raises(Rejected, match="file_mb") as caught:
        poll(rss() + b" " * 1_000_000, file_mb=1)
    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "feed", [lambda n: rss(*[ITEM.format("x", 1, ZONED)] * n), lambda n: json_feed(*["x"] * n)]
)
def test_entries_are_bounded(feed: Callable[[int], bytes], poll: Poll) -> None:
    """A feed of more entries than limits.articles is refused."""
    assert len(list(poll(feed(10), articles=10).articles())) == 10
    with pytest.raises(Rejected, match="more than 10"):
        list(poll(feed(11), articles=10).articles())


def test_entities_are_refused(poll: Poll) -> None:
    """A feed whose entities are files is refused before any parser sees it."""
    declared = '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///x">]>'
    with pytest.raises(Rejected, match="remove its DOCTYPE"):
        poll(rss(ITEM.format("&a;", 1, ZONED), doctype=declared))


def test_very_many_attributes_are_refused(poll: Poll) -> None:
    """An element of very many attributes is refused, whatever their values are."""
    many = " ".join(f'a{number}=">"' for number in range(20_000))
    with pytest.raises(Rejected, match="1000 attributes"):
        poll(rss(f"<item {many}><title>x</title></item>"))


def test_long_text_is_not_attributes(poll: Poll) -> None:
    """A body that holds much markup of its own is no element of many attributes."""
    body = "&lt;a href=x&gt;y&lt;/a&gt;" * 2_000
    (entry,) = poll(
        rss(f"<item><title>x</title><description>{body}</description></item>")
    ).articles()
    assert isinstance(entry, RawArticle)


# ── its entries ─────────────────────────────────────────────────────────────────────────────


def test_same_guid_on_all(poll: Poll) -> None:
    """Entries that all have one guid stay as many as they are."""
    items = [
        ITEM.format(title, 1, ZONED).replace("</item>", "<guid>same</guid></item>")
        for title in ("a", "b", "c")
    ]
    assert [entry.title for entry in poll(rss(*items)).articles()] == ["a", "b", "c"]  # type: ignore[union-attr]


def test_bad_entry_is_refused_alone(poll: Poll) -> None:
    """An entry that says nothing is a refusal, and those around it are read."""
    items = (ITEM.format("a", 1, ZONED), "<item><guid>x</guid></item>", ITEM.format("c", 3, ZONED))
    found = list(poll(rss(*items)).articles())
    assert [isinstance(entry, Refusal) for entry in found] == [False, True, False]


def test_date_that_cannot_be(poll: Poll) -> None:
    """A date that no calendar has is handed on as it is written."""
    (entry,) = poll(rss(ITEM.format("a", 1, "Tue, 31 Feb 2021 25:00:00 +0800"))).articles()
    assert isinstance(entry, RawArticle)
    assert entry.dates[0].text == "Tue, 31 Feb 2021 25:00:00 +0800"


@pytest.mark.parametrize(
    ("home", "feed_url", "link"),
    [
        ("https://a.example/", None, "https://a.example/1"),
        ("/", "https://f.example/feed.xml", "https://f.example/1"),
        ("", None, "/1"),
    ],
)
def test_links_are_absolute(home: str, feed_url: str | None, link: str, poll: Poll) -> None:
    """A relative link is joined with the site's address, else with the feed's own."""
    item = "<item><title>x</title><link>/1</link></item>"
    feed = f'<rss version="2.0"><channel><title>W</title><link>{home}</link>{item}</channel></rss>'
    (entry,) = poll(feed.encode(), url=feed_url).articles()
    assert isinstance(entry, RawArticle)
    assert entry.url == link


def test_declared_charset(poll: Poll) -> None:
    """The charset that the transport declared reads a feed that says nothing itself."""
    data = rss(ITEM.format("渡轮改走西线，票价不变", 1, ZONED)).decode().encode("gb18030")
    (entry,) = poll(data, charset="gb2312").articles()
    assert isinstance(entry, RawArticle)
    assert entry.title == "渡轮改走西线，票价不变"


# ── how long it asks to be left alone ───────────────────────────────────────────────────────


def _sy(period: str, frequency: str) -> str:
    times = f"<sy:updateFrequency>{frequency}</sy:updateFrequency>"
    return f"<sy:updatePeriod>{period}</sy:updatePeriod>{times}"


@pytest.mark.parametrize(
    ("head", "seconds"),
    [
        ("", 0),
        ("<ttl>30</ttl>", 1_800),
        ("<ttl> 60\n</ttl>", 3_600),
        ("<ttl>999999</ttl>", 86_400),
        ("<ttl>99999999999999999999</ttl>", 0),
        ("<ttl>-5</ttl>", 0),
        ("<ttl>often</ttl>", 0),
        ("<ttl>٣٠</ttl>", 0),
        ("<sy:updatePeriod>\n hourly </sy:updatePeriod>", 3_600),
        (_sy("hourly", "4"), 900),
        (_sy("Daily", "2"), 43_200),
        ("<sy:updatePeriod>weekly</sy:updatePeriod>", 86_400),
        (_sy("yearly", "730"), 43_200),
        ("<sy:updateFrequency>24</sy:updateFrequency>", 3_600),
        ("<sy:updatePeriod>fortnightly</sy:updatePeriod>", 0),
        (_sy("daily", "0"), 0),
        ("<ttl>15</ttl><sy:updatePeriod>daily</sy:updatePeriod>", 900),
        ("<ttl>0</ttl><sy:updatePeriod>hourly</sy:updatePeriod>", 3_600),
    ],
)
@pytest.mark.parametrize("date", [ZONED, "2021-12-08"], ids=["fast", "slow"])
def test_hold(head: str, seconds: int, date: str, poll: Poll) -> None:
    """`ttl` in minutes, else the syndication module; nonsense is nothing, a day is the most."""
    data = rss(ITEM.format("x", 1, date), head=head).replace(b"<rss", f"<rss {SY}".encode())
    assert poll(data).hold_seconds == seconds


def test_hold_of_rss_1(poll: Poll) -> None:
    """RSS 1.0 says it in its channel, which stands before the items."""
    feed = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns="http://purl.org/rss/1.0/" {SY}>'
        "<channel rdf:about='https://a.example/'><title>Wire</title><link>https://a.example/</link>"
        "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>"
        "</channel><item rdf:about='https://a.example/1'><title>One</title>"
        "<link>https://a.example/1</link></item></rdf:RDF>"
    )
    found = poll(feed.encode())
    assert (found.title, found.hold_seconds, len(list(found.articles()))) == ("Wire", 1_800, 1)


def test_more_namespaces_than_a_feed_needs(poll: Poll) -> None:
    """Each element's name is looked up among those in force: thousands are refused unread."""
    many = " ".join(f'xmlns:n{n}="u"' for n in range(3000))
    with pytest.raises(Rejected, match="namespaces"):
        poll(f"<rss><channel><item {many}><title>x</title></item></channel></rss>".encode())


def test_more_objects_than_items_may_have(poll: Poll) -> None:
    """A JSON Feed of a hundred thousand empty objects is refused before they are made."""
    items = ",".join(['{"a":{}}'] * 100_000)
    feed = f'{{"version":"https://jsonfeed.org/version/1.1","items":[{items}]}}'
    with pytest.raises(Rejected, match="more than 100 articles"):
        poll(feed.encode(), articles=100)
