"""Credits beside an article: outlet, authors and editor of a page that declares none of them."""

import pytest

from tests.formats.pages import BODY, Parse, page_of
from worker.formats.page.bylines import person_names
from worker.model import Publisher


@pytest.mark.parametrize(
    ("line", "authors", "outlet", "editor"),
    [
        (
            "2021年11月26日 20:26 来源：示例日报 作者：张三 责任编辑：李四",
            ["张三"],
            "示例日报",
            "李四",
        ),
        (
            "<span>来源：示例日报</span><span>作者：张三、王五</span>",
            ["张三", "王五"],
            "示例日报",
            None,
        ),
        ("来源:21世纪示例报 2021-11-26 浏览：1234", [], "21世纪示例报", None),
        ("作者：本报记者 张三 | 阅读 12", ["张三"], None, None),
        ("来源：网络", [], None, None),
        ("作者：张三，原文标题：《港口》", ["张三"], None, None),
        ("记者 | 张三</p><p>编辑 | 李四", ["张三"], None, "李四"),
        ("文｜张三 编辑｜李四", ["张三"], None, "李四"),
        (
            "<i>来源：示例日报</i><i>作者：张三</i><i>责编：李四</i><i>评论：12</i>",
            ["张三"],
            "示例日报",
            "李四",
        ),
        ("编辑：王五 责任编辑：李四", [], None, "李四"),
        ("图片来源：示例图库</p><p>来源于 <a>示例日报</a> 浏览 12万", [], "示例日报", None),
        ("示例新闻记者 张三 实习生 王五", ["张三", "王五"], None, None),
        ("By Ann Vera and Seán Murchú | 26 November 2021", ["Ann Vera", "Seán Murchú"], None, None),
        ("By Laura E. Dent December 3, 2021", ["Laura E. Dent"], None, None),
        ("Von Jörg van der Berg, 3. Juli 2018", ["Jörg van der Berg"], None, None),
        ("von Jörg Berg", ["Jörg Berg"], None, None),
        ("By Ann Vera, in London", ["Ann Vera"], None, None),
        ("by Ann Vera, Oslo", ["Ann Vera"], None, None),
        ("By Ann Vera, New York", ["Ann Vera"], None, None),
        ("By Ann Vera in Oslo and Bob Dent in Rio", ["Ann Vera", "Bob Dent"], None, None),
        ("Text von Jörg Berg", ["Jörg Berg"], None, None),
        ("<aside><a rel='author' href='/a'>Ann Vera</a> in Oslo</aside>", ["Ann Vera"], None, None),
        ("By continuing you agree to our terms", [], None, None),
        ("By the harbour", [], None, None),
        ("來源：示例時報 作者：張三 責任編輯：李四", ["張三"], "示例時報", "李四"),
        ("記者 張三／台北報導", ["張三"], None, None),
        ("【記者張小三/綜合報導】", ["張小三"], None, None),
        ("（记者张三、王小五）", ["张三", "王小五"], None, None),
        ("记者张三报道", ["张三"], None, None),
        ("记者们在码头等了三天", [], None, None),
        ("本报记者 张 三 王 五", ["张三", "王五"], None, None),
        ("[부산=예시뉴스] 김하늘 기자 haneul@quay.example", ["김하늘"], None, None),
        ("By Łucja Nowak and Šimon Černý", ["Łucja Nowak", "Šimon Černý"], None, None),
        ('<a rel="author" href="/ann">Ann</a>', ["Ann"], None, None),
        (
            '<a rel=author href="/a">Ann</a>, <a rel=author href="/b">Bob</a>',
            ["Ann", "Bob"],
            None,
            None,
        ),
        ("Posted on May 3, 2021 by Ann Vera in Ships", ["Ann Vera"], None, None),
        ("May 3, 2021 | By Ann Vera", ["Ann Vera"], None, None),
        ("<b>Words</b><i>Ann Vera</i><b>Photography</b><i>Bob Dent</i>", ["Ann Vera"], None, None),
        ("新华社记者 李四 摄", [], None, None),
        ("记者 李四 <a href='/'>返回示例，查看更多</a>", ["李四"], None, None),
        ("来源: <a>示例日报</a><span>广东</span><a>举报</a>", [], "示例日报", None),
        ('on 3 May <i class="author vcard"><a href="/ann">Ann</a></i>', ["Ann"], None, None),
        ('<a href="/autor/ann-vera">Ann Vera</a> Oslo', ["Ann Vera"], None, None),
        ('<a href="/author/ann-vera">Follow</a>', [], None, None),
        ("示例日報／ 記者<a href='/author/1'>張小美</a>／基隆即時報導", ["張小美"], None, None),
        ("Por Ann Vera, g7 Rio", ["Ann Vera"], None, None),
        ("By Ann Vera, QTV News", ["Ann Vera"], None, None),
        ("By ANN VERA and TOM DENT", ["ANN VERA", "TOM DENT"], None, None),
        ("A novel of <a href='/authors/ann-vera'>Ann Vera</a> is out.", [], None, None),
        ("Muhabir: Ann Vera", ["Ann Vera"], None, None),
        ("<blockquote>Posted by Ann Vera</blockquote>", [], None, None),
        ("<b class='index_source_7'>来自示例日报</b> 12人参与", [], "示例日报", None),
        ("<b class='source'>本站原创</b>", [], None, None),
    ],
)
def test_credits_beside_the_heading(
    line: str, authors: list[str], outlet: str | None, editor: str | None, parse: Parse
) -> None:
    """Labelled names are read from the lines beside the heading, and nothing that is no name."""
    article = parse(page_of(f"<h1>港口开工</h1><div>{line}</div><div>{BODY * 3}</div>"))
    assert [person.name for person in article.authors] == authors
    assert article.publisher == Publisher(outlet or "示例网")  # the page's title
    assert article.editor == editor


