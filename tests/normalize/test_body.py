"""Bodies: text, highlights, pictures, links, and what a site's rule takes away."""

import pytest

from tests.normalize.conftest import article, body, site
from worker.model import Image, Link, Person
from worker.normalize.body.lines import LONGEST, Lines


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>让<span><a href='//a.cn/'>线上线下</a></span><i></i>都能</p>", "让线上线下都能"),
        ("文字<b>粗</b>文字<i>斜</i>。", "文字粗文字斜。"),
        ("<p>　　缩进</p><p>&nbsp;&nbsp;也是</p><p><font>　　还是</font></p>", "缩进\n也是\n还是"),
        ("<p>一</p>二<div>三<p>四</p>五</div>六", "一\n二\n三\n四\n五\n六"),
        ("<p>one\n   two\tthree</p>", "one two three"),
        ("一<br>二<br/><br>三", "一\n二\n三"),
        ("<ul><li>甲</li><li>乙<ol><li>丙</li></ol></li></ul>", "甲\n乙\n丙"),
        ("<table><tr><th>名<th>价</tr><tr><td><p>甲</p></td><td>1</table>", "名\t价\n甲\t1"),
        ("<pre>if x:\n    y\n\n</pre>", "if x:\n    y"),
        ("<h1>题</h1><blockquote>引</blockquote><hr><dl><dt>词<dd>义</dl>", "题\n引\n词\n义"),
        ("<p>a<script>x()</script>b<style>p{}</style>c<!-- d -->e<template>f</template>", "abce"),
        ("<iframe src=x>no frames</iframe><svg><text>s</text></svg><textarea>t</textarea>好", "好"),
        ("<math><mi>x</mi></math><svg><text>s</text></svg><math><style>t</style></math>好", "x好"),
        ("<noscript><p>旧</p></noscript>新", "旧\n新"),
        ("<p>a &lt;b&gt; &amp; c &#169;</p>", "a <b> & c ©"),
        ("<custom-tag>自</custom-tag><o:p>定</o:p>", "自定"),
        ("x&#0;y&#8;z&shy;w&#8203;v&#xFEFF;", "x\ufffdyzwv"),
        ("字\x00符\x0b号\ud800", "字符 号\ufffd"),
        ("</p></div>尾<p>未闭", "尾\n未闭"),
        ("<table>前<b>移</b><tr><td>格</td>间</tr></table>后", "前移间\n格\n后"),
        ("<tbody><tr><td>甲</td><td>乙</td></tr></tbody>", "甲\t乙"),
        ("<b>粗<p>段</b>尾</p>", "粗\n段尾"),
        ("<html><head><title>t</title></head><body><p>b</p></body></html>", "b"),
        ("", ""),
    ],
)  # fmt: skip
def test_text(html: str, text: str) -> None:
    """Blocks are lines, inline elements are not torn apart, code and comments are no text."""
    assert body(html).text == text


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("&#8;", ""), ("&#08203;", ""), ("&#x200B;", ""), ("&#XFEFF;", ""), ("&#8203", ""),
        ("&#129;", ""), ("&#13;", " "), ("&shy;", ""), ("&ZeroWidthSpace;", ""),
        ("&#x110000;", "\ufffd"), ("&#xD800;", "\ufffd"), (f"&#{'9' * 5000};", "\ufffd"),
        ("&#8217;", "’"), ("&#x4E00;", "一"), ("&#146;", "’"), ("&#123;&#125;", "{}"),
    ],
)  # fmt: skip
def test_references(reference: str, text: str) -> None:
    """A reference is read as a browser does, and one to an invalid character leaves nothing, in the
    text and in the HTML, also where it is the only one of the body."""
    made = body(f"<p>甲{reference}乙</p>")
    assert made.text == f"甲{text}乙"
    assert made.html == f"<p>甲{text}乙</p>"


@pytest.mark.parametrize("name", ["fn", "text", "g", "set", "view", "math", "mtext", "x-y", "main"])
def test_unknown_elements_keep_their_text(name: str) -> None:
    """An element that the table does not have, a site's own or MathML's, leaves its text behind."""
    made = body(f"<div>甲<{name}>乙<b>丙</b></{name}>丁</div>")
    assert "".join(made.text.split()) == "甲乙丙丁"
    assert made.html.replace("<div>", "").replace("</div>", "") == "甲乙<b>丙</b>丁"


@pytest.mark.parametrize(
    ("attributes", "is_shown"),
    [
        ('style="color: red; DISPLAY :\n none"', False),
        ("style='visibility:  hidden'", False),
        ("hidden", False),
        ('hidden="until-found"', True),
        ('aria-hidden="TRUE"', False),
        ('aria-hidden="false"', True),
        ('class="x visually-hidden"', False),
        ('class="off-screen"', False),
        ('style="text-decoration: none; overflow: hidden"', True),
    ],
)
def test_what_browsers_hide_is_no_text(attributes: str, is_shown: bool) -> None:
    """An element that is not shown is no content, without any site's rule."""
    text = "甲乙丙" if is_shown else "甲丙"
    assert body(f"<p>甲<span {attributes}>乙</span>丙</p>").text == text


