"""Feeds in XML: repaired where they are broken, read in full, and nothing opened or expanded."""

import html as markup
from pathlib import Path
from typing import Any

import feedparser
import pytest

from worker.errors import Reason, Rejected
from worker.formats.feed import xml_text
from worker.formats.feed.tree import feed_tree
from worker.formats.feed.xml_text import safe_xml

ITEM = "<item><title>{}</title><link>https://a.example/{}</link><pubDate>{}</pubDate></item>"
ZONED = "Wed, 08 Dec 2021 01:30:00 GMT"


def rss(*items: str, doctype: str = "", head: str = "") -> bytes:
    channel = f"<title>Wire</title><link>https://a.example/</link>{head}{''.join(items)}"
    feed = f'<rss version="2.0"><channel>{channel}</channel></rss>'
    return f'<?xml version="1.0"?>{doctype}{feed}'.encode()


@pytest.mark.parametrize(
    ("declared", "title"),
    [
        ('<!ENTITY mag "Harbour &#38; Quay">', "Harbour & Quay"),
        ("<!entity mag 'C:\\data\\1' ><!ENTITY mag 'second'>", "C:\\data\\1"),
        ('<!ENTITY mag SYSTEM "file:///etc/passwd">', None),
        ('<!ENTITY mag PUBLIC "-//x//" "http://127.0.0.1:9/x">', None),
        ('<!ENTITY mag "&ten;&ten;"><!ENTITY ten "aaaaaaaaaa">', None),
        (f'<!ENTITY mag "{"a" * 1_000_001}">', None),
        ('<!ENTITY % l PUBLIC "-//x//" "http://127.0.0.1:9/x"> %l;', "&mag;"),
    ],
)
def test_declared_entities(declared: str, title: str | None, read: Any) -> None:
    """An entity that a feed declares is its text; files, nested and huge ones are refused."""
    feed = rss(ITEM.format("&mag;", 1, ZONED), doctype=f"<!DOCTYPE rss [ {declared} ]>")
    if title is not None:
        assert [one.title for one in read(feed)] == [title]
        return
    with pytest.raises(Rejected, match="remove its DOCTYPE") as caught:
        read(feed)
    assert caught.value.reason is Reason.UNSAFE


def test_a_channel_definition_file_is_a_feed(read_one: Any) -> None:
    """CDF, in capitals and with addresses in attributes, is read by the same path."""
    item = '<ITEM HREF="/b" LASTMOD="2021-11-26"><TITLE>A</TITLE><ABSTRACT>Text.</ABSTRACT></ITEM>'
    found = read_one(f'<CHANNEL HREF="https://a.example/">{item}</CHANNEL>'.encode())
    assert (found.title, found.url, found.html) == ("A", "https://a.example/b", "<p>Text.</p>")
    assert found.dates[0].text == "2021-11-26"


def test_an_empty_language_takes_back_the_feeds(read_one: Any) -> None:
    """`xml:lang=""` says that the language of an entry is not that of its feed."""
    entry = '<entry xml:lang=""><title>A</title><id>/7</id></entry>'
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">{entry}</feed>'
    assert read_one(feed.encode()).language is None


def test_an_article_about_entities_is_read(read_one: Any) -> None:
    """Markup that an article quotes is not taken for the feed's own."""
    quoted = "<description><![CDATA[<!DOCTYPE a [<!ENTITY b 'c'>]>]]></description>"
    assert read_one(rss(f"<item><title>XML</title>{quoted}</item>")).title == "XML"


def test_naive_dates_are_left_as_written(read_one: Any) -> None:
    """A date without a zone keeps its text, so that the source's zone can read it."""
    found = read_one(rss(ITEM.format("x", 1, "2021-12-08 01:30:00")))
    assert found.dates[0].text == "2021-12-08 01:30:00"


WELL_FORMED = rss(
    ITEM.format("One &amp;amp; two", 1, ZONED).replace(
        "</item>",
        "<description>&lt;p&gt;a&lt;/p&gt;</description><category>x</category></item>",
    ),
    "<item><title>B</title><description><![CDATA[<p>b &amp; c</p>]]></description></item>",
    head="<language>en-GB</language>",
).decode()