@pytest.mark.parametrize(
    ("byline", "authors"),
    [
        ('<p class="author">Ann Vera and Bob Dent in Oslo</p>', ["Ann Vera", "Bob Dent"]),
        (
            '<p><b class="byline-name">Ann Vera</b><i class="byline-title">Writer</i></p>',
            ["Ann Vera"],
        ),
        (
            '<div class="author-info"><a class="author-name">Ann Vera</a><i>Ships</i></div>',
            ["Ann Vera"],
        ),
        ('<div class="top byline"><a href="/a">Ann Vera</a> / QUA / 3 May</div>', ["Ann Vera"]),
        ('<span class="auteur">Anne LE GALL.</span>', ["Anne LE GALL"]),
        ('<p class="byline">Ann Vera, Harbour Correspondent</p>', ["Ann Vera"]),
        ('<p class="author-bio">Ann Vera</p>', []),
        ('<p>3 May <b class="author">Нина Котова</b></p>', ["Нина Котова"]),
        ('<b class="author">Şebnem Kaya</b>', ["Şebnem Kaya"]),
        ('<b class="author">張美玲</b>', ["張美玲"]),
        ('<b class="authors">יעל שחר</b>', ["יעל שחר"]),
        ('<b class="author">中野みさき</b>', ["中野みさき"]),
        ('<b class="author">كتبت: هدى الزين</b>', ["هدى الزين"]),
        ('<b class="author">示例社</b>', []),
        ('<b class="author">林业局</b>', []),
        ('<b class="author">关注</b>', []),
        ('<p class="byline">The Harbour Times</p>', []),
    ],
)
def test_credits_by_their_class(byline: str, authors: list[str], parse: Parse) -> None:
    """A name without a label is read where a class calls its element an author or a byline."""
    page = page_of(f"<h1>港口开工</h1>{byline}<div>{BODY * 3}</div>")
    assert [person.name for person in parse(page).authors] == authors


def test_the_class_of_an_article_names_no_author(parse: Parse) -> None:
    """WordPress gives an article the class `author-x`: its heading is nobody's name."""
    text = "The cranes stood still. " * 20
    inside = f"<h2>Yellow Boats</h2><p>{text}</p>"
    assert parse(page_of(f"<h1>港口开工</h1><div class='author-ann'>{inside}</div>")).authors == ()


