"""Around an article: its standfirst is text; boxes and links to other articles are not."""

import time

import pytest

from tests.formats.page.test_body import HEAD, PARTS, TEXT, page, text_of
from tests.formats.pages import BODY, Parse, page_of
from worker.formats.page.passages import locate
from worker.formats.page.surroundings import correct_passages
from worker.formats.page.tree import parse_html

LEAD = "Eleven days without pilots have cost the port more than anyone had expected."
PARAGRAPHS = TEXT.replace("</p>", "</p>|").split("|")[:-1]


def lines_of(inside: str, extracted: str, summary: str = "") -> list[str]:
    """The lines of the article where an extractor's text was `extracted`."""
    passages = locate(parse_html(inside).find("body"), extracted)
    kept = correct_passages(passages, "Pilots return to work", [summary]).article_runs
    return [run.line for run in passages.runs if run in kept]


def within(inserted: str) -> str:
    """An article with `inserted` between its paragraphs."""
    text = "".join((*PARAGRAPHS[:3], inserted, *PARAGRAPHS[3:]))
    return page(f"<article>{HEAD}<div class='text'>{text}</div></article>")


@pytest.mark.parametrize(
    "standfirst",
    [
        f'<p class="standfirst">{LEAD}</p>',
        f"<h2>{LEAD}</h2>",
        f'<div class="summary"><p>{LEAD}</p></div><p>By Ann Vera</p><p>3 May 2021</p>',
        f'<figure><img src="a.jpg"></figure><div class="intro">{LEAD}</div>',
    ],
)
def test_standfirst(standfirst: str, parse: Parse) -> None:
    """The sentences between heading and text are the article's first paragraph."""
    html = page(f"<header>{HEAD}{standfirst}</header><div id='text'>{TEXT}</div>")
    text = text_of(parse(html).html)
    assert text.startswith(LEAD)
    assert "Ann Vera" not in text
    assert "2021" not in text


@pytest.mark.parametrize(
    "other",
    [
        '<p class="photo-text">The pilots on Monday in the eastern harbour, where they met.</p>',
        '<p class="author-info">Ann Vera writes about ships and harbours for this paper.</p>',
        "<p><a href='/b'>The harbour's tugs are for sale, and nobody wants to buy them.</a></p>",
        "<p>Published on Monday, 3 May 2021, at 10:15, and updated on Tuesday, 4 May</p>",
        f"<p>{PARTS[2]}</p>",
    ],
    ids=["caption", "author", "link", "date", "repetition"],
)
def test_no_standfirst(other: str) -> None:
    """Captions, notes on the author, links, dates and what the text says anyway are none."""
    html = f"<header>{HEAD}{other}</header><div>{TEXT}</div>"
    assert lines_of(html, " ".join(PARTS))[0] == PARTS[0]


@pytest.mark.parametrize(
    ("above", "summary"),
    [
        ("<p class='article__dek'>Pilots and port agree at last, says union</p>", ""),
        ("<div class='styles_articleDek__x1'>Pilots and port agree at last, says union</div>", ""),
        (
            "<div class='photo'><p class='lead'>Pilots and port agree, says union</p></div>",
            "",
        ),
        (f"<p>{LEAD[:-1]}</p>", f"{LEAD} By Ann Vera"),
        ("<div class='meta'>Agreed at last</div>", "Agreed at last"),
        ("<div data-testid='standfirst'><p>Pilots and port agree, says union</p></div>", ""),
        ("<p>Follow these steps on Facebook to moor</p>", "Follow these steps on Facebook to moor"),
    ],
)
def test_a_short_standfirst(above: str, summary: str) -> None:
    """A line with a standfirst's class, or with which the page describes itself, needs no verb; the
    heading may be no `h1`. A name or a caption is none."""
    title = "<div class='big'>Pilots return to work</div>"
    lines = lines_of(f"{title}{above}<div>{TEXT}</div>", " ".join(PARTS), summary)
    assert lines == [text_of(above), *PARTS]
    others = (
        f"<p class='lead'>Ann Vera</p><figure><figcaption>{summary or LEAD}</figcaption></figure>"
    )
    assert lines_of(f"{HEAD}{others}<div>{TEXT}</div>", " ".join(PARTS), summary or LEAD) == [
        *PARTS
    ]


