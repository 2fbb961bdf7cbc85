"""What feeds of many programs write beside the specifications, and what is meant."""

from html import escape
from typing import Any

import pytest

from tests.formats.feed.test_feed import rss

_ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title><entry>{}</entry></feed>'
_RDF = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
)
_SIZES = "".join(
    f'<media:content url="https://a.example/{width}.jpg" width="{width}" medium="image"/>'
    for width in (140, 1200, 460)
)


def _item(inside: str) -> bytes:
    return rss(f"<item><title>Tide</title>{inside}</item>")


def _entry(inside: str) -> bytes:
    return _ATOM.format(f"<id>urn:t</id><title>Tide</title>{inside}").encode()


@pytest.mark.parametrize(
    ("feed", "field", "value"),
    [
        (
            _item(f"<description>{escape(escape('<p>High <b>tide</b></p>'))}</description>"),
            "html", "<p>High <b>tide</b></p>",
        ),
        (_item("<description>a <![CDATA[<![CDATA[Ti]]>de</description>"), "html", "<p>a Tide</p>"),
        (
            _item('<media:description xmlns:media="http://search.yahoo.com/mrss/">High'
                  "</media:description>"),
            "html", "<p>High</p>",
        ),
        (_item("<description>High&#11;&#x1; tide</description>"), "html", "<p>High tide</p>"),
        (
            _item("<description>Write &amp;lt;p&amp;gt; before it</description>"),
            "html", "<p>Write &lt;p&gt; before it</p>",
        ),
        (_entry("<content>&lt;p&gt;High&lt;/p&gt;</content>"), "html", "<p>High</p>"),
        (
            _item("<description><![CDATA[<![CDATA[<p>High</p>]]&gt;]]></description>"),
            "html", "<p>High</p>",
        ),
        (
            _entry('<content type="text">&lt;p&gt;High&lt;/p&gt;</content>'),
            "html", "<p>&lt;p&gt;High&lt;/p&gt;</p>",
        ),
        (
            _item(f"<content:items {_RDF}><rdf:Bag><rdf:li><content:item><rdf:value>&lt;p&gt;High"
                  "&lt;/p&gt;</rdf:value></content:item></rdf:li></rdf:Bag></content:items>"),
            "html", "<p>High</p>",
        ),
        (
            rss("<item><title>Tide</title></item>").replace(
                b"<rss", b'<rss xmlns="http://www.w3.org/2005/Atom"'
            ),
            "title", "Tide",
        ),
        (
            _item('<yandex:full-text xmlns:yandex="http://news.yandex.ru">High</yandex:full-text>'
                  "<description>Low</description>"),
            "html", "<p>High</p>",
        ),
        (
            _item("<link>https://a.example/t?a=1&amp;amp;b=2</link>"),
            "url", "https://a.example/t?a=1&b=2",
        ),
        (_item('<guid isPermaLink="true">/t/1</guid>'), "url", "https://a.example/t/1"),
        (_item("<guid>/t/1</guid>"), "url", None),
        (
            b'{"version": "https://jsonfeed.org/version/1.1", "title": "Wire", "items": '
            b'[{"id": "https://a.example/t", "title": "Tide"}]}',
            "url", "https://a.example/t",
        ),
        (
            _entry('<content type="text/html" src="https://a.example/t"/><summary>High</summary>'),
            "url", "https://a.example/t",
        ),
        (_item(f"<media:group>{_SIZES}</media:group>"), "image", "https://a.example/1200.jpg"),
        (rss("<item><itunes:title>Ebb</itunes:title></item>"), "title", "Ebb"),
        (_item("<dcterms:available>2021-11-26</dcterms:available>"), "date", "2021-11-26"),
        (_item("<author>mo@a.example</author><dc:creator>Mo</dc:creator>"), "author", "Mo"),
        (_item("<author>mo@a.example</author>"), "author", "mo@a.example"),
        (_item("<author>noreply@a.example (Unknown)</author>"), "author", None),
        (_item("<dc:creator>By Mo Ek</dc:creator>"), "authors", ["Mo Ek"]),
        (
            _item('<dc:creator>&lt;a href="/mo"&gt;Mo Ek&lt;/a&gt;</dc:creator>'),
            "authors", ["Mo Ek"],
        ),
        (_item("<dc:creator>Mo Ek, Seán Murchu and Bo Ny</dc:creator>"), "authors",
         ["Mo Ek", "Seán Murchu", "Bo Ny"]),
        (_item("<dc:creator>Mo Ek &amp; Bo Ny</dc:creator>"), "authors", ["Mo Ek", "Bo Ny"]),
        (_item("<dc:creator>李昂、王五</dc:creator>"), "authors", ["李昂", "王五"]),
        (_item("<dc:creator>Ek, Mo</dc:creator>"), "authors", ["Ek, Mo"]),
        (
            _item('<dc:creator><![CDATA[<a href="/m">Mo Ek</a>, <a href="/b">Bo Ny</a>]]>'
                  "</dc:creator>"),
            "authors", ["Mo Ek", "Bo Ny"],
        ),
        (rss("<item><title>&lt;p&gt;Ebb&lt;/p&gt;</title></item>"), "title", "Ebb"),
        (rss("<item><title>The &lt;p&gt; tag</title></item>"), "title", "The <p> tag"),
        (_item("<dc:creator>Mo Ek, Harbour News</dc:creator>"), "authors", ["Mo Ek, Harbour News"]),
        (_item("<dc:creator>Simon and Schuster</dc:creator>"), "authors", ["Simon and Schuster"]),
        (_item("<category><![CDATA[Sea &amp; sand]]></category>"), "tags", ("Sea & sand",)),
        (_item("<category>R&amp;D</category>"), "tags", ("R&D",)),
        (_item("<link>www.a.example/t</link>"), "url", "https://www.a.example/t"),
        (rss("<item><title>High&lt;br/&gt;tide</title></item>"), "title", "High tide"),
        (rss("<item><title>The &lt;b&gt; and the &lt;em&gt;main&lt;/em&gt; tag</title></item>"),
         "title", "The <b> and the main tag"),
        (rss("<item><title>&lt;img src='a'/&gt; High tide</title></item>"), "title", "High tide"),
        (rss("<item><title>&lt;b&gt;High tide</title></item>"), "title", "High tide"),
        (_ATOM.format("<id>urn:t</id><title>Salt &amp;amp; sand</title>").encode(),
         "title", "Salt & sand"),
        (_ATOM.format('<id>urn:t</id><title type="text">The &amp;amp; sign</title>').encode(),
         "title", "The &amp; sign"),
        (
            _item('<source url="https://harbour.example/">The Harbour</source>'),
            "publisher", ("The Harbour", "https://harbour.example/"),
        ),
        (
            _item('<source url="https://harbour.example/feed.xml">The Harbour</source>'),
            "publisher", ("The Harbour", None),
        ),
        (_item("<dc:publisher>Quay Press</dc:publisher>"), "publisher", ("Quay Press", None)),
        (
            _entry('<source><title>The Harbour</title><link href="https://harbour.example/"/></source>'),
            "publisher", ("The Harbour", "https://harbour.example/"),
        ),
        (rss("<item><title>Up &#55357;&#56832; &#xD83D;&#xDE00; &#55357;</title></item>"),
         "title", "Up 😀 😀 \ufffd"),
        (b"Warning: no cache in /srv/x.php on line 3<br />\n" + _item(""), "title", "Tide"),
        (b"<br />\n<b>Notice</b>: undefined index\n" + _item(""), "title", "Tide"),
        (_item("<description>High\0 tide</description>"), "html", "<p>High tide</p>"),
        (_item("<googleplay:author>Mo Ek</googleplay:author>"), "author", "Mo Ek"),
        (_item("<googleplay:description>High</googleplay:description>"), "html", "<p>High</p>"),
        (_item("<description>&lt;![CDATA[&lt;p&gt;High&lt;/p&gt;]]&gt;</description>"),
         "html", "<p>High</p>"),
        (rss("<item><title>&lt;![CDATA[Ebb]]&gt;</title></item>"), "title", "Ebb"),
        (
            _entry('<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml" '
                   'xml:base="https://b.example/"><p>High</p></div></content>'),
            "base_url", "https://b.example/",
        ),
        (
            _entry('<link rel="http://www.iana.org/assignments/relation/alternate" '
                   'href="https://a.example/t"/>'),
            "url", "https://a.example/t",
        ),
        (rss("<items><item><title>Ebb</title></item></items>"), "title", "Ebb"),
        (_item("<link>a.example/t/1</link>"), "url", "https://a.example/t/1"),
        (_item("<pub_date>2021-11-26</pub_date>"), "date", "2021-11-26"),
        (_item("<author>mo@a.example ()</author>"), "author", "mo@a.example"),
        (_item("<author>mailto:mo@a.example (Mo)</author>"), "author", "Mo"),
        (_item("<dc:creator>Mo Ek; Bo Ny</dc:creator>"), "authors", ["Mo Ek", "Bo Ny"]),
        (_item("<dc:creator>李昂 / 王五</dc:creator>"), "authors", ["李昂", "王五"]),
        (_item("<dc:creator>李昂/王五</dc:creator>"), "authors", ["李昂", "王五"]),
        (_item("<dc:creator>李昂, 王五</dc:creator>"), "authors", ["李昂", "王五"]),
        (_item('<enclosure url="https://a.example/t.jpg"/>'), "image", "https://a.example/t.jpg"),
        (_item('<category term="Sea" label="The sea"/>'), "tags", ("Sea",)),
        (_item("<fullitem>&lt;p&gt;High&lt;/p&gt;</fullitem>"), "html", "<p>High</p>"),
        (
            _item('<x:content xmlns:x="http://turbo.yandex.ru">High</x:content>'
                  "<description>Low</description>"),
            "html", "<p>High</p>",
        ),
        (
            _entry('<link href="t/1"/>').replace(
                b"<entry", b'<link href="https://a.example/"/><entry', 1
            ),
            "url", "https://a.example/t/1",
        ),
        (_entry("<description>High</description>"), "html", "<p>High</p>"),
        (
            _entry('<content type="image/png">SGlnaA==</content><summary>Low</summary>'),
            "html", "<p>Low</p>",
        ),
        (
            _item('<e:enclosure xmlns:e="http://purl.oclc.org/net/rss_2.0/enc#" '
                  'resource="https://a.example/t.jpg" type="image/jpeg"/>'),
            "image", "https://a.example/t.jpg",
        ),
        (_item('<description xml:base="/b/">High</description>'), "base_url", "https://a.example/b/"),
        (
            _item('<content:encoded xml:base="https://b.example/">High</content:encoded>'),
            "base_url", "https://b.example/",
        ),
        (
            _entry('<content xml:base="c/">High</content>').replace(
                b"<entry", b'<link href="https://a.example/"/><entry xml:base="b/"'
            ),
            "base_url", "b/c/",
        ),
        (
            b'{"version": "https://jsonfeed.org/version/1.1", "items": '
            b'[{"id": "1", "title": "Tide", "date_modified": "2021-11-26"}]}',
            "date", "2021-11-26",
        ),
        (
            _item('<enclosure url="https://b.example/~r/t.mp3"/><feedburner:origEnclosureLink>'
                  "https://a.example/t.mp3</feedburner:origEnclosureLink>"),
            "files", ["https://a.example/t.mp3"],
        ),
    ],
)  # fmt: skip
def test_what_is_meant(feed: bytes, field: str, value: object, read_one: Any) -> None:
    """Each oddity is read as its author means it, and what only looks like it stays as it is."""
    found = read_one(feed)
    outlet = found.publisher
    values = {
        "author": found.authors[0].name if found.authors else None,
        "authors": [author.name for author in found.authors],
        "date": found.dates[0].text if found.dates else None,
        "files": [one.url for one in found.attachments],
        "publisher": (outlet.name, outlet.url) if outlet else None,
    }
    assert values.get(field, getattr(found, field, None)) == value