@pytest.mark.parametrize(
    ("size", "is_kept"),
    [
        ('width="1" height="1"', False),
        ('width="0" height="0"', False),
        ('width="600" height="1px"', False),
        ('width="16" height="16"', False),
        ('width="20" height="14"', True),  # a formula
        ('width="0"', True),  # no size
        ('width="640" height="auto"', True),
    ],
)
def test_pixels_and_icons_are_no_pictures(size: str, is_kept: bool) -> None:
    """A picture is left out where its size says that it is a pixel, a line or an icon."""
    html = f'<p>甲</p><span aria-hidden="true"><img src="https://a.cn/p.png" {size}></span>'
    assert bool(body(html).images) is is_kept


def test_drawn_symbols_are_text() -> None:
    """Emoji and faces that a site draws are their characters, not pictures."""
    html = (
        '<p>高<img src="https://a.cn/emoji/1f600.png" alt="😀">潮'
        '<img src="/face/d.png" alt="[允悲]"><img src="https://a.cn/1.jpg" alt="[图]"></p>'
    )
    made = body(html)
    assert (made.text, [one.url for one in made.images]) == ("高😀潮[允悲]", ["https://a.cn/1.jpg"])


def test_highlights_are_the_bold_runs() -> None:
    """Bold runs in order: adjoining ones are one, nested ones count once, empty ones never."""
    html = (
        "<p>一<strong>二<b>三</b></strong><b>四</b>五<b> </b><b>六<a href='//a.cn'>七</a></b></p>"
        "<p><b>八</b></p><p><b>九<br>十</b></p><p><b>one</b> <b>two</b><b>three</b></p>"
    )
    assert body(html).highlights == ("二三四", "六七", "八", "九 十", "one twothree")


def test_a_sites_bold_becomes_strong() -> None:
    """What a rule calls bold is `strong` in the HTML and a highlight; blocks stay blocks."""
    made = body(
        '<p>　　<font class="B">粗</font>细</p><p class="B">整段</p>', bold=("font.B", "p.B")
    )
    assert made.html == "<p><strong>粗</strong>细</p><p><strong>整段</strong></p>"
    assert made.highlights == ("粗", "整段")
    assert made.text == "粗细\n整段"


@pytest.mark.parametrize(
    "selector",
    [
        "#ad", ".ad", "div.ad.x", "div[data-k]", '[data-k^="v"]', '[data-k$="2"]', '[data-k*="al"]',
        '[class~="x"]', "section .ad", "section > .ad", "p + .ad", "p ~ div", "div:nth-child(2)",
        ".no, .ad", "div:not(.no)",
    ],
)  # fmt: skip
def test_a_rule_removes_what_its_selector_matches(selector: str) -> None:
    """Every kind of CSS selector removes the element with all in it, and keeps the text behind."""
    advert = '<div id="ad" class="ad x" data-k="val2"><p>广告</p></div>'
    html = f"<section><p>一</p>{advert}二<p>三</p></section>"
    made = body(html, remove=(selector,))
    assert made.text == "一\n二\n三"
    assert made.html == "<section><p>一</p>二<p>三</p></section>"


def test_paragraphs_that_are_noise() -> None:
    """A paragraph that is the editor's line names the editor; it and noise leave text and HTML."""
    made = body(
        "<p>正文</p><p>关注<b>我们</b><a href='//a.cn/'>x</a></p><p><b>责任编辑：李四 </b></p>",
        editor=(r"责任编辑[：:]\s*(\S+)",),
        drop_text=("^关注我们",),
    )
    assert (made.text, made.html, made.editor) == ("正文", "<p>正文</p>", "李四")
    assert made.highlights == made.links == ()
    kept = body("<p>他说：责任编辑：李四，是笔名。</p>", editor=(r"责任编辑[：:]\s*(\S+)",))
    assert kept.editor is None
    assert kept.text


def test_pictures() -> None:
    """Address, alt, caption and size of each picture, in order, each address once."""
    made = body(
        '<div class="w"><img src="//a.cn/1.jpg" alt width="640px" height=100%>'
        '<span class="d">图一</span></div>'
        '<figure><img src="https://a.cn/2.jpg" alt=" 二 " width="0">'
        "<figcaption>图二</figcaption></figure>"
        '<p><img src="/3.jpg?a=1&amp;b=2"><img src="https://a.cn/2.jpg"></p>',
        base_url="https://b.cn/x/",
        caption=(".d",),
    )
    assert made.images == (
        Image("https://a.cn/1.jpg", None, "图一", 640, None),
        Image("https://a.cn/2.jpg", "二", "图二", None, None),
        Image("https://b.cn/3.jpg?a=1&b=2"),
    )
    assert '<img src="https://a.cn/1.jpg" alt="" width="640">' in made.html