def test_a_standfirst_next_to_the_heading() -> None:
    """A line of a sentence's length right behind the heading needs no full stop, a subheading there
    not even the length. Dates, bylines and buttons are none."""
    for line, is_lead in (
        (
            "<p>Boats come home empty while the tankers wait in line off the old lighthouse</p>",
            True,
        ),
        ("<h2>A month without any pilots</h2>", True),
        ("<p>A month without any pilots</p>", False),
        ("<p>By Ann Vera, who writes about ships and harbours and all of their people</p>", False),
        ("<p>The harbour's paper since the year 1904, now on the web, in two colours</p>", False),
        ("<h2>Weitere Optionen zum Teilen</h2>", False),
    ):
        for before in ("", "<p>3 May 2021</p>"):
            html = f"{HEAD}{before}{line}<div>{TEXT}</div>"
            first = [text_of(line)] if is_lead and not before else []
            assert lines_of(html, " ".join(PARTS)) == [*first, *PARTS]


def test_lines_above_the_heading() -> None:
    """The site's name and motto above the heading are no text; a heading that comes again in the
    text takes nothing away."""
    site = "<h1>The Quay Courier</h1><p>Boats and birds since 1904</p>"
    text = f"The Quay Courier Boats and birds since 1904 {' '.join(PARTS)}"
    assert lines_of(f"<div>{site}<h3>Pilots return to work</h3>{TEXT}</div>", text) == [*PARTS]
    kicker = f"<article><p>At the quay</p>{HEAD}{PARAGRAPHS[0]}{PARAGRAPHS[1]}</article>"
    text = f"At the quay Pilots return to work {PARTS[0]} {PARTS[1]}"
    assert lines_of(kicker, text) == ["Pilots return to work", *PARTS[:2]]
    html = f"{HEAD}{PARAGRAPHS[0]}{HEAD}<div>{TEXT}</div>"
    assert lines_of(html, " ".join((PARTS[0], *PARTS)))[:2] == [PARTS[0], PARTS[0]]


def test_teasers_in_articles_of_their_own() -> None:
    """Articles below a short one, whose headings are links, are teasers; sections that are
    articles, and the posts within one, are its text."""
    for heading, is_teaser in (("<a href='/b'>Tugs for sale</a>", True), ("Tugs for sale", False)):
        card = f"<article><h3>{heading}</h3><p>{LEAD}</p></article>"
        html = (
            f"<article>{HEAD}{PARAGRAPHS[0]}</article><section><h2>More news</h2>{card}</section>"
        )
        others = [] if is_teaser else ["More news", "Tugs for sale", LEAD]
        text = f"{PARTS[0]} More news Tugs for sale {LEAD}"
        assert lines_of(html, text) == [PARTS[0], *others]
        within_one = f"<article>{HEAD}{PARAGRAPHS[0]}{card}</article>"
        assert lines_of(within_one, f"{PARTS[0]} Tugs for sale {LEAD}")[-1] == LEAD


def test_headings_of_sections() -> None:
    """A heading that an extractor drops stays where it is right above a line of its own section; a
    label of references does not."""
    slides = "".join(
        f"<section><b>{at}</b><h2>{name}</h2><div class='words'>{part}</div></section>"
        for at, (name, part) in enumerate(
            zip(("At the sheds", "Read also"), PARAGRAPHS, strict=False)
        )
    )
    lines = lines_of(f"<div>{HEAD}{slides}</div>", " ".join(PARTS[:2]))
    assert lines == ["At the sheds", *PARTS[:2]]


def test_boxes_around_all_of_it() -> None:
    """A class that heading and text share says nothing about the standfirst between them."""
    html = f"<div class='with-sidebar'>{HEAD}<p>{LEAD}</p><div>{TEXT}</div></div>"
    assert lines_of(html, " ".join(PARTS))[0] == LEAD


@pytest.mark.parametrize(
    "box",
    [
        "<div class='inline-recirc'><h3>BAIT</h3><p>{0}</p></div>",
        "<div id='newsletter-3'><p>BAIT {0}</p></div>",
        "<div class='sd-block sharedaddy'><p>BAIT {0}</p></div>",
        "<p class='affiliate disclosure'>BAIT {0}</p>",
        "<div class='poll'><h4>BAIT?</h4><p>{0}</p></div>",
    ],
)
def test_boxes(box: str, parse: Parse) -> None:
    """What an element between the paragraphs says that its class calls a box is not the article."""
    text = text_of(parse(within(box.format("Ships, cranes and men, every morning by mail."))).html)
    assert "BAIT" not in text
    assert all(part in text for part in PARTS)