def test_the_tolerant_reader_gives_the_strict_ones_tree() -> None:
    """A well-formed feed is the same whichever step of the repair reads it."""
    strict = feed_tree(WELL_FORMED.encode()).root
    broken = WELL_FORMED.replace("</rss>", "</b></rss>")
    tolerant = feed_tree(broken.encode()).root
    assert [(one.tag, one.text) for one in tolerant.iter()] == [
        (one.tag, one.text) for one in strict.iter()
    ]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Salt & sand", "Salt & sand"),
        ("R&D and AT&T;", "R&D and AT&T;"),
        ("Caf&eacute; l&rsquo;&eacute;t&eacute;", "Café l’été"),
        ("Caf&#233; &#146;s", "Café ’s"),
        ("3 < 5 is true", "3 < 5 is true"),
        ("<a href='/x'>Linked</a> words", "Linked words"),
        ("one<br>two", "one two"),
    ],
)
def test_what_is_broken_costs_only_itself(title: str, expected: str, read: Any) -> None:
    """A bare `&`, an HTML entity, a `<` or a tag in a title loses nothing here or later."""
    body = "<description>&lt;p&gt;Text.&lt;/p&gt;</description>"
    items = [ITEM.format(text, at, ZONED).replace("</item>", f"{body}</item>")
             for at, text in enumerate(("First", title, "Last"))]  # fmt: skip
    found = read(rss(*items))
    assert [" ".join(one.title.split()) for one in found] == ["First", expected, "Last"]
    assert [one.html for one in found] == ["<p>Text.</p>"] * 3


@pytest.mark.parametrize(
    ("item", "html"),
    [
        ("<description>\n<p>One <b>two</b>.</p><img src='/a.png'/></description>",
         '<p>One <b>two</b>.</p><img src="/a.png">'),
        ("<description><p>One<br>two<p>three</description>", "<p>One<br>two<p>three</p></p>"),
        ("<description>short</description><c:encoded>&lt;p&gt;long text&lt;/p&gt;</c:encoded>",
         "<p>long text</p>"),
        ("<description>own text</description><m:description>a caption</m:description>",
         "<p>own text</p>"),
        ("<description>The whole text</description><i:summary>The …</i:summary>",
         "<p>The whole text</p>"),
        ("<i:summary>The only text</i:summary>", "<p>The only text</p>"),
        ('<a:content type="html">&lt;p&gt;Body&lt;/p&gt;</a:content>', "<p>Body</p>"),
        ('<body xmlns="http://www.w3.org/1999/xhtml"><p>Body</p></body>', "<p>Body</p>"),
    ],
)  # fmt: skip
def test_which_text_is_the_content(item: str, html: str, read_one: Any) -> None:
    """The entry's own text in full, whatever element and form it has; captions are no text."""
    spaces = (
        'xmlns:c="http://purl.org/rss/1.0/modules/content/" xmlns:a="http://www.w3.org/2005/Atom" '
        'xmlns:m="http://search.yahoo.com/mrss/" '
        'xmlns:i="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    )
    data = rss(f"<item><title>x</title>{item}</item>").replace(b"<rss ", f"<rss {spaces} ".encode())
    assert read_one(data).html == html


@pytest.mark.parametrize(
    ("item", "names"),
    [
        ("<author>desk@a.example (Ann Vera)</author>", ["Ann Vera"]),
        ("<author>Ann Vera (desk@a.example)</author>", ["Ann Vera"]),
        ("<author>Ann Vera &lt;desk@a.example&gt;</author>", ["Ann Vera"]),
        ("<author>Ann Vera desk@a.example</author>", ["Ann Vera"]),
        ("<author>desk@a.example, Ann Vera</author>", ["Ann Vera"]),
        ("<author>Ann Vera (@ann@a.example)</author>", ["Ann Vera"]),
        ('<author>"Ann Vera" [desk@a.example]</author>', ["Ann Vera"]),
        ("<author>(Ann Vera)</author>", ["Ann Vera"]),
        ("<author>Ann (Sea) Vera</author>", ["Ann (Sea) Vera"]),
        ("<author>a@a.example (Ann), b@a.example (Bo)</author>",
         ["a@a.example (Ann), b@a.example (Bo)"]),
        ("<dc:creator>Ann</dc:creator><category>x</category><dc:creator>Ben</dc:creator>",
         ["Ann", "Ben"]),
    ],
)  # fmt: skip
def test_authors(item: str, names: list[str], read_one: Any) -> None:
    """Names without their mail addresses, each of several elements; a prefix may be undeclared."""
    assert [
        one.name for one in read_one(rss(f"<item><title>x</title>{item}</item>")).authors
    ] == names


def test_relative_links(read_one: Any) -> None:
    """Links are absolute by `xml:base`, else by the channel's link."""
    item = "<item><title>x</title><link>/n/1</link></item>"
    assert read_one(rss(item)).url == "https://a.example/n/1"
    based = rss(item).replace(b"<item>", b'<item xml:base="https://b.example/">')
    assert read_one(based).url == "https://b.example/n/1"


def test_atom_constructs(read: Any) -> None:
    """Text, HTML, XHTML and base64; an entry without authors has the feed's."""
    entries = (
        '<entry><title type="html">A &amp;lt;b&amp;gt; &lt;i&gt;c&lt;/i&gt;</title>'
        '<content type="application/octet-stream">PHA+QmFzZTwvcD4=</content></entry>'
        '<entry><title>1 &lt; 2</title><content type="xhtml">'
        '<div xmlns="http://www.w3.org/1999/xhtml"><p>In a <b>div</b></p></div></content></entry>'
    )
    data = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>f</title><author><name>Mei</name>'
        f"</author>{entries}</feed>"
    )
    found = read(data.encode())
    assert [(one.title, one.html) for one in found] == [
        ("A <b> c", "<p>Base</p>"), ("1 < 2", "<p>In a <b>div</b></p>"),
    ]  # fmt: skip
    assert [one.authors[0].name for one in found] == ["Mei", "Mei"]


