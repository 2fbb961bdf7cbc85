"""JSON in the shapes that crawlers, APIs and we ourselves write."""

from typing import Any

import orjson
import pytest

from worker.errors import Reason, Rejected


@pytest.mark.parametrize(
    ("key", "value", "html"),
    [
        ("content_html", "<p>a</p>", "<p>a</p>"),
        ("content_text", "<p> & b", "<p>&lt;p&gt; &amp; b</p>"),
        ("content", "<p>a</p>", "<p>a</p>"),
        ("content", "a < b", "<p>a &lt; b</p>"),
        ("content", {"rendered": "<p>a &amp; b</p>"}, "<p>a &amp; b</p>"),
        ("articleBody", "a\n\nb", "<p>a</p>\n<p>b</p>"),
        ("body", ["a", "b"], "<p>a</p>\n<p>b</p>"),
        ("markdown", "*a*", "<p><em>a</em></p>"),
        ("html", "", ""),
    ],
)
def test_bodies(key: str, value: object, html: str, read_one: Any) -> None:
    """A body is HTML, Markdown or text by its name, else by its look."""
    assert read_one(orjson.dumps({"title": "x", key: value})).html == html


def test_html_goes_before_text(read_one: Any) -> None:
    """Of a body in HTML and in text the HTML is taken, wherever it stands."""
    data = b'{"title": "x", "content_text": "b", "content": "c", "content_html": "<p>a</p>"}'
    found = read_one(data)
    assert found.html == "<p>a</p>"
    assert found.extra == {}


@pytest.mark.parametrize("wrapper", ["articles", "items", "posts", "data", None])
def test_lists(wrapper: str | None, read: Any) -> None:
    """A list of articles is read whether it is the document or in it."""
    articles = [{"title": str(number), "text": "x"} for number in range(3)]
    found = read(orjson.dumps({wrapper: articles} if wrapper else articles))
    assert [item.title for item in found] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[]", Reason.EMPTY),
        (b"{}", Reason.UNKNOWN_FORMAT),
        (b'{"a": 1}', Reason.UNKNOWN_FORMAT),
        (b'["a", "b"', Reason.MALFORMED),
        (b'{"title": "x", "content": "y"', Reason.MALFORMED),
        (b'{"title": "x" "content": "y"}', Reason.MALFORMED),
    ],
)
def test_refused(data: bytes, reason: Reason, read: Any) -> None:
    """What is no article, or broken, is refused with its reason."""
    with pytest.raises(Rejected) as caught:
        read(data)
    assert caught.value.reason is reason


def test_no_lone_surrogate_survives(read: Any) -> None:
    """Every string of what is read can be written as UTF-8, wherever a surrogate stood."""
    lone = r'"\ud800x"'
    keys = (
        "title",
        "content",
        "author",
        "tags",
        "summary",
        "url",
        "lang",
        "image",
        "other",
        "date",
    )
    for data in (
        "{"
        + ",".join(f'"{key}": {lone}' for key in keys)
        + ', "k\\ud800": {"\\udc00": ["\\udfff"]}}',
        '{"title": "x", "text": "y", "authors": [{"name": "\\ud800"}], "tags": ["\\ud801"]}',
    ):
        for item in read(data.encode()):
            repr(item).encode("utf-8")
            assert "\\ud8" not in repr(item)
            orjson.dumps(item.extra)


def test_surrogate_pairs_are_joined(read_one: Any) -> None:
    """A pair of surrogates is the character it stands for, also beside a lone one."""
    assert read_one(rb'{"title": "\ud83d\ude00 \ud83d", "text": "x"}').title == "😀 \ufffd"


def test_numbers_out_of_range(read_one: Any) -> None:
    """NaN, infinite and huge numbers are no values of the record."""
    data = b'{"title": "x", "text": "y", "a": NaN, "b": 1e999, "c": ' + b"9" * 5000 + b', "d": 1}'
    found = read_one(data)
    assert found.extra["d"] == 1
    assert not {str(found.extra[key]) for key in "abc"} & {"nan", "inf"}
    orjson.dumps(found.extra)


def test_ndjson_is_not_taken_for_json(read: Any) -> None:
    """Objects one a line are many articles; one object over many lines is one."""
    assert len(read(b'{"title": "a", "text": "1"}\r\n\r\n{"title": "b", "text": "2"}')) == 2
    assert len(read(b'{\n"title": "a",\n"text": "1"\n}\n')) == 1
    assert len(read(b'{"title": "a", "author":\n{"name": "b"},\n"text": "1"}\n')) == 1


def test_json_front_matter_is_not_taken_for_json(read_one: Any) -> None:
    """An object with text below it is a head, and the text its body."""
    found = read_one(b'{\n"title": "a"\n}\n\n*b*\n')
    assert (found.title, found.html) == ("a", "<p><em>b</em></p>")


def test_relative_addresses_of_a_json_feed(read_one: Any) -> None:
    """An item's relative address begins at the feed's home page."""
    item = {"title": "x", "content_text": "y", "url": "/1", "external_url": "https://b.example/2"}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "F", "items": [item]}
    found = read_one(orjson.dumps({**feed, "home_page_url": "https://a.example/news/"}))
    assert (found.url, found.external_url) == ("https://a.example/1", "https://b.example/2")


def test_wordpress_posts(read_one: Any) -> None:
    """A post's author, terms and picture are what is embedded, never their numbers."""
    post = {
        "id": 5, "date": "2021-11-26T07:26:04", "date_gmt": "2021-11-26T12:26:04",
        "link": "https://a.example/p", "author": 5,
        "categories": [3], "tags": [7, 8], "featured_media": 9,
        "title": {"rendered": "It&#8217;s here"}, "content": {"rendered": "<p>x</p>"},
    }  # fmt: skip
    bare = read_one(orjson.dumps(post))
    assert (bare.authors, bare.tags, bare.image) == ((), (), None)
    assert [date.text for date in bare.dates] == ["2021-11-26T12:26:04Z"]
    term = {"id": 7, "name": "Harbour"}
    embedded = {
        "author": [{"id": 5, "name": "Ann", "link": "https://a.example/ann"}],
        "wp:term": [[term], []],
        "wp:featuredmedia": [{"source_url": "https://a.example/f.jpg"}],
    }
    found = read_one(orjson.dumps({**post, "_embedded": embedded}))
    assert [person.name for person in found.authors] == ["Ann"]
    assert (found.tags, found.image) == (("Harbour",), "https://a.example/f.jpg")


@pytest.mark.parametrize("value", ["https://a.example/x", {"@id": "https://a.example/x"}])
def test_main_entity_of_a_page(value: object, read_one: Any) -> None:
    """schema.org names an article's address by the page that it is the main entity of."""
    data = {"@type": "NewsArticle", "headline": "x", "articleBody": "y", "mainEntityOfPage": value}
    assert read_one(orjson.dumps(data)).url == "https://a.example/x"