@pytest.mark.parametrize(
    ("name", "tag"),
    [("post--no-comments", "div"), ("social-media-post", "blockquote"), ("share", "article")],
)
def test_no_boxes(name: str, tag: str, parse: Parse) -> None:
    """A modifier of a class, a quoted post and an article are none; nor is the larger part."""
    quote = "Nobody on the quay had expected that, and nobody said so before Monday."
    inserted = f"<{tag} class='{name}'><p>{quote}</p></{tag}>"
    assert quote in text_of(parse(within(inserted)).html)
    assert lines_of(f"{HEAD}<div class='share'>{TEXT}</div>", " ".join(PARTS)) == [*PARTS]


REFERENCES = [
    "<p>Read also: <a href='/b'>BAIT, and the tugs of the harbour are for sale</a></p>",
    "<p><b>Lesen Sie auch:</b> <a href='/b'>BAIT und die Schlepper des Hafens</a></p>",
    "<p><a href='/b'>Related: BAIT, and the tugs of the harbour are for sale</a></p>",
    "<p>延伸阅读：<a href='/b'>BAIT 东港的引航员十一天之后回到了船上</a></p>",
    "<p>Also on this site</p><ul><li><a href='/b'>BAIT, and the tugs of the harbour</a></li>"
    "<li><a href='/c'>BAIT, and the cranes of the harbour</a></li></ul>",
]


@pytest.mark.parametrize("reference", REFERENCES)
def test_references(reference: str, parse: Parse) -> None:
    """`Read also: …` and the list of links behind such a label are not the article."""
    text = text_of(parse(within(reference)).html)
    assert "BAIT" not in text
    assert "Also on" not in text
    assert all(part in text for part in PARTS)


def test_links_behind_a_label() -> None:
    """All links of the list go, and the text behind it stays."""
    links = "".join(f"<li><a href='/{name}'>The {name} of the harbour</a></li>" for name in "abc")
    html = f"<p>{PARTS[0]}</p><p>Read also</p><ul>{links}</ul><p>{PARTS[1]}</p>"
    text = f"{PARTS[0]} Read also {text_of(links)} {PARTS[1]}"
    assert lines_of(html, text) == [*PARTS[:2]]


@pytest.mark.parametrize(
    "sentence",
    [
        "<p>Related to that is <a href='/b'>the sale</a> of the tugs, which begins next week.</p>",
        "<p>The union's statement and the port's are on <a href='/b'>its page</a> now.</p>",
    ],
)
def test_no_references(sentence: str, parse: Parse) -> None:
    """A sentence with a link is text, whatever it begins with."""
    assert text_of(sentence)[:40] in text_of(parse(within(sentence)).html)


def test_repeated_paragraphs() -> None:
    """Paragraphs that an extractor drops stay: it takes nothing that the text says twice."""
    twice = "Wait for the second horn before you cross the rails between the two sheds."
    lost = f"<h3>At the sheds</h3><p>{twice}</p>"
    box = f"<figure>{twice}</figure><p><a href='/b'>{twice}</a></p>"
    html = "".join((*PARAGRAPHS[:2], lost, *PARAGRAPHS[2:4], box, *PARAGRAPHS[4:]))
    expected = [*PARTS[:2], "At the sheds", twice, *PARTS[2:]]
    assert lines_of(f"<div>{html}</div>", " ".join(PARTS)) == expected


TABLE = "<table><tr><td>Ships</td><td>1402</td></tr></table>"


