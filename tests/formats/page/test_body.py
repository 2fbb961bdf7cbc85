"""The article of a page without a rule: whole, without chrome, boxes and hidden text."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.formats.pages import SENTENCE, Parse
from worker.errors import Rejected
from worker.formats.page.body import extract_article
from worker.formats.page.extraction import _elect
from worker.formats.page.passages import locate
from worker.formats.page.tree import parse_html
from worker.sites import Sites

CASES = Path(__file__).parents[4] / "shared" / "cases" / "pages"
PARTS = (
    "The pilots of the eastern harbour went back to work on Monday after eleven days on strike.",
    "Their union accepted a shorter night watch, and the port promised two more boats by spring.",
    "Nineteen ships had waited outside the breakwater, some of them with fruit that was spoiling.",
    "The first to come in was a small tanker from the islands, which had been there for a week.",
    "By the evening the queue was half as long, said the harbour master, who had slept in his car.",
    "The mayor thanked both sides, and asked them to meet again before the contracts end in June.",
)
TEXT = "".join(f"<p>{part}</p>" for part in PARTS)
HEAD = "<h1>Pilots return to work</h1>"


def page(inside: str, title: str = "Pilots return to work") -> str:
    return f"<html><head><title>{title}</title></head><body>{inside}</body></html>"


def text_of(html: str) -> str:
    return " ".join(BeautifulSoup(html, "lxml").get_text(" ").split())


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>BAIT</p>",
        '<p style="color: red; display : none">BAIT</p>',
        '<div style="visibility:hidden"><p>BAIT</p></div>',
        '<span class="sr-only">BAIT</span>',
        '<span class="label visually-hidden">BAIT</span>',
        '<span class="screen-reader-text">BAIT</span>',
        '<p aria-hidden="true">BAIT</p>',
    ],
)
def test_hidden_text_is_no_content(hidden: str, parse: Parse) -> None:
    """What a browser does not show is not in the text, beside it or within a paragraph."""
    inside = TEXT.replace("strike.", f"strike {hidden}.")
    article = parse(page(f"<article>{HEAD}{hidden}{inside}</article>"))
    assert "BAIT" not in article.html
    assert all(part[:40] in text_of(article.html) for part in PARTS)


def test_text_behind_what_is_hidden(parse: Parse) -> None:
    """A label behind a hidden one is dropped with its line, and a hidden cell with its column."""
    link = "<li><a href='/1'><i class='sr-only'>Next: Tugs</i> Next</a></li>"
    table = "<table><tr><td>Tugs</td><td hidden>BAIT</td><td>nineteen</td></tr></table>"
    html = parse(page(f"<main>{HEAD}<div>{TEXT}{link}{table}{TEXT}</div></main>")).html
    assert "Next" not in html
    assert "BAIT" not in html
    assert html.count("<td>") == 2


def test_an_article_that_a_script_shows(parse: Parse) -> None:
    """A page whose whole article is hidden until a script runs is read nevertheless."""
    article = parse(page(f'{HEAD}<div style="display:none">{TEXT}</div><p>Loading</p>'))
    assert PARTS[3] in text_of(article.html)


def test_decorative_pictures_are_shown(parse: Parse) -> None:
    """`aria-hidden` hides a picture from screen readers, not from people."""
    figure = '<figure aria-hidden="true"><img src="https://p.example/a.jpg"></figure>'
    article = parse(page(f"<article>{HEAD}{TEXT[:200]}{figure}{TEXT[200:]}</article>"))
    assert "a.jpg" in article.html


@pytest.mark.parametrize(
    "box",
    [
        '<div class="related"><h3>Read more</h3><ul>' + '<li><a href="/x">Teaser</a></li>' * 6,
        "<aside><p>Subscribe to our letter for all that happens at sea.</p></aside>",
        "<nav><a href='/'>Home</a> <a href='/sea'>Sea</a></nav>",
        '<section class="comments"><article><p>Great! I waited for this for days.</p></article>',
    ],
    ids=["related", "aside", "nav", "comments"],
)
def test_boxes_are_not_the_article(box: str, parse: Parse) -> None:
    """The whole article and nothing of the boxes around it."""
    article = parse(page(f"<main><article>{HEAD}{TEXT}</article>{box}</main>"))
    text = text_of(article.html)
    assert text.startswith(PARTS[0])
    assert text.endswith(PARTS[-1])


QUESTION = "BAIT: we and our 847 partners store cookies on your device, and ask you for consent. "


@pytest.mark.parametrize(
    "box",
    [
        '<div id="onetrust-consent-sdk"><p>{0}</p></div>',
        '<div class="page-top cookie-banner"><p>{0}</p></div>',
        '<section class="gdpr_consent"><p>{0}</p></section>',
        "<amp-consent><div>{0}</div></amp-consent>",
    ],
)
def test_questions_for_consent(box: str, parse: Parse) -> None:
    """A question for consent is no content, however long it is; an article about one is."""
    question = box.format(QUESTION * 20)
    assert "BAIT" not in parse(page(f"{question}<main>{HEAD}{TEXT}</main>")).html
    about = TEXT.replace("strike.", "strike over cookie banners.")
    article = parse(page(f'{question}<main class="about-cookies">{HEAD}{about}</main>'))
    assert "cookie banners" in text_of(article.html)


@pytest.mark.parametrize(
    "title", ["Page not found", "Error 404", "404 - quay", "您访问的页面不存在"]
)
def test_pages_that_say_there_is_none(title: str, parse: Parse) -> None:
    """A page with an error for a title and little text is refused; a long text is an article."""
    inside = f"<main><h1>{title}</h1><p>{PARTS[0]} {PARTS[1]}</p></main>"
    with pytest.raises(Rejected, match="no article was found"):
        parse(page(inside, title))
    assert parse(page(f"<main><h1>{title}</h1>{TEXT}</main>", title)).title == title


def test_the_heading_goes_after_the_extraction(parse: Parse) -> None:
    """The heading that is the title is not repeated in the body; a section's heading stays."""
    article = parse(page(f"<article>{HEAD}{TEXT}<h2>What comes next</h2>{TEXT}</article>"))
    assert "Pilots return to work" not in article.html
    assert "<h2>What comes next</h2>" in article.html


