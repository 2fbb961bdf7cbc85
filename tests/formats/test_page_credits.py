"""Credits beside an article: outlet, authors and editor of a page that declares none of them."""

import pytest

from tests.formats.pages import BODY, Parse, page_of
from worker.formats.page.bylines import person_names


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
        ("By Ann Vera and Seán Murchú | 26 November 2021", ["Ann Vera", "Seán Murchú"], None, None),
        ("By Laura E. Dent December 3, 2021", ["Laura E. Dent"], None, None),
        ("Von Jörg van der Berg, 3. Juli 2018", ["Jörg van der Berg"], None, None),
        ("By continuing you agree to our terms", [], None, None),
        ("By the harbour", [], None, None),
        ('<a rel="author" href="/ann">Ann</a>', ["Ann"], None, None),
    ],
)
def test_credits_beside_the_heading(
    line: str, authors: list[str], outlet: str | None, editor: str | None, parse: Parse
) -> None:
    """Labelled names are read from the lines beside the heading, and nothing that is no name."""
    article = parse(page_of(f"<h1>港口开工</h1><div>{line}</div><div>{BODY * 3}</div>"))
    assert [person.name for person in article.authors] == authors
    assert (article.publisher and article.publisher.name) == outlet
    assert article.editor == editor


def test_credits_below_the_text(parse: Parse) -> None:
    """The editor is named at the end of many Chinese articles."""
    page = page_of(f"<h1>港口开工</h1><div>{BODY * 3}<p>（责任编辑：李四）</p></div>")
    assert parse(page).editor == "李四"


def test_declared_names_go_first(parse: Parse) -> None:
    """What the page declares is taken before what it shows."""
    head = '<meta name="author" content="Bob Dent">'
    page = page_of(f"<h1>港口开工</h1><p>By Ann Vera</p><div>{BODY * 3}</div>", head)
    assert [person.name for person in parse(page).authors] == ["Bob Dent"]


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
    ],
)
def test_roles_are_no_part_of_a_name(text: str, names: list[str]) -> None:
    """`记者` before a name is a role; signs alone are nobody."""
    assert [person.name for person in person_names(text)] == names