def test_the_byline_names_more_authors_than_the_data(parse: Parse) -> None:
    """Metadata often has the first author alone; an agency in the byline is no author."""
    head = '<meta name="author" content="Ann Vera">'
    for line, authors in (
        ("By Ann Vera and Bob Dent", ["Ann Vera", "Bob Dent"]),
        ("By Ann Vera, The Quay Press", ["Ann Vera"]),
        ("By Bob Dent", ["Ann Vera"]),
    ):
        page = page_of(f"<h1>港口开工</h1><p>{line}</p><div>{BODY * 3}</div>", head)
        assert [person.name for person in parse(page).authors] == authors


def test_credits_below_the_text(parse: Parse) -> None:
    """The editor is named at the end of many Chinese articles."""
    page = page_of(f"<h1>港口开工</h1><div>{BODY * 3}<p>（责任编辑：李四）</p></div>")
    article = parse(page)
    assert article.editor == "李四"
    assert "李四" not in article.html


def test_declared_names_go_first(parse: Parse) -> None:
    """What the page declares is taken before what it shows."""
    head = '<meta name="author" content="Bob Dent">'
    page = page_of(f"<h1>港口开工</h1><p>By Ann Vera</p><div>{BODY * 3}</div>", head)
    assert [person.name for person in parse(page).authors] == ["Bob Dent"]


def test_credits_in_an_articles_footer(parse: Parse) -> None:
    """The footer of a post is the article's; an outlet with an agency is no person."""
    footer = "<div class='post-footer'>Posted by <a rel='author' href='/a'>Ann Vera</a></div>"
    head = '<meta name="og:article:author" content="{}">'
    page = f"<h1>港口开工</h1><div>{BODY * 3}</div>{footer}"
    assert authors_of(page_of(page), parse) == ["Ann Vera"]
    assert authors_of(page_of(page, head.format("Quay Post with AFP")), parse) == ["Ann Vera"]
    assert authors_of(page_of(page, head.format("Bob Dent")), parse) == ["Bob Dent"]


def test_credits_of_others(parse: Parse) -> None:
    """The names in a comment or a teaser are not the article's."""
    others = '<div class="related"><p>作者：王五</p></div>'
    page = page_of(f"<h1>港口开工</h1><div>{BODY * 3}</div>{others}")
    assert parse(page).authors == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("记者王敬", ["王敬"]),
        ("新华社记者 张三 李四", ["张三", "李四"]),
        ("记者", ["记者"]),
        ("-", []),
        ("By Ann Vera, Bob Dent, and Tom Watt", ["Ann Vera", "Bob Dent", "Tom Watt"]),
        ("Von Jörg Berg", ["Jörg Berg"]),
        ("Ann Vera, MS, RDN", ["Ann Vera"]),
        ("Bob Dent, AP Sports Writer", ["Bob Dent"]),
        ("Фото: Наталия Мороз", []),
        ("wordpressadmin", []),
        ("Staff Reports", []),
        ("National Desk", []),
        ("小编", []),
        ("Tadmin Berg", ["Tadmin Berg"]),
        ("Super User", []),
        ("By Ann Vera For Quayonline", ["Ann Vera"]),
        ("Society for Old Boats", ["Society for Old Boats"]),
        ("김하늘 기자", ["김하늘"]),
        ("Ann Vera Ann Vera", ["Ann Vera"]),  # once for screen readers
    ],
)
def test_roles_are_no_part_of_a_name(text: str, names: list[str]) -> None:
    """Roles, degrees and `and` are no part of a name; signs, accounts and photo credits nobody."""
    assert [person.name for person in person_names(text)] == names


def authors_of(page: str, parse: Parse) -> list[str]:
    return [person.name for person in parse(page, "https://www.quay-post.example/n/7").authors]


@pytest.mark.parametrize("name", ["The Quay Post", "quay-post.example", "QUAY POST", "quay-post"])
def test_the_site_is_no_author(name: str, parse: Parse) -> None:
    """A template writes the site as author: the byline is read instead."""
    head = (
        f'<meta property="og:site_name" content="Quay Post"><meta name="author" content="{name}">'
    )
    inside = f"<h1>港口开工</h1><p>By Ann Vera</p><div>{BODY * 3}</div>"
    assert authors_of(page_of(inside, head), parse) == ["Ann Vera"]