def test_markup_and_place_of_everything_stay(parse: Parse) -> None:
    """Emphasis, links, captions and comments are the page's own, in their places."""
    inside = (
        f"<p>{PARTS[0]} <b>Eleven days</b> and <a href='/strike'>a strike</a>.</p>"
        "<figure><img src='/boat.jpg'><figcaption>A pilot boat</figcaption></figure>"
        f"<!-- keyword -->{TEXT}"
    )
    html = parse(page(f"<article>{HEAD}{inside}</article>")).html
    assert "<b>Eleven days</b>" in html
    assert '<a href="/strike">a strike</a>' in html
    assert "<!-- keyword -->" in html
    assert 'data-caption="A pilot boat"' in html
    assert html.index("boat.jpg") < html.index(PARTS[1])


def test_a_caption_of_several_pictures_is_the_last_one_s(parse: Parse) -> None:
    """Each time that the page is read."""
    pictures = "".join(f"<div><img src='/{number}.jpg'></div>" for number in range(9))
    figure = f"<figure>{pictures}<figcaption>A pilot boat</figcaption></figure>"
    html = parse(page(f"<article>{HEAD}<p>{PARTS[0]}</p>{figure}{TEXT}</article>")).html
    assert re.search(r'8\.jpg"[^>]* data-caption="A pilot boat"', html)


def test_a_longer_answer_that_holds_the_shorter_wins() -> None:
    """readability's text is taken where it has trafilatura's and half as much again."""
    short, whole = " ".join(PARTS[:3]), " ".join(PARTS)
    assert _elect(short, whole) == whole
    assert _elect(short, " ".join(PARTS[3:] * 3)) == short


def test_a_shorter_answer_within_the_longer_wins() -> None:
    """Where trafilatura has twice what readability has, the surplus is around the article."""
    article, chrome = " ".join(PARTS), "Other story of the day, and a teaser for each. " * 6
    assert _elect(f"{article} {chrome}{chrome}", article) == article
    assert _elect(article, " ".join(PARTS[:5])) == article  # a paragraph less is no chrome


def test_chinese_pages_are_readabilitys() -> None:
    """Of a Chinese page the text without the disclaimer is taken, however small that is."""
    article = "海港的引水员罢工十一天之后于周一复工，防波堤外等候的十九艘船开始陆续进港。" * 5
    assert _elect(article + "免责声明：本文仅代表作者个人观点，与本网无关。", article) == article


