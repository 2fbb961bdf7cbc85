"""Title, people, language, tags and what has no field."""

import math

import pytest

from tests.normalize.conftest import article, make, profile_with, site
from worker.errors import Reason, Rejected
from worker.model import Attachment, Person, Publisher
from worker.normalize.language import detect, word_count


@pytest.mark.parametrize(
    ("title", "html", "expected", "warned"),
    [
        ("  题\n目\t\x07", "", "题 目", False),
        ("a\u202eb\u200bc\ufeff", "", "abc", False),
        (" \u3000\x00\u200b\n", "<p>先</p><h2>小标题</h2>", "小标题", True),
        (None, "<p>第一句话。第二句话。</p>", "第一句话。", True),
        (None, "<p>One sentence. Two.</p>", "One sentence.", True),
        ("\u200d", "<p>字</p>", "字", True),
        ("\u3164\u2800\u115f \u034f", "<p>字</p>", "字", True),
        (None, f"<p>{'长' * 500}</p>", "长" * 119 + "…", True),
    ],
)
def test_the_title(title: str | None, html: str, expected: str, warned: bool) -> None:
    """One line without control characters; where there is none the first heading or sentence."""
    made = article(html, title=title, date="2021-11-26")
    assert made.title == expected
    assert any("title_missing" in warning for warning in made.warnings) == warned


@pytest.mark.parametrize(
    "html", ["", "<p>　\u200b</p>", '<img src="https://a.cn/1.jpg">', "<!-- x -->"]
)
def test_neither_title_nor_text(html: str) -> None:
    """An input with neither is refused, and its owner learns what to do."""
    with pytest.raises(Rejected, match="give the article a title") as refused:
        make(html, title=" \x00 ")
    assert refused.value.reason is Reason.NO_CONTENT


def test_a_title_alone_is_an_article() -> None:
    """A post without any text is published under its title."""
    made = article("<hr>", title='@003_miss_ ""', date="2021-11-26")
    assert (made.title, made.content_text, made.warnings) == ('@003_miss_ ""', "", ())


def test_a_long_title_is_cut() -> None:
    """A title of more than 1,000 characters is cut, with a warning."""
    made = article(title="题" * 1001, date="2021-11-26")
    assert made.title == "题" * 1000
    assert made.warnings == ("cut: title cut at 1,000 characters",)


def test_outlets_are_no_persons() -> None:
    """An author whose rule, category or end of the name shows an outlet is the publisher."""
    sites = site(
        publisher="某站", publisher_url="https://a.cn", outlets=("某站综合",), tickers=False
    )
    made = article(authors=(Person("某站"), Person(" 张三 "), Person("某站综合")), sites=sites)
    assert made.authors == (Person("张三"),)
    assert made.publisher == Publisher("某站", "https://a.cn")
    mirrored = article(authors=(Person("DT 财经"),), tags=("金融", "DT 财经"))
    assert (mirrored.authors, mirrored.publisher) == ((), Publisher("DT 财经"))
    daily = article(authors=(Person("云屿晚报"), Person("潮汐财经"), Person("张三")))
    assert (daily.authors, daily.publisher) == ((Person("张三"),), Publisher("云屿晚报"))
    page = article(parser="page", authors=(Person("Ann"),), tags=("Ships", "Ann"))
    assert (page.authors, page.publisher) == ((Person("Ann"),), None)
    podcast = article(
        publisher=Publisher("Night Ferry"), authors=(Person("Ferry Radio"),), tags=("Ferry Radio",)
    )
    assert podcast.authors == (Person("Ferry Radio"),)
    stated = article(publisher=Publisher("某报", "javascript:x"), authors=(Person("李四"),))
    assert stated.publisher == Publisher("某报")
    assert stated.authors == (Person("李四"),)