@pytest.mark.parametrize(
    ("lost", "lines"),
    [
        (TABLE, ["Ships", "1402"]),
        (f"<div class='table-wrap'>{TABLE}</div>", ["Ships", "1402"]),
        ("<ul><li>No tugs</li><li>Two cranes</li></ul>", ["No tugs", "Two cranes"]),
        ("<h2>At the sheds</h2>", ["At the sheds"]),
        ("<h2>Tags</h2><p><a href='/t'>harbours</a></p>", []),
        ("<p>Advertisement</p>", []),
        ("<ul><li><a href='/b'>The tugs of the harbour</a></li></ul>", []),
        ("<ul class='share'><li>Send it to a friend</li></ul>", []),
    ],
)
def test_lines_in_the_layout_of_the_article(lost: str, lines: list[str]) -> None:
    """Tables, lists and headings between the paragraphs stay, if an extractor drops them, and links
    and boxes do not; so do the paragraphs of other sections with the article's classes."""
    text = "".join((*PARAGRAPHS[:2], lost, *PARAGRAPHS[2:]))
    kept = lines_of(f"<div class='text'>{text}</div>", " ".join(PARTS))
    assert kept == [*PARTS[:2], *lines, *PARTS[2:]]
    sections = [f"<div class='row'><div class='col'>{part}</div></div>" for part in PARAGRAPHS]
    other = "<div class='row'><p>The tugs of the harbour and its cranes are sold.</p>"
    html = HEAD + "".join((*sections, f"<div class='row'>{lost}</div>", other))
    assert lines_of(html, " ".join(PARTS[1:-1])) == [*PARTS]


def test_a_link_around_a_thousand_paragraphs() -> None:
    """Each line is judged by its own letters: read whole for each, one link took 10 s."""
    between = "".join(f"<p>The tugs of harbour {at} are for sale, too.</p>" for at in range(1_000))
    start = time.process_time()
    html = f"{PARAGRAPHS[0]}<a href='/b'>{between}</a>{PARAGRAPHS[1]}"
    assert lines_of(html, f"{PARTS[0]} {PARTS[1]}") == [*PARTS[:2]]
    assert time.process_time() - start < 2


def test_words_of_a_menu() -> None:
    """A word that the article has, too, is not taken from a menu far above or below it."""
    menu = "".join(f"<li><a href='/{at}'>Menu {at}</a></li>" for at in range(20))
    html = (
        f"<ul><li>Harbours</li>{menu}</ul>{HEAD}<div>{TEXT}</div><ul>{menu}<li>Newspapers</li></ul>"
    )
    assert lines_of(html, f"Harbours {' '.join(PARTS)} Newspapers") == [*PARTS]


def test_a_title_as_a_paragraph(parse: Parse) -> None:
    """The title once more above the text, in whatever element, is none of it, nor are the links of
    headings to themselves."""
    first = "<p><b>Pilots return to work</b></p>"
    section = "<h2>At the sheds<a class='headerlink' href='#s'>Link</a></h2>"
    html = page(f"<article>{HEAD}<div>{first}{section}{TEXT}</div></article>")
    text = text_of(parse(html).html)
    assert "Pilots return to work" not in text
    assert text.startswith("At the sheds")
    assert "Link" not in text


def test_formulas(parse: Parse) -> None:
    """Formulas stay, in a line and between lines, without their TeX sources."""
    root = "<msqrt><mi>gh</mi></msqrt>"
    source = "<annotation encoding='application/x-tex'>\\sqrt{gh}</annotation>"
    line = f"<p>The speed of a wave is <math>{root}{source}</math> for all of the basins.</p>"
    text = text_of(parse(within(f"{line}<math display='block'><mi>v=</mi>{root}</math>")).html)
    assert "is gh for" in text
    assert "v= gh" in text
    assert "sqrt" not in text


def test_notes_below_the_text() -> None:
    """A note on the author and one on the print edition, behind the text, are none of it."""
    bio = "<p><b>About the author</b></p><p>Ann Vera lives on a boat and writes about it.</p>"
    note = "<p>A version of this article appears in print on May 4, on page A3.</p>"
    for end in (bio, note):
        text = f"{' '.join(PARTS)} {text_of(end)}"
        assert lines_of(f"{HEAD}<div>{TEXT}{end}</div>", text) == [*PARTS]