def test_chinese_menu_is_not_the_article() -> None:
    """A text of readability that is longer by a menu and a footer is not taken."""
    article = "海港的引水员罢工十一天之后于周一复工，防波堤外等候的十九艘船开始陆续进港。" * 5
    menu, footer = "首页新闻本地视频财经体育娱乐健康", "版权所有山城在线关于我们联系方式"
    assert _elect(article, f"{menu}{article}{footer}") == article
    without_end = article[: len(article) // 2] + "责任编辑方一平"
    assert _elect(article, without_end) == without_end


def test_where_nothing_is_an_article(parse: Parse) -> None:
    """A few words are an article, however short; those of a menu are none."""
    assert "abc" in parse(page("<div><p>abc</p><p>def</p></div>")).html
    with pytest.raises(Rejected, match="no article was found"):
        parse(page("<nav><a href=/>Home</a> <a href=/sea>Sea</a></nav>"))


@pytest.mark.parametrize("root", ["<div id=root></div>", "<script id=__NEXT_DATA__>{}</script>"])
def test_what_only_scripts_fill(root: str, parse: Parse) -> None:
    """A page that scripts make is refused with that reason; JSON-LD is read."""
    with pytest.raises(Rejected, match="scripts make the text"):
        parse(page(root))
    data = f'{{"@type": "Article", "articleBody": "{" ".join(PARTS)}"}}'
    assert PARTS[5] in parse(page(f'{root}<script type="application/ld+json">{data}</script>')).html


def test_a_teaser(parse: Parse) -> None:
    """Where the page shows a part of its article, and JSON-LD has all, that is the body."""
    data = f'{{"@type": "Article", "articleBody": "{" ".join(PARTS)}"}}'
    inside = f'{HEAD}<p>{PARTS[0]}</p><p>{PARTS[1]}</p><script type="application/ld+json">{data}'
    article = parse(page(f"{inside}</script>"))
    assert PARTS[5] in article.html
    assert "JSON-LD" in str(article.warnings)


def test_a_short_chinese_article_that_a_script_shows(parse: Parse) -> None:
    """Chinese characters count twice: 150 are an article, also in what is hidden; a label that is
    hidden, too, is none of it."""
    inside = "".join(f"<section><span>第{n}天。{SENTENCE}</span></section>" for n in range(4))
    label = "<span hidden>赞，轻点两下取消赞</span>"
    html = f'<h1>港口</h1><p>港口观察</p><div style="visibility: hidden">{inside}</div>{label}'
    read = parse(page(html)).html
    assert SENTENCE in read
    assert "轻点" not in read


@pytest.mark.parametrize("title", ["Sign in to continue", "That page can’t be found.", "请登录"])
def test_a_login_is_no_article(title: str, parse: Parse) -> None:
    """A page that asks who reads, or says that there is none, is refused; an article on it not."""
    html = page(f"<h1>{title}</h1>{TEXT}", title)
    with pytest.raises(Rejected, match="no article was found"):
        parse(html)
    assert parse(html.replace(title, f"{title}: an appeal")).html


def test_a_script_that_loads_is_no_article(parse: Parse) -> None:
    """The word that stands where a script puts the article is none; a short article is one."""
    with pytest.raises(Rejected, match="scripts make the text"):
        parse(page('<div id="__next"><div>Loading the page…</div></div>'))
    flash = "The quay is open again, and all of its cranes are back in service."
    assert (
        flash in parse(page(f'<div id="__next"><article>{HEAD}<p>{flash}</p></article></div>')).html
    )


def test_a_text_is_taken_once() -> None:
    """Of a teaser and its article, which begin alike, the article's paragraph is kept."""
    tree = parse_html(page(f"<div><p>{PARTS[0]}</p></div><div id=a>{TEXT}</div>"))
    passages = locate(tree.find("body"), " ".join(PARTS))
    assert passages.first is not None
    assert passages.first.block.getparent().get("id") == "a"
    assert passages.share > 0.99


def test_the_tree_is_only_read(parse: Parse) -> None:
    """Extraction leaves the tree's text as it is: metadata is read from it afterwards."""
    tree = parse_html(page(f"<article>{HEAD}<p hidden>BAIT</p>{TEXT}</article>"))
    extract_article(tree)
    assert "BAIT" in tree.text_content()


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
@pytest.mark.parametrize(
    ("name", "first", "last", "least"),
    [
        ("163-box.html.gz", "11月25日", "拼多多", 700),
        ("bgr-h1.html.gz", "Black Friday 2019 is going to be huge", "", 4_000),
        ("cnn-holder.html.gz", "President Donald Trump", "", 3_600),
    ],
)
def test_cases(name: str, first: str, last: str, least: int, parse: Parse) -> None:
    """Real pages whose articles were cut, or exchanged for a box of recommendations."""
    import gzip

    text = gzip.decompress((CASES / name).read_bytes()).decode("utf-8", "replace")
    found = text_of(parse(text, sites=Sites(())).html)
    assert first in found[:300]
    assert last in found
    assert least < len("".join(found.split())) < 1.4 * least + 300
