"""An entry and its pages become one article: whose each field is, and what a bad page costs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.formats.pages import BODY, SENTENCE, page_of, rules_of
from worker.formats import ParseContext
from worker.formats.page import parser as page_module
from worker.formats.page.entry_bundle import EntryBundle, PagePart
from worker.formats.page.full_text import merge, next_page_of
from worker.model import Attachment, DateText, Person, Profile, Publisher, RawArticle
from worker.settings import Limits
from worker.sites import Sites

ZONE = ZoneInfo("Asia/Shanghai")
URL = "https://port.example/1.html"
RULES = rules_of(
    content=("#a",), publisher=(".s",), author=(".w",), editor=(".e",), date=(".d",),
    next_page=("a.next",),
)  # fmt: skip
ENTRY = RawArticle("feed", "<p>短讯。</p>", title="港口开工", url=URL, base_url=URL)
AROUND = (
    "<p class=d>2021年11月26日</p><p class=s>来源：港口日报</p><p class=w>作者：李在山</p>"
    "<p class=e>责任编辑：尹世杰</p>"
)
HEAD = (
    '<meta name=keywords content="港口,船"><meta name=description content="一句话。">'
    '<meta property="og:image" content="/cover.jpg"><meta property="og:title" content="别的标题">'
    '<meta property="article:modified_time" content="2021-11-27">'
    '<link rel=canonical href="https://port.example/canonical.html">'
)

Merge = Callable[..., RawArticle]


@pytest.fixture
def merged() -> Merge:
    """The article of an entry and the texts of its pages; keywords `problem`, `sites`, Limits'."""

    def merged(
        entry: RawArticle,
        *pages: str | bytes | PagePart,
        problem: str | None = None,
        sites: Sites = RULES,
        **limits: Any,
    ) -> RawArticle:
        parts = [
            page
            if isinstance(page, PagePart)
            else PagePart(
                f"https://port.example/{number}.html",
                page.encode() if isinstance(page, str) else page,
            )
            for number, page in enumerate(pages, 1)
        ]
        profile = Profile("wire", ZONE, ZONE)
        bundle = EntryBundle(entry, tuple(parts), problem)
        return merge(bundle, ParseContext(profile, sites, Limits(**limits)))

    return merged


def article(inside: str = "", body: str = BODY, head: str = HEAD) -> str:
    return page_of(f"{AROUND}<div id=a>{body}</div>{inside}", head)


# ── whose each field is ─────────────────────────────────────────────────────────────────────


def test_page_fills_what_the_feed_has_not(merged: Merge) -> None:
    """Of an entry of a link alone everything else is the page's."""
    found = merged(RawArticle("feed", "", url=URL, feed_url="https://port.example/feed"), article())
    assert (found.parser, found.site, found.url) == ("feed+page", "port", URL)
    assert (found.title, found.editor) == ("别的标题", "尹世杰")
    assert found.dates[0] == DateText("2021年11月26日", "rule:date")
    assert found.modified[0].text == "2021-11-27"
    assert found.authors == (Person("李在山"),)
    assert found.publisher == Publisher("港口日报")
    assert found.tags == ("港口", "船")
    assert (found.summary, found.image) == ("一句话。", "https://port.example/cover.jpg")
    assert found.html == f'<div id="a">{BODY}</div>'
    assert found.feed_url == "https://port.example/feed"
    assert found.warnings == ()
    assert set(found.merged.values()) == {"page"}
    assert set(found.merged) == {
        "title", "date", "body", "authors", "publisher", "editor", "tags", "image", "summary",
        "modified",
    }  # fmt: skip


def test_feed_goes_first(merged: Merge) -> None:
    """What identifies an article is the feed's, as is what it says; body and outlet are not."""
    entry = replace(
        ENTRY,
        dates=(DateText("Fri, 26 Nov 2021 20:26:00 +0800", "feed:published"),),
        modified=(DateText("2021-11-26", "feed:updated"),),
        authors=(Person("王五"),),
        publisher=Publisher("Port wire", "https://port.example/"),
        editor="孙六",
        tags=("船", "快讯"),
        language="zh-TW",
        image="https://port.example/feed.jpg",
        summary="Feed.",
        extra={"guid": "7"},
        warnings=("from the feed",),
    )
    found = merged(entry, article())
    for name in ("title", "dates", "authors", "editor", "language", "image", "summary", "extra"):
        assert getattr(found, name) == getattr(entry, name), name
    assert found.warnings == ("from the feed",)
    assert found.publisher == Publisher("港口日报")
    assert found.modified[0].text == "2021-11-27"
    assert found.tags == ("船", "快讯", "港口")
    assert SENTENCE in found.html
    assert found.merged == {
        "title": "feed", "date": "feed", "authors": "feed", "editor": "feed", "language": "feed",
        "image": "feed", "summary": "feed", "body": "page", "publisher": "page",
        "modified": "page", "tags": "both",
    }  # fmt: skip