def test_an_article_that_quotes_a_feed_is_none(read_one: Any) -> None:
    """A feed in a block of code is no feed behind a warning."""
    text = f"# How to write one\n\n```xml\n{_item('').decode()}\n```\n"
    assert read_one(text.encode()).parser == "markdown"


_AUDIO = 'url="https://a.example/t.mp3" type="audio/mpeg"'


@pytest.mark.parametrize(
    ("broken", "attachment", "image"),
    [
        ('<enclosure url="https://a.example/t.mp3?a<b" type="audio/mpeg"/>',
         "https://a.example/t.mp3?a<b", None),
        ('<media:content url="https://a.example/t.jpg" title="A <b>bold</b> < tide"/>',
         None, "https://a.example/t.jpg"),
        (f"<enclosure {_AUDIO}>", "https://a.example/t.mp3", None),
        (f"<enclosure {_AUDIO} ", "https://a.example/t.mp3", None),
        ('<media:thumbnail url="https://a.example/t.jpg">', None, "https://a.example/t.jpg"),
        ('<media:content url="https://a.example/t.jpg" medium="image"><media:title>T</media:title>',
         None, "https://a.example/t.jpg"),
        ("<category>Sea", None, None),
        ("<title>Ebb", None, None),
        ('<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="/t">', None, None),
    ],
)  # fmt: skip
def test_broken_tags_cost_no_text(
    broken: str, attachment: str | None, image: str | None, read_one: Any
) -> None:
    """A `<` in an attribute, or an element of an entry that is not closed, costs neither its own
    address nor the text behind it."""
    found = read_one(_item(f"{broken}<description>High &lt;b&gt;tide&lt;/b&gt;</description>"))
    assert found.html == "High <b>tide</b>"
    assert [one.url for one in found.attachments] == ([attachment] if attachment else [])
    assert found.image == image
    assert found.tags == (("Sea",) if "Sea" in broken else ())


