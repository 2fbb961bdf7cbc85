"""Pages that only lead to articles: front pages, sections, tags."""

import pytest

from tests.formats.page.test_body import HEAD, PARTS, TEXT, page
from tests.formats.pages import Parse
from worker.errors import Rejected
from worker.formats.page.body import is_index
from worker.formats.page.passages import locate
from worker.formats.page.tree import parse_html


def test_a_list_of_links_is_no_article(parse: Parse) -> None:
    """A page that is nothing but links to articles is refused; one that says something about its
    links, declares a date, has few, or leads to itself or to other sites, is an article."""
    names = [
        f"The {name} of the eastern harbour are for sale" for name in ["tugs", "cranes", "buoys"]
    ]
    links = "".join(
        f"<h3><a href='/{at}'>{name}, too</a></h3>" for at, name in enumerate(names * 3)
    )
    front = page(f"<div><h1>Quay</h1>{links}</div>", "Quay")
    with pytest.raises(Rejected, match="no article was found"):
        parse(front)
    assert parse(front.replace("</h3>", f"</h3><p>{PARTS[0]}</p>")).html
    chinese = "<li><a href='/{0}'>港口第{0}批拖船今天开始公开出售</a> 2022-03-0{0} 08:12</li>"
    rows = "".join(map(chinese.format, range(1, 9)))
    with pytest.raises(Rejected, match="no article was found"):
        parse(page(f"<div><a href='/'>首页</a></div><ul>{rows}</ul>", "国内新闻"))
    teasers = "".join(
        f"<div><div><h2><a href='/{at}'>{name}</a></h2></div><p>{part}</p></div>"
        for at, (name, part) in enumerate(zip(names * 2, PARTS, strict=True))
    )
    with pytest.raises(Rejected, match="no article was found"):
        parse(page(f"<h1>Quay</h1><main>{teasers}</main>", "Quay"))
    assert parse(page(f"{HEAD}{TEXT}<main>{teasers}</main>")).html
    posts = teasers.replace("href='/", "href='#")
    assert parse(page(f"<main>{posts}</main>")).html
    shops = teasers.replace("href='", "href='https://shop.example")
    books = page(f"<main>{shops}</main>", "Six books of the harbour")
    assert parse(books, "https://quay.example/books").html
    date = "<meta property='article:published_time' content='2021-11-26T08:00:00Z'>"
    assert parse(front.replace("</title>", f"</title>{date}")).html
    note = parse_html(page(f"<p><a href='/b'>{PARTS[0]}</a></p>"))
    assert not is_index(locate(note.find("body"), PARTS[0]))
