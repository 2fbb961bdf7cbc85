"""The real inputs: the seed's whole record, the mirror's identities, bs4 held against lxml."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Comment, Tag

from tests.normalize.conftest import SEEN_AT, profile_with
from worker.errors import Rejected
from worker.formats import ParseContext, parse_document
from worker.model import Document, Image, Provenance, Publisher, RawArticle, TickerOrigin
from worker.normalize import Normalized, normalize
from worker.normalize.body.elements import is_hidden
from worker.normalize.body.fragment import Fragment
from worker.normalize.body.sanitize import DROPPED
from worker.settings import Limits
from worker.sites import Sites

Read = Callable[[Path], list[RawArticle]]
FOLDERS = ("mirror", "dialects", "heads", "feeds", "encodings", "pages-zh")


@pytest.fixture(scope="module")
def read(shipped: Sites) -> Read:
    """The articles of a file; none where it is refused (the parsers' tests say which are)."""

    def read(path: Path) -> list[RawArticle]:
        document = Document(path.read_bytes(), path.name)
        context = ParseContext(profile_with(), shipped, Limits())
        try:
            found = list(parse_document(document, context))
        except Rejected:
            return []
        return [article for article in found if isinstance(article, RawArticle)]

    return read


@pytest.fixture
def one(samples: Path, shipped: Sites, read: Read) -> Callable[[str], Normalized]:
    def one(name: str) -> Normalized:
        (raw,) = read(samples / name)
        return normalize(
            raw,
            profile=profile_with(),
            sites=shipped,
            provenance=Provenance("drop", "folder"),
            first_seen_at=SEEN_AT,
        )

    return one


def test_the_seed(one: Callable[[str], Normalized]) -> None:
    """The input this project is for gives the record that the design describes."""
    made = one("seed.md").article
    assert made.id.startswith("20211126-")
    assert made.title == "上海市人才工作会议上，李强书记划重点"
    assert (made.date, made.date_published) == ("2021-11-26", "2021-11-26T12:26:04Z")
    assert (made.date_precision, made.date_source) == ("second", "front-matter:date")
    assert (made.authors, made.editor) == ((), "李昂")
    assert made.publisher == Publisher("新浪财经", "https://finance.sina.com.cn")
    assert made.tags == ("金融", "新浪财经", "新浪财经－国內")
    assert made.language == "zh-Hans"
    assert len(made.images) == 3
    assert made.images[0] == Image(made.image or "")
    assert "343233024" not in made.content_html
    found = [(each.symbol, each.exchange, each.name, each.origin) for each in made.tickers]
    assert found == [
        ("300959.SZ", "XSHE", "线上线下", TickerOrigin.AUTO_LINK),
        ("601328.SH", "XSHG", "交通银行", TickerOrigin.AUTO_LINK),
    ]
    assert [link.text for link in made.links] == ["线上线下", "交通银行"]
    assert "让各类人才线上线下都能" in made.content_text
    assert len(made.content_text.split("\n")) == 6
    assert "\u3000" not in made.content_text + made.content_html
    assert made.highlights == tuple(
        strong.get_text() for strong in BeautifulSoup(made.content_html, "html.parser")("strong")
    )
    assert len(made.highlights) == 9
    for noise in ("iframe", "二维码", "责任编辑", "appendQr", "海量资讯", "cms-style"):
        assert noise not in made.content_html + made.content_text
    assert made.warnings == ()
    assert made.extra in ({"comments": "false"}, {"comments": False})


def test_a_random_cover_makes_no_new_article(one: Callable[[str], Normalized]) -> None:
    """One article in three mirrors, each with its own random cover: one identity, one content."""
    names = ("hajeekn", "rock", "tianli0")
    made = [one(f"mirror/dt_ai_{name}.md") for name in names]
    assert len({each.identity for each in made}) == 1
    assert {each.article.image for each in made} == {None}


def test_two_posts_with_one_title_are_two(one: Callable[[str], Normalized]) -> None:
    """Posts without text that share a title differ by their day and by their picture."""
    a, b = one("mirror/mastodon_empty_a.md"), one("mirror/mastodon_empty_b.md")
    assert a.identity.key != b.identity.key
    assert a.identity.content != b.identity.content


def test_an_advert_is_not_the_cover(one: Callable[[str], Normalized]) -> None:
    """Sina's posts without a picture have none: the code of the site's app is an advert."""
    made = one("mirror/sina_145.md").article
    assert (made.image, made.images) == (None, ())


@pytest.mark.parametrize("folder", [*FOLDERS, "."])
def test_bs4_and_lxml_agree(samples: Path, read: Read, folder: str) -> None:
    """The text of every sample's body is the same by lxml's tree, by what is made of a deep body,
    and, white space apart, by bs4's own tree of the body and of the cleaned HTML."""
    compared = 0
    for path in sorted((samples / folder).glob("*.*")):
        for raw in read(path):
            body = Fragment(raw.html).clean()
            by_lxml = body.text
            assert "".join(by_lxml.split()) == _text_by_bs4(body.html), path
            assert "".join(by_lxml.split()) == _text_by_bs4(raw.html), path
            compared += 1
    assert compared


@pytest.mark.parametrize("folder", FOLDERS)
def test_normalizing_again_changes_nothing(
    samples: Path, shipped: Sites, read: Read, folder: str
) -> None:
    """A record's own HTML gives the same text, pictures and content hash when it is read again."""
    for path in sorted((samples / folder).glob("*.*")):
        for raw in read(path):
            fields = {
                "profile": profile_with(),
                "sites": shipped,
                "provenance": Provenance("drop", "folder"),
                "first_seen_at": SEEN_AT,
            }
            if not raw.title and "<p>" not in raw.html:  # a head, cut before its first word
                assert folder == "heads", path
                continue
            first = normalize(raw, **fields)  # type: ignore[arg-type]
            again = normalize(replace(raw, html=first.article.content_html), **fields)  # type: ignore[arg-type]
            assert again.article.content_text == first.article.content_text, path
            assert again.identity == first.identity, path


def _text_by_bs4(html: str) -> str:
    """Text by bs4's tree, without white space and without what is no text."""
    soup = BeautifulSoup(f"<body>{html}", "html.parser")
    for tag in soup(lambda tag: tag.name in DROPPED or _is_hidden(tag)):
        tag.decompose()
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    text = soup.get_text().translate(
        dict.fromkeys(map(ord, "\u200b\ufeff\u00ad\u200e\u200f\u2060"))
    )
    return "".join(text.split())


def _is_hidden(tag: Tag) -> bool:
    def attribute(name: str) -> str | None:
        value = tag.get(name)
        return " ".join(value) if isinstance(value, list) else value

    return is_hidden(attribute, lambda: tag.find(["img", "picture", "video"]) is not None)