@pytest.mark.parametrize(
    ("img", "url"),
    [
        ('<img src="data:image/gif;base64,R0" data-src="https://a.cn/1.jpg">', "https://a.cn/1.jpg"),
        ('<img src="/loading.gif" data-original="https://a.cn/1.jpg">', "https://a.cn/1.jpg"),
        ('<img data-actualsrc="https://a.cn/1.jpg">', "https://a.cn/1.jpg"),
        ('<img srcset="https://a.cn/s.jpg 320w, https://a.cn/l.jpg 1280w">', "https://a.cn/l.jpg"),
        ('<picture><source srcset="https://a.cn/1.webp 1x"><img></picture>', "https://a.cn/1.webp"),
        ('<img src="/grey.gif" data-srcset="https://a.cn/l.jpg 2x">', "https://a.cn/l.jpg"),
        ('<img src="https://a.cn/x.gif" srcset="https://a.cn/l.jpg 2x">', "https://a.cn/l.jpg"),
        ('<img src="https://a.cn/lazy-1.png" srcset="https://a.cn/l.png 2x">', "https://a.cn/l.png"),
        ('<img src="https://a.cn/m.jpg" srcset="https://a.cn/l.jpg 2x">', "https://a.cn/m.jpg"),
        ('<img src="https://cors.zfour.workers.dev/?http://a.cn/1.jpg?x=1">', "http://a.cn/1.jpg?x=1"),
        ('<img src="https://p.cn/?url=https%3A%2F%2Fa.cn%2F1.jpg">', "https://a.cn/1.jpg"),
        ('<img src=" https://a.cn/a b\n.jpg ">', "https://a.cn/a%20b.jpg"),
        ('<img src="https://a.cn/图.jpg">', "https://a.cn/图.jpg"),
        ('<img src="1.jpg">', "1.jpg"),
        ('<img src="javascript:alert(1)">', None),
        ('<img src="data:image/png;base64,AAAA">', None),
        ('<img src="https://a.cn/t.gif" width=1 height=1>', None),
        ('<img src="https://picsum.photos/400/300?random=3">', None),
        ('<img src="http://[bad">', None),
        ("<img>", None),
    ],
)  # fmt: skip
def test_the_address_of_a_picture(img: str, url: str | None) -> None:
    """Lazy-loading attributes are resolved, proxies unwrapped; what is no picture is in no list
    and not in the HTML."""
    made = body(f"<p>{img}文</p>", ignore_images=("picsum.photos/",))
    assert [image.url for image in made.images] == ([url] if url else [])
    assert ("<img" in made.html) == bool(url)
    assert made.text == "文"


def test_an_advert_is_no_cover() -> None:
    """The record's `image` is neither a random cover nor an advert, and out of its proxy."""
    from worker.sites import BodyRule

    fields = {"sites": site(body=BodyRule(ignore_images=("qr.png",))), "authors": (Person("某站"),)}
    assert article(image="https://a.cn/qr.png", **fields).image is None
    proxied = "https://cors.zfour.workers.dev/?http://a.cn/1.png"
    assert article(image=proxied, **fields).image == "http://a.cn/1.png"
    assert article(image="", **fields).image is None


def test_links() -> None:
    """Links are absolute where a base is known; one that leads nowhere keeps only its text."""
    html = (
        '<a href="/a?x=1&amp;y=2">甲</a><a href="javascript:x()">乙</a><a href="#n">丙</a>'
        '<a href="mailto:x@a.cn">丁</a><a href="//c.cn/">戊</a><a>己</a>'
        '<a href="java\nscript:x">庚</a>'
    )
    with_base = body(html, base_url="https://b.cn/x/")
    assert with_base.links == (
        Link("https://b.cn/a?x=1&y=2", "甲"),
        Link("mailto:x@a.cn", "丁"),
        Link("https://c.cn/", "戊"),
    )
    without = body(html)
    assert [link.text for link in without.links] == ["丁", "戊"]
    assert without.html.startswith("<a>甲</a><a>乙</a><a>丙</a>") or "<p><a>甲</a>" in without.html
    assert without.text == with_base.text == "甲乙丙丁戊己庚"


def test_a_relative_link_uses_the_articles_address() -> None:
    """The base is `base_url`, else the article's own address."""
    html = '<a href="b">乙</a>'
    by_url = article(html, url="https://a.cn/x/1.html")
    assert by_url.links[0].url == "https://a.cn/x/b"
    by_base = article(html, url="https://a.cn/x/1.html", base_url="https://c.cn/")
    assert by_base.links[0].url == "https://c.cn/b"


def test_a_long_bold_run_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bold elements that are one run cost what they hold, also after the run is as long as a
    highlight may be; what is around much text is read up to its beginning."""
    sizes = []
    since = Lines.since

    def counted(self: Lines, start: int) -> str:
        text = since(self, start)
        sizes.append(len(text))
        return text

    monkeypatch.setattr(Lines, "since", counted)
    made = body("<b>bold</b> " * 20_000)
    assert made.highlights == (" ".join(["bold"] * 200)[:LONGEST],)
    assert len(sizes) <= LONGEST
    assert made.text.count("bold") == 20_000


def test_cells_in_preformatted_text() -> None:
    """Cells of a table in preformatted text are separated by tabs, as others are."""
    assert body("<pre>x<table><tr><td>a</td><td>b</td></tr></table></pre>").text == "x\na\tb"