def test_the_editor_is_as_stated_else_as_the_body_names() -> None:
    """An editor in the input's fields goes before the body's editor line."""
    from worker.sites import BodyRule

    sites = site(body=BodyRule(editor=(r"责任编辑：(\S+)",)))
    html, fields = "<p>文</p><p>责任编辑：李昂</p>", {"sites": sites, "authors": (Person("某站"),)}
    assert article(html, **fields).editor == "李昂"
    assert article(html, editor="王五", **fields).editor == "王五"
    for text in ("王五 SF098", "王五_NB6001"):  # the number of an employee
        assert article(html, editor=text, **fields).editor == "王五"


def test_tags_are_as_written() -> None:
    """Tags keep width, dashes and order; only doubles, empty ones and control characters go."""
    made = article(tags=("新浪财经－国內", "A\x07B", "", " ", "新浪财经－国內", "a"))
    assert made.tags == ("新浪财经－国內", "AB", "a")
    assert len(article(tags=tuple(map(str, range(500)))).tags) == 200


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("这是一个关于中国经济发展的报道，我们来看看现在的情况。", "zh-Hans"),
        ("這是一個關於經濟發展的報導，我們來看看現在的情況。", "zh-Hant"),
        ("これは日本語の記事です。経済について書いています。", "ja"),
        ("이것은 한국어로 쓰인 기사입니다. 경제에 관한 내용입니다.", "ko"),
        ("The committee of the city met on Friday to talk about the plan and its cost.", "en"),
        ("Der Ausschuss der Stadt traf sich am Freitag, um über den Plan zu sprechen.", None),
        ("Это статья о развитии экономики в нашей стране и в мире.", None),
        ("人山人海大小上下", None),
        ("", None),
    ],
)
def test_a_language_by_its_script(text: str, language: str | None) -> None:
    """Only a text that leaves no doubt has a detected language."""
    assert detect(text) == language


def test_a_declared_language_goes_first() -> None:
    """As declared, in its usual spelling; then the source's; then the site's; else the text's.
    The English of blogs in which nobody set a language is none above Chinese."""
    fields = {"sites": site(language="zh-Hans"), "authors": (Person("某站"),)}
    assert article(language="zh_cn", **fields).language == "zh-CN"
    assert article(language="简体中文", **fields).language == "zh-Hans"
    for text, language in (("これは日本語で書かれた記事ですよね。", "ja"), ("Sea", "en-US")):
        assert article(f"<p>{text}</p>", language="en-us").language == language
    assert article(profile=profile_with(language="ja"), **fields).language == "ja"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0), ("中文字", 3), ("one two", 2), ("中文 and 2 more字", 6), ("don't 22.7%", 2),
        ("한국어 기사", 2), ("カタカナ漢字", 6), ("，。！", 0), ("2021年", 2), ("état-major", 1),
    ],
)  # fmt: skip
def test_word_count(text: str, count: int) -> None:
    """CJK characters and words; a number with its point is one word."""
    assert word_count(text) == count


def test_what_has_no_field_is_kept_as_json() -> None:
    """`extra` keeps its values; what JSON cannot hold becomes text or null."""
    loop: list[object] = []
    loop.append(loop)
    extra = {
        "comments": "false",
        "n": math.nan,
        "big": 2**70,
        "l": (1, {"k\ud800": None}),
        "o": loop,
    }
    made = article(extra=extra).extra
    assert made["comments"] == "false"
    assert (made["n"], made["big"], made["l"]) == (None, str(2**70), [1, {"k\ufffd": None}])


def test_addresses_and_attachments() -> None:
    """Only web addresses are kept; attachments once each; a summary is plain text."""
    made = article(
        url="https://a.cn/1",
        external_url="javascript:x",
        attachments=(
            Attachment("/a.mp3", "Audio/MPEG", " 听 "),
            Attachment("https://a.cn/a.mp3"),
            Attachment("data:x"),
        ),
        summary="<p>摘<b>要</b></p><p>二 &amp; 三</p>",
    )
    assert (made.url, made.external_url) == ("https://a.cn/1", None)
    assert made.attachments == (Attachment("https://a.cn/a.mp3", "audio/mpeg", "听"),)
    assert made.summary == "摘要 二 & 三"