@pytest.mark.parametrize(
    ("end", "outlet"),
    [
        (" | Harbours | The Quay-Post", "The Quay-Post"),
        (" - quay-post.example", "quay-post.example"),
        ("-国内新闻-示例晚报网", "示例晚报网"),
        ("？-示例晚报网", "示例晚报网"),
        ("-生活-示例晚報", "示例晚報"),
        ("_港口_货柜", None),
        (" - Harbours", None),
        (": the quay post", None),
    ],
)
def test_an_outlet_in_the_title(end: str, outlet: str | None, parse: Parse) -> None:
    """The last part of a page's title is its outlet if it is like the host, or a Chinese one's."""
    title = "Pilots return to work" if " " in end else "引航员回到船上"
    html = f"<title>{title}{end}</title><h1>{title}</h1><div>{BODY * 3}</div>"
    publisher = parse(html, "https://www.quay-post.example/n/7").publisher
    assert (publisher and publisher.name) == outlet


def test_the_outlet_of_a_logo(parse: Parse) -> None:
    """The last part of a page's title is its outlet, too, if the page begins with that line."""
    page = f"<title>引航员回到船上 - 江畔手记</title><p>{{}}</p><h1>引航员回到船上</h1>{BODY * 3}"
    assert parse(page.format("江畔手记")).publisher == Publisher("江畔手记")
    assert parse(page.format("港口")).publisher is None
    assert parse(page.format("<a href='/notes'>江畔手记</a>")).publisher is None


def test_a_person_with_a_site(parse: Parse) -> None:
    """An author whose name is the host's is one; a host's name written as one is not."""
    page = page_of(f"<h1>港口开工</h1>{BODY * 3}", '<meta name="author" content="Ann Vera">')
    url = "https://annvera.example/n/7"
    assert [person.name for person in parse(page, url).authors] == ["Ann Vera"]
    assert parse(page.replace("Ann Vera", "AnnVera"), url).authors == ()


def json_ld(author: str, publisher: str, kind: str) -> str:
    return (
        '<script type="application/ld+json">{"@type": "Article", "headline": "港口开工", '
        f'"author": {{"@type": "Person", "name": "{author}"}}, '
        f'"publisher": {{"@type": {kind}, "name": "{publisher}"}}}}</script>'
    )


def test_a_blog_of_one_person(parse: Parse) -> None:
    """WordPress names the author of a blog as its publisher, too; Blogger names itself."""
    page = page_of(
        f"<h1>港口开工</h1>{BODY * 3}", json_ld("Ann", "Ann", '["Person", "Organization"]')
    )
    assert authors_of(page, parse) == ["Ann"]
    assert parse(page).publisher == Publisher("示例网")  # of the page's title
    blog = page_of(f"<h1>港口开工</h1>{BODY * 3}", json_ld("Ann", "Blogger", '"Organization"'))
    assert parse(blog).publisher == Publisher("示例网")


@pytest.mark.parametrize(("byline", "expected"), [("", "Ann Vera"), ("By Bob Dent", "Bob Dent")])
def test_author_of_a_card(byline: str, expected: str, parse: Parse) -> None:
    """The account in WordPress's card is the author, if nothing else on the page says who is."""
    head = '<meta name="twitter:label1" content="Verfasst von">'
    head += '<meta name="twitter:data1" content="Ann Vera">'
    head += '<meta name="twitter:label2" content="Lesezeit">'
    page = page_of(f"<h1>港口开工</h1><p>{byline}</p><div>{BODY * 3}</div>", head)
    assert authors_of(page, parse) == [expected]
    assert authors_of(page.replace("Verfasst von", "Lesezeit"), parse) == (
        [expected] if byline else []
    )


def test_a_box_around_the_article_is_no_box(parse: Parse) -> None:
    """A class such as `with-sidebar` on an element around all of it hides neither names nor day."""
    inside = f"<h1>港口开工</h1><p>作者：张三 2021年11月26日</p><div>{BODY * 3}</div>"
    article = parse(page_of(f'<div class="with-sidebar">{inside}</div>'))
    assert [person.name for person in article.authors] == ["张三"]
    assert article.dates