@pytest.mark.parametrize(
    "end",
    [
        "<p>特别声明：以上内容为自媒体平台用户上传并发布，本平台仅提供信息存储服务。</p>"
        "<p>Notice: The content above is uploaded and posted by a user of this platform.</p>",
        "<p>返回搜狐，查看更多</p><p>责任编辑：李四</p><p>平台声明：该文观点仅代表作者本人。</p>",
        "<p><b>版权声明</b></p><p>未经授权不得转载，违者将依法追究责任，转载请联系本站。</p>",
        "<p>本文观点仅代表作者本人，示例网仅提供信息存储空间服务，与本站立场无关。</p>",
        "<p>示例新闻报料：仅代表010-5555</p><p>示例新闻，未经授权不得转载</p><p>+12</p>"
        "<p># 港口</p>",
        "<p>此内容为示例财经原创，声明如上，违者追究责任，转载请联系编辑部。</p>",
    ],
)
def test_disclaimers(end: str, parse: Parse) -> None:
    """A site's disclaimers behind the text are none of it; the same words within it are."""
    text = BODY * 2
    html = parse(page_of(f"<h1>港口开工</h1><div>{text}{end}</div>")).html
    assert not any(word in html for word in ("声明", "仅代表", "Notice", "不得转载", "返回"))
    assert html.count("<p>第") == 16
    quoted = "<p>免责声明：公司在公告里这样写道，引起了旅客们的不满，有人撕掉了船票。</p>"
    assert "免责声明" in parse(page_of(f"<h1>港口开工</h1><div>{BODY}{quoted}{text}</div>")).html


@pytest.mark.parametrize(
    "line",
    [
        "Subscribe to our morning newsletter, and read BAIT first.",
        "Follow Ann Vera on BAIT for more about the harbour.",
        "Like this story? Share BAIT with a friend!",
        "Jetzt den Hafenbrief abonnieren: BAIT jeden Morgen.",
        "Abonnez-vous pour lire tous nos articles sur BAIT.",
        "Suscríbete a nuestro boletín sobre BAIT.",
        "扫描下方二维码，关注BAIT公众号",
        "更多精彩内容，请关注BAIT公众号",
        "首页 > 港口 > BAIT",
        "大字体 小字体 打印",
        "Follow Quay South East on Facebook, on BAIT, and on Instagram.",
        "Do you know more? Write to BAIT.",
        "Artikel zum Hören",
        "图片编辑：李四",
        "（原标题：港口BAIT开工）",
        "Teilen Facebook WhatsApp E-Mail",
        "© RIPRODUZIONE RISERVATA",
        "Il vous reste 72.4% de cet article à lire, BAIT",
        "3 min read",
        "Temps de lecture : 4 min",
        "— END —",
        "Tags: harbour, BAIT",
        "From Openwire, the free news source",
        "2 收藏 我要举报",
        "Harbours ›",
        "Powered by Quayboard! 3.4 © 2001 BAIT",
    ],
)
def test_calls_and_controls(line: str) -> None:
    """Calls to subscribe or to follow, breadcrumbs and buttons are no text, wherever they stand; a
    sentence that begins alike is."""
    known = "Follow the quay to its end, and subscribe to nothing that is sold on it."
    html = f"{HEAD}<div><p>{line}</p>{TEXT}<p>{line}</p><p>{known}</p></div>"
    assert lines_of(html, f"{line} {' '.join(PARTS)} {line} {known}") == [*PARTS, known]


@pytest.mark.parametrize(
    ("line", "is_call"),
    [
        ("扫一扫，关注示例晚报的公众号。", True),
        ("扫一扫就能上船，乘客不再排队。", False),
        ("扫描船上二维码就能退票，码头负责人介绍。", False),
        ("点击下载APP 看更多内容", True),
        ("下载量一周内第一，示例新闻客户端受欢迎。", False),
        ("Share this with all your friends.", True),
        ("Share this burden with the other ports, the union told the minister.", False),
        ("«Нет забастовке»", False),
        ("« Je ne sais pas »", False),
        ("1. Tag: Anreise in den Hafen", False),
        ("Stay up to date with your vaccines, and keep the card.", False),
        ("Stay up to date with the latest of the harbour.", True),
        ("This story is a tribute to family members who waited.", False),
        ("This article is for subscribers only.", True),
        ("To keep reading alive, the library lends books without fees.", False),
        ("To continue reading, subscribe.", True),
        ("Reading time is over.", False),
    ],
)
def test_a_sentence_that_begins_as_a_call(line: str, is_call: bool, parse: Parse) -> None:
    """A paragraph that begins as a call or a button stays if it reports what someone said, is a
    quotation, or goes on as prose."""
    text = "".join(f"<p>{part}</p>" for part in [PARTS[0], line, *PARTS[1:]])
    html = parse(page(f"<article>{HEAD}{text}</article>")).html
    assert (line not in html) is is_call
