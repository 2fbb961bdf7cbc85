"""What a page says of itself: JSON-LD, meta elements, microdata, visible dates, addresses."""

import pytest

from tests.formats.pages import BODY, SENTENCE, Parse, page_of
from worker.model import Publisher


@pytest.mark.parametrize(
    ("head", "inside", "text", "origin"),
    [
        ('<meta name="pubdate" content="2020-02-03">', "", "2020-02-03", "meta:pubdate"),
        (
            '<meta name="firstpublishedtime" content="2020-02-03-04:05:06">'
            '<meta name="lastmodifiedtime" content="2020-03-03-04:05:06">',
            "",
            "2020-02-03-04:05:06",
            "meta:firstpublishedtime",
        ),
        ('<meta property="og:time " content="2020-02-03">', "", "2020-02-03", "meta:og:time"),
        (
            '<meta name="datePublished" content="2020-02-03">',
            "",
            "2020-02-03",
            "meta:datepublished",
        ),
        (
            "",
            '<span itemprop="datePublished" content="2020-02-03T04:05Z"></span>',
            "2020-02-03T04:05Z",
            "microdata:datePublished",
        ),
        ("", '<article><time datetime="2020-02-03">gestern</time></article>', "2020-02-03", "time"),
        ("", "<h1>港口开工</h1><p>2020/2/3 12:00 港口网</p>", "2020/2/3 12:00 港口网", "text"),
        (
            '<link rel=canonical href="https://a.example/n1/2020/0203/c1.html">',
            "",
            "2020-02-03",
            "url",
        ),
    ],
    ids=[
        "meta",
        "meta-first",
        "meta-spaced",
        "meta-schema.org",
        "microdata",
        "time",
        "text",
        "url",
    ],
)
def test_where_dates_are_found(
    head: str, inside: str, text: str, origin: str, parse: Parse
) -> None:
    """A date is found wherever pages put it, and says where that was."""
    article = parse(page_of(f"{inside}<div>{BODY}</div>", head))
    assert [(date.text, date.origin) for date in article.dates] == [(text, origin)]


def test_no_date_is_none(parse: Parse) -> None:
    """A page without a date gets none: not that of today, nor one from the middle of its text."""
    later = "<p>会议定于2031年5月6日举行。</p>"
    article = parse(page_of(f"<h1>港口开工</h1>{BODY * 5}{later}"))
    assert article.dates == ()


@pytest.mark.parametrize("name", ["https://social.example/x", "104363", "name, a@b.example", ""])
def test_what_is_no_author(name: str, parse: Parse) -> None:
    """Addresses, numbers and placeholders in an author field are nobody."""
    assert parse(page_of(BODY, f'<meta name="author" content="{name}">')).authors == ()


def test_broken_json_ld(parse: Parse) -> None:
    """Broken or endless JSON-LD is passed over; the block after it is read."""
    blocks = ("{", "[" * 100_000, "null", '{"@type": "NewsArticle", "headline": "港口\n开工"}')
    head = "".join(f'<script type="application/ld+json">{block}</script>' for block in blocks)
    assert parse(page_of(BODY, head)).title == "港口 开工"


@pytest.mark.parametrize(
    ("canonical", "url", "expected"),
    [
        ("https://a.example/1", "https://mirror.example/1?from=rss", "https://a.example/1"),
        ("/1", "https://a.example/1?from=rss", "https://a.example/1"),
        ("https://a.example/", "https://a.example/1", "https://a.example/1"),
        ("https://a.example/", None, None),
        ("javascript:void(0)", "https://a.example/1", "https://a.example/1"),
        ("http://[", "https://a.example/1", "https://a.example/1"),
    ],
)
def test_address(canonical: str, url: str | None, expected: str | None, parse: Parse) -> None:
    """The canonical address is the article's, unless it is only a front page or none at all."""
    assert parse(page_of(BODY, f'<link rel="canonical" href="{canonical}">'), url).url == expected


def test_whole_page_in_a_form(parse: Parse) -> None:
    """A page that a template put into one form is read like any other."""
    assert SENTENCE in parse(page_of(f"<form><h1>港口开工</h1><div>{BODY}</div></form>")).html


@pytest.mark.parametrize("name", ["示例传媒", "예시일보"])
def test_an_outlet_as_author(name: str, parse: Parse) -> None:
    """A newspaper or broadcaster in the author's place published the article."""
    head = f'<meta property="article:author" content="{name}">'
    article = parse(page_of(f"<h1>港口开工</h1><p>作者：张三</p>{BODY * 3}", head))
    assert article.publisher == Publisher(name)
    assert [person.name for person in article.authors] == ["张三"]