def test_canonical_address_only_where_the_feed_has_none(merged: Merge) -> None:
    """The feed's link stays; the page's canonical address is used where there is none."""
    assert merged(ENTRY, article()).url == URL
    assert merged(replace(ENTRY, url=None), article()).url == "https://port.example/canonical.html"


def test_full_text_keeps_the_link_of_the_feed(merged: Merge) -> None:
    """`url` is the link of the entry, which identifies the article; the page's own is canonical."""
    article = merged(ENTRY, page_of(BODY, HEAD))
    assert article.url == ENTRY.url
    assert article.canonical_url == "https://port.example/canonical.html"


def test_a_page_without_the_article_has_no_say(merged: Merge) -> None:
    """Where the feed's own text stays, as for a login page, the page's address is not used."""
    entry = replace(ENTRY, html=BODY * 9)
    article = merged(entry, page_of("<p>请登录后阅读全文，登录后还可以收藏这篇文章。</p>", HEAD))
    assert article.merged["body"] == "feed"
    assert article.canonical_url is None


def test_publisher_of_the_feed_where_the_page_names_none(merged: Merge) -> None:
    """A page that names no outlet leaves the feed's."""
    entry = replace(ENTRY, publisher=Publisher("Port wire"))
    found = merged(entry, page_of(f"<div id=a>{BODY}</div>"))
    assert found.publisher == Publisher("Port wire")
    assert found.merged["publisher"] == "feed"


def test_attachments_of_both(merged: Merge) -> None:
    """What a feed encloses stays with it, its relative address still the feed's."""
    entry = replace(
        ENTRY,
        base_url="https://feeds.example/dir/",
        attachments=(Attachment("talk.mp3", "audio/mpeg"),),
        image="pic.jpg",
    )
    found = merged(entry, article())
    assert found.base_url == URL
    assert found.attachments == (Attachment("https://feeds.example/dir/talk.mp3", "audio/mpeg"),)
    assert found.image == "https://feeds.example/dir/pic.jpg"


# ── whose body ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("length", "whose"), [(49, "feed"), (50, "page"), (500, "page")])
def test_page_with_little_text(length: int, whose: str, merged: Merge) -> None:
    """A page of less than half the feed's text (a teaser, a login) does not replace it."""
    entry = replace(ENTRY, html=f"<p>{'长' * 100}</p>", base_url="https://feeds.example/")
    found = merged(entry, article(body=f"<p>{'短' * length}</p><script>{'x' * 500}</script>"))
    assert found.merged["body"] == whose
    assert ("长" in found.html) is (whose == "feed")
    assert (found.base_url == entry.base_url) is (whose == "feed")
    lengths = f"the page has {length} characters and the feed 100"
    expected = f"feed_text: {lengths}: this is the feed's own text"
    assert found.warnings == ((expected,) if whose == "feed" else ())


def test_page_of_pictures(merged: Merge) -> None:
    """A body of pictures alone is taken where the feed has no text either."""
    found = merged(replace(ENTRY, html=""), article(body="<img src=/1.jpg>"))
    assert found.merged["body"] == "page"
    assert "1.jpg" in found.html
    assert merged(ENTRY, article(body="<img src=/1.jpg>")).html == ENTRY.html


# ── pages that go on ────────────────────────────────────────────────────────────────────────


def following(number: int, more: bool = True) -> str:
    link = f"<a class=next href='/{number + 1}.html'>下一页</a>" if more else ""
    return article(link, body=f"<p>第{number}页。{SENTENCE}</p>")


def test_pages_in_their_order(merged: Merge) -> None:
    """The bodies of all pages are one, and no warning says that it goes on."""
    found = merged(ENTRY, following(1), following(2), following(3, more=False))
    assert [found.html.index(f"第{number}页") for number in (1, 2, 3)] == sorted(
        found.html.index(f"第{number}页") for number in (1, 2, 3)
    )
    assert found.html.count(SENTENCE) == 3
    assert found.warnings == ()


def test_page_that_was_not_followed(merged: Merge) -> None:
    """Where the last page goes on, the warning stays, for that page only."""
    found = merged(ENTRY, following(1), following(2))
    assert found.warnings == ("incomplete: the article continues at https://port.example/3.html",)


def test_last_page_that_leads_back(merged: Merge) -> None:
    """A last page whose only link leads to one that was read goes on nowhere."""
    assert merged(ENTRY, following(1), following(0)).warnings == ()