def test_base64_is_valid_text(read_one: Any) -> None:
    """What is encoded may hold a character that XML itself cannot: it is replaced."""
    encoded = '<content type="application/octet-stream">PHA+YQBiPC9wPg==</content>'
    data = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry>{encoded}</entry></feed>'
    assert read_one(data.encode()).html == "<p>a\ufffdb</p>"


def test_an_unclosed_item_ends_where_the_next_begins(read: Any) -> None:
    """Two items of which the first was not closed are two articles."""
    data = rss(ITEM.format("a", 1, ZONED).removesuffix("</item>"), ITEM.format("b", 2, ZONED))
    assert [one.title for one in read(data)] == ["a", "b"]


def test_feedparser_agrees(read: Any) -> None:
    """On a plain feed the established parser finds the same titles, links and texts."""
    theirs = feedparser.parse(WELL_FORMED)
    ours = read(WELL_FORMED.encode())
    assert [one.title for one in ours] == [markup.unescape(one.title) for one in theirs.entries]
    assert ours[0].url == theirs.entries[0].link
    assert [one.html for one in ours] == [one.description for one in theirs.entries]


CASES = Path(__file__).parents[4] / "shared" / "cases" / "feeds"


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")
@pytest.mark.parametrize(
    ("name", "field", "values"),
    [
        ("undeclared-entity.xml", "title", ["L’été & l‘hiver R&D"]),
        ("undeclared-entity.xml", "url", ["https://news.example.org/e?a=1&b=2"]),
        ("bare-ampersand.xml", "title",
         ["A quay opens", "Salt & sand: Café open late", "Third"]),
        ("markup-in-title.xml", "title", ["Photography in solitary times"]),
        ("media_title_first.xml", "title", ["foo"]),
        ("base64.xml", "html", ["Example <b>Atom</b>"]),
        ("relative-links.xml", "url", ["https://games.example.org/en/news/detail/1001"]),
    ],
)  # fmt: skip
def test_shared_cases(name: str, field: str, values: list[str], read: Any) -> None:
    """Feeds that other readers got wrong."""
    found = read((CASES / name).read_bytes(), url="https://feed.example/rss")
    assert [getattr(one, field) for one in found] == values


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


def test_references_that_stay_are_only_valid_ones() -> None:
    """A text whose references are all usual is not read reference by reference; the result is the
    same for each code, however it is written."""
    for code in (*range(0x300), 0x270F, 0x2710, 0xD7FF, 0xD800, 0xE000, 0xFFFE, 0x10FFFF, 0x110000):
        for written in (f"&#{code};", f"&#0{code};", f"&#x{code:x};", f"&#X00{code:X};"):
            text = f"<rss>{written}</rss>"
            expected = xml_text._REFERENCE.sub(xml_text._valid_reference, text)
            assert safe_xml(text.encode()).decode() == expected