@pytest.mark.parametrize("opened", ["description", "summary", "content:encoded"])
def test_a_text_without_its_end_tag_costs_no_other_field(opened: str, read_one: Any) -> None:
    """What no HTML has begins a field of its own, although a text before it is not closed."""
    found = read_one(
        _item(
            f"<{opened}><p>High <b>tide</b></p>"
            "<pubDate>2021-11-26</pubDate><dc:creator>Mo</dc:creator><category>Sea</category>"
            f"<enclosure {_AUDIO}/>"
        )
    )
    assert [date.text for date in found.dates] == ["2021-11-26"]
    assert ([one.name for one in found.authors], found.tags) == (["Mo"], ("Sea",))
    assert [one.url for one in found.attachments] == ["https://a.example/t.mp3"]
    assert "tide" in (found.html or found.title)


@pytest.mark.parametrize("broken", ["<?php echo 1", "<?", "<? a > b", "<!x"])
def test_an_instruction_that_never_ends_hides_no_entry(broken: str, read: Any) -> None:
    """It ends before the next tag."""
    item = "<item><title>{}</title><description>Tide{}</description></item>"
    found = read(rss(item.format("First", broken), item.format("Second", "")))
    assert [one.title for one in found] == ["First", "Second"]
    assert found[1].html == "<p>Tide</p>"
