"""Whole pages: by rule, by what they say of themselves, by trafilatura; and what they may cost."""

import json
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from tests.formats.pages import BODY, SENTENCE, Parse, page_of, rules_of
from worker.errors import Reason, Rejected
from worker.formats.encoding.decode import decode
from worker.formats.page import tree
from worker.model import Person, Publisher, RawArticle
from worker.settings import Limits

GOLDEN = Path(__file__).parents[2] / "golden" / "page"


def shown(article: RawArticle) -> dict[str, Any]:
    """The fields that differ from their defaults, as JSON has them."""
    values = asdict(article)
    named = {
        item.name: values[item.name]
        for item in fields(article)
        if values[item.name] not in (item.default, {})
    }
    return json.loads(json.dumps(named))


@pytest.mark.parametrize("case", sorted(GOLDEN.glob("*.in")), ids=lambda path: path.stem)
def test_golden_page(case: Path, parse: Parse) -> None:
    """Each page gives exactly what is written beside it (`UPDATE_GOLDEN=1` rewrites that)."""
    try:
        found = shown(parse(decode(case.read_bytes()).text))
    except Rejected as error:
        found = {"rejected": error.reason.value, "message": str(error)}
    expected = case.with_suffix(".json")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    assert found == json.loads(expected.read_text("utf-8"))


# ── which rule, and what it finds ───────────────────────────────────────────────────────────


def test_rule_of_the_address(parse: Parse) -> None:
    """The host of a page's address chooses the rule, before whatever the page links to."""
    text = page_of(f'<div id=a>{BODY}</div><a href="https://finance.sina.com.cn/x">新浪</a>' * 3)
    rules = rules_of(content=("#a",))
    assert parse(text, "https://news.port.example/1", rules).site == "port"
    assert parse(text, "https://elsewhere.example/1").site is None


def test_rule_of_a_page_without_address(parse: Parse) -> None:
    """A saved page without an address is its site's whom most of its links and pictures name."""
    own = '<a href="https://port.example/x">更多</a>'
    other = '<a href="https://partner.example/x">友情链接</a>'
    rules = rules_of(content=("#a",))
    assert parse(page_of(f"<div id=a>{BODY}</div>{own * 3}{other * 2}"), sites=rules).site == "port"
    assert parse(page_of(f"<div id=a>{BODY}</div>{own * 2}{other * 3}"), sites=rules).site is None


def test_source_names_its_rule(parse: Parse) -> None:
    """The rule that the operator set for a source goes before all that the page says."""
    text = page_of(f"<div id=artibody>{BODY}</div>")
    assert parse(text, "https://elsewhere.example/1", site="sina").site == "sina"


def test_selectors_in_order(parse: Parse) -> None:
    """Of several selectors the first that finds text is taken, and noise goes out of it."""
    rules = rules_of(content=("#old", "#new"), remove=(".ad",), title=(".none", ".headline"))
    noisy = f"<div id=old> </div><div id=new>{BODY}<i class=ad>x</i></div>"
    text = page_of(f"<p class=headline>港口 开工</p>{noisy}")
    article = parse(text, "https://port.example/1", rules)
    assert article.title == "港口 开工"
    assert article.html == f'<div id="new">{BODY}</div>'
    assert article.warnings == ()


def test_outdated_rule_falls_back(parse: Parse) -> None:
    """Where a rule's selectors find nothing the body is still found, and a warning says so."""
    text = page_of(f"<h1>港口开工</h1><div class=x>{BODY}</div>")
    article = parse(text, "https://port.example/1", rules_of(content=("#gone",)))
    assert SENTENCE in article.html
    assert article.warnings == (
        "site_rule: the site rule port found no body: its selectors may be outdated",
    )


