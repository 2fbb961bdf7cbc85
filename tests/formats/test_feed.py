"""Feeds: which parser reads them, and what must never reach either."""

from pathlib import Path
from typing import Any

import feedparser
import pytest

from worker.errors import Reason, Rejected
from worker.formats.feed import rss_atom as feed_module
from worker.formats.feed.tag_scan import scan_tags

ITEM = "<item><title>{}</title><link>https://a.example/{}</link><pubDate>{}</pubDate></item>"
ZONED = "Wed, 08 Dec 2021 01:30:00 GMT"


def rss(*items: str, doctype: str = "", head: str = "") -> bytes:
    channel = f"<title>Wire</title><link>https://a.example/</link>{head}{''.join(items)}"
    feed = f'<rss version="2.0"><channel>{channel}</channel></rss>'
    return f'<?xml version="1.0"?>{doctype}{feed}'.encode()


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE rss [<!ENTITY a "x">]>',
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!-- <rss> -->\n<!doctype rss [ <!entity % p SYSTEM "http://127.0.0.1:9/x"> %p; ]>',
    ],
)
def test_entity_declarations_are_refused(doctype: str, read: Any) -> None:
    """A feed that declares entities is refused before any parser sees it."""
    with pytest.raises(Rejected, match="remove its DOCTYPE") as caught:
        read(rss(ITEM.format("&a;", 1, ZONED), doctype=doctype))
    assert caught.value.reason is Reason.UNSAFE


def test_an_article_about_entities_is_read(read_one: Any) -> None:
    """Markup that an article quotes is not taken for the feed's own."""
    quoted = "<description><![CDATA[<!DOCTYPE a [<!ENTITY b 'c'>]>]]></description>"
    assert read_one(rss(f"<item><title>XML</title>{quoted}</item>")).title == "XML"


def test_a_feed_that_is_a_path_opens_nothing(
    read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither parser is ever handed something that it would open as a file or fetch."""
    handed: list[object] = []
    parse = feedparser.parse

    def spy(source: Any, **options: Any) -> Any:
        handed.append(source)
        return parse(source, **options)

    monkeypatch.setattr(feed_module.feedparser, "parse", spy)
    read(rss(ITEM.format("x", 1, "2021-12-08")))
    assert handed
    assert all(hasattr(source, "read") for source in handed)


def test_naive_dates_are_left_as_written(read_one: Any) -> None:
    """A date without a zone keeps its text, so that the source's zone can read it."""
    found = read_one(rss(ITEM.format("x", 1, "2021-12-08 01:30:00")))
    assert found.dates[0].text == "2021-12-08 01:30:00"


@pytest.mark.parametrize(
    ("text", "fast"),
    [
        (f"<item><pubDate>{ZONED}</pubDate></item>", True),
        ("<item><dc:date>2021-12-08T01:30:00+08:00</dc:date></item>", True),
        ("<item><pubDate>2021-12-08</pubDate></item>", False),
        ("<item><pubDate>Invalid Date</pubDate></item>", False),
        ("<entry xml:base='x'></entry>", False),
        ("<entry><content type='xhtml'>x</content></entry>", False),
        ("<entry><author><uri>x</uri></author></entry>", False),
        ("<item><author>a</author> <author>b</author></item>", False),
        ("<item><description>x</description></item><item></item>", False),
    ],
)
def test_which_parser(text: str, fast: bool) -> None:
    """The fast parser reads only what it does not lose."""
    assert scan_tags(text).is_fast is fast


def test_both_parsers_say_the_same(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the fast parser reads is what the slow one would have read, but for the date's form."""
    data = rss(
        ITEM.format("One &amp;amp; two", 1, ZONED).replace(
            "</item>",
            "<description>&lt;p&gt;a&lt;/p&gt;</description><category>x</category></item>",
        ),
        head="<language>en-GB</language>",
    )
    fast = read(data)
    monkeypatch.setattr(feed_module.fastfeedparser, "parse", lambda data: {})
    slow = read(data)
    assert fast[0].dates[0].text == "2021-12-08T01:30:00+00:00"
    assert slow[0].dates[0].text == ZONED
    for name in ("title", "html", "url", "tags", "publisher", "language", "summary", "base_url"):
        assert getattr(fast[0], name) == getattr(slow[0], name), name


@pytest.mark.parametrize("date", [ZONED, "2021-12-08"])
def test_control_characters_cost_only_themselves(date: str, read: Any) -> None:
    """A character that XML forbids ends neither the feed nor its text."""
    text = "<description><![CDATA[<p>before\x0bafter</p>]]></description>"
    item = ITEM.format("a\x0cb", 1, date).replace("</item>", text + "</item>")
    found = read(rss(item, ITEM.format("c", 2, date).replace("</item>", text + "</item>")))
    assert [item.title for item in found] == ["ab", "c"]
    assert [item.html for item in found] == ["<p>beforeafter</p>"] * 2


@pytest.mark.parametrize("text", ["", "<image><url>x</url></image>"])
def test_no_entries(text: str, read: Any) -> None:
    """A feed without entries is empty."""
    with pytest.raises(Rejected) as caught:
        read(rss(head=text))
    assert caught.value.reason is Reason.EMPTY


@pytest.mark.parametrize("root", ["opml", "xliff", "svg"])
def test_other_xml(root: str, read: Any) -> None:
    """XML that is no feed is refused by its root's name."""
    with pytest.raises(Rejected, match=f"<{root}>") as caught:
        read(f'<?xml version="1.0"?><{root}><a/></{root}>'.encode())
    assert caught.value.reason is Reason.UNKNOWN_FORMAT


def test_fetched_feed_gives_its_address(read_one: Any) -> None:
    """A feed that does not say its address has the one it was fetched from."""
    found = read_one(
        rss("<item><title>x</title><link>/x</link></item>"), url="https://f.example/rss"
    )
    assert found.feed_url == "https://f.example/rss"