@pytest.mark.parametrize(
    ("second", "problem", "expected"),
    [
        (b"", None, "the page is empty: open it in a browser"),
        (None, "the server answers 503", "the server answers 503"),
    ],
)
def test_further_page_that_is_missing(
    second: bytes | None, problem: str | None, expected: str, merged: Merge
) -> None:
    """Without a further page the article has the pages before it, and a warning."""
    pages = [following(1), *([second] if second is not None else [])]
    found = merged(ENTRY, *pages, problem=problem)
    assert SENTENCE in found.html
    warning = (
        f"incomplete: a further page could not be fetched ({expected}): the article is not whole"
    )
    assert warning in found.warnings


# ── no page ─────────────────────────────────────────────────────────────────────────────────


def test_no_page(merged: Merge) -> None:
    """Without a page the entry stands as it is, and a warning says why."""
    found = merged(replace(ENTRY, warnings=("w",)), problem="the server answers 404")
    expected = (
        "feed_text: the page could not be fetched (the server answers 404): "
        "this is the feed's own text"
    )
    assert found == replace(ENTRY, warnings=("w", expected))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the page is empty: open it in a browser"),
        (b"%PDF-1.7\n" + bytes(range(9)) * 50, "this is not text"),
        (b"PK\x03\x04", "this is not a page: it is zip"),
        (b'{"a": 1}', "this is not a page: it is json"),
        (b"<rss><channel/></rss>", "this is not a page: it is feed"),
        (b"<html><body><nav>x</nav></body></html>", "no article was found on this page"),
        (b"<html>" + b"<div>" * 1000, "nests more than"),
        (b"<html>" + b"x" * 1_000_000, "limits.file_mb"),
        (b"<html><div id=a>" + b"&amp;" * 450_000 + b"</div>", "tags and entities"),
    ],
)
def test_bad_page(data: bytes, expected: str, merged: Merge) -> None:
    """A page that cannot be read costs the article nothing but its page."""
    found = merged(ENTRY, data, file_mb=1 if b"xxx" in data else 32)
    assert replace(found, warnings=()) == ENTRY
    assert expected in found.warnings[0]


def test_declared_charset(merged: Merge) -> None:
    """The charset that the transport declared reads a page that says none."""
    text = "碼頭上的吊機從清早開始轉動，船一艘接一艘地靠岸，工人們兩班輪換。"
    page = page_of(f"<div id=a><p>{text * 3}</p></div>").replace("港口开工_示例网", "港口")
    found = merged(ENTRY, PagePart(URL, page.encode("big5"), "big5"))
    assert text in found.html


# ── where it goes on ────────────────────────────────────────────────────────────────────────


def next_of(text: str, url: str = URL, sites: Sites = RULES) -> str | None:
    profile = Profile("wire", ZONE, ZONE)
    part = PagePart(url, text.encode())
    return next_page_of(part, ParseContext(profile, sites, Limits()))


@pytest.mark.parametrize(
    ("links", "found"),
    [
        ("<a class=next href='/2.html'>下一页</a>", "https://port.example/2.html"),
        ("<a class=next href='2.html#p'>下一页</a>", "https://port.example/2.html#p"),
        ("<a class=next href='https://other.example/2.html'>下一页</a>", None),
        ("<a class=next href='#top'>下一页</a>", None),
        ("<a class=next href='/1.html'>下一页</a>", None),
        ("<a class=next href='javascript:next()'>下一页</a>", None),
        ("<a class=next>下一页</a>", None),
        ("", None),
        ("<a class=next href=/0.html>上一页</a>", None),
        (
            "<a class=next href=/0.html>上一页</a><a class=next href=/2.html>下一页</a>",
            "https://port.example/2.html",
        ),
        (
            "<a class=next href=/0.html><img src=prev.jpg></a>"
            "<a class=next href=/2.html><img src=/next_page.jpg></a>",
            "https://port.example/2.html",
        ),
    ],
)
def test_next_page(links: str, found: str | None) -> None:
    """The link onward that a site's rule finds, on the same host, and never the page itself."""
    # The rule's selector names the class for both, as sites do; what they say tells them apart.
    assert next_of(article(links.replace("class=next", "class=turn")), sites=_TURN) == found


_TURN = rules_of(content=("#a",), next_page=("a.turn",))


def test_no_rule_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page whose host's rule names no next page is not parsed."""
    monkeypatch.setattr(page_module, "page_tree", lambda *_: pytest.fail("a tree was built"))
    link = article("<a class=next href=/2.html>下一页</a>")
    assert next_of(link, "https://elsewhere.example/1.html") is None
    assert next_of(link, sites=rules_of(content=("#a",))) is None


def test_next_of_what_is_no_page() -> None:
    """What is no page goes on nowhere."""
    assert next_of("") is None
    assert next_of('{"a": 1}') is None
    assert next_of("<html>" + "<div>" * 1000) is None