def test_names_around_the_article(parse: Parse) -> None:
    """Labels are cut from outlet, authors and editor; several authors are separated."""
    rules = rules_of(
        content=("#a",), publisher=(".s",), author=(".w",), editor=(".e",), date=(".d",)
    )
    article = parse(
        page_of(
            "<p class=d>发布时间：2021年11月26日 20:26　来源：港口日报</p>"
            "<p class=s>来源：港口日报</p><p class=w>作者：李在山、王五 Ann Lee</p>"
            f"<p class=e>【纠错】责任编辑： 尹世杰</p><div id=a>{BODY}</div>"
        ),
        "https://port.example/1",
        rules,
    )
    assert article.dates[0].text == "2021年11月26日 20:26"
    assert article.dates[0].origin == "rule:date"
    assert article.publisher == Publisher("港口日报")
    assert article.authors == (Person("李在山"), Person("王五 Ann Lee"))
    assert article.editor == "尹世杰"


def test_article_that_goes_on(parse: Parse) -> None:
    """An article cut into pages says where it goes on, with the address escaped."""
    rules = rules_of(content=("#a",), next_page=("a.next",))
    text = page_of(f"<div id=a>{BODY}</div><a class=next href='/1-2.html'>下一页</a>")
    article = parse(text, "https://port.example/1.html", rules)
    assert article.warnings == (
        "incomplete: the article continues at https://port.example/1-2.html",
    )


def test_comments_are_kept(parse: Parse) -> None:
    """Comments stay in a body, with a rule and without: Sina names securities in one."""
    inside = f"<div id=a>{BODY}<!-- news_keyword_pub,stock,sh600000 --></div>"
    by_rule = parse(page_of(inside), "https://port.example/1", rules_of(content=("#a",)))
    found = parse(page_of(f"<h1>港口开工</h1>{inside}"), "https://elsewhere.example/1")
    assert "<!-- news_keyword_pub,stock,sh600000 -->" in by_rule.html
    assert "<!-- news_keyword_pub,stock,sh600000 -->" in found.html


# ── what a page may cost ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<div>" * 100_000 + "深" + "</div>" * 100_000, Reason.TOO_DEEP),
        ("<b>x" * 100_000, Reason.TOO_DEEP),
        ("<p>字</p>" * 2_000_000, Reason.TOO_LARGE),
        ("<p>" + "字" * 10_000_000, Reason.TOO_LARGE),
        ("<" * 30_000_000, Reason.TOO_LARGE),
        ("<p " + " ".join(f"a{number}=1" for number in range(300_000)) + ">字", Reason.TOO_LARGE),
    ],
    ids=["nested", "unclosed", "elements", "text", "angles", "attributes"],
)
def test_refused_before_a_tree_is_built(
    text: str, reason: Reason, parse: Parse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would cost a tree of any size is refused without building one."""
    monkeypatch.setattr(tree, "parse_html", lambda *_: pytest.fail("a tree was built"))
    with pytest.raises(Rejected) as refusal:
        parse(f"<html><body>{text}")
    assert refusal.value.reason == reason


def test_depth_is_the_operators(parse: Parse) -> None:
    """The depth that is refused is the one in the settings."""
    text = page_of("<div>" * 60 + BODY)
    assert SENTENCE in parse(text).html
    with pytest.raises(Rejected, match="50 elements"):
        parse(text, html_depth=50)


def test_large_script_costs_little(parse: Parse) -> None:
    """A page that is nearly all script is read: only what becomes a tree's text is counted."""
    script = "<script>" + "var a = '<p>';" * 2_000_000 + "</script>"
    assert SENTENCE in parse(page_of(f"{script}<h1>港口开工</h1><div>{BODY}</div>")).html


def test_memory_that_ran_out_in_trafilatura(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    """It catches and logs every failure of the libraries it uses; one of memory is no page without
    content but one that is too large."""
    from trafilatura import external

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(external.ReadabilityDocument, "summary", fail)
    with pytest.raises(Rejected) as refusal:
        parse(page_of(f"<h1>港口开工</h1><div>{BODY}</div>"))
    assert refusal.value.reason is Reason.TOO_LARGE


def test_comments_within_an_attribute_are_escaped() -> None:
    """Many of them: to write them as they are takes libxml2 quadratic time."""
    page = tree.page_tree(f"<p><a href='/{'<!--' * 200}'>A link</a></p>", Limits())
    assert page.find(".//a").get("href") == "/" + "%3C!--" * 200
