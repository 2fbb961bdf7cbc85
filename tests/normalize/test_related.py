"""The list of other articles below a body is cut, and nothing else."""

import random
import time

import pytest

from worker.normalize import related
from worker.normalize.related import without_related

ARTICLE = "<p>港务局宣布，三号码头的四台岸桥已全部检修完毕，当晚起恢复夜间作业。</p>"
LINKS = '<p><a href="/1">一号码头扩建</a> 2021-12-01</p><p><a href="/2">二号码头改名</a></p>'


@pytest.mark.parametrize(
    "heading",
    [
        "<p>相关阅读：</p>",
        "<p><strong>相关文章:</strong></p>",
        "<h3>【推荐阅读】</h3>",
        "<div><b>延伸阅读</b></div>",
        "<h2>Related articles</h2>",
        "<br>往期回顾<br>",
    ],
)
def test_a_list_of_links_at_the_end_is_cut(heading: str) -> None:
    """A heading of other articles goes with the links below it, whatever its element."""
    assert without_related(f"{ARTICLE}{heading}{LINKS}") == ARTICLE
    assert without_related(f"<div>{ARTICLE}{heading}<ul>{LINKS}</ul></div>") == f"<div>{ARTICLE}"


@pytest.mark.parametrize(
    "html",
    [
        f"{ARTICLE}<p>相关阅读：</p>{LINKS}<p>检修历时十一天，期间货物由一号码头分担。</p>",
        f"{ARTICLE}<p>相关阅读材料已经发给各家公司。</p>{LINKS}",
        f"{ARTICLE}<p>相关阅读：</p><p>没有链接</p>",
        f"<p>周报</p><p>推荐阅读</p>{LINKS}",
        f"{ARTICLE}<p>他说：相关新闻</p>{LINKS}",
        ARTICLE,
        "",
    ],
)
def test_text_is_never_cut(html: str) -> None:
    """Text below the heading, words in a sentence, and posts that are nothing but links stay."""
    assert without_related(html) == html


@pytest.mark.parametrize("spaces", range(0, 200, 3))
def test_the_first_look_may_end_anywhere(spaces: int) -> None:
    """Within a reference or a tag below the last link: letters in them do not count."""
    heading = f"{ARTICLE}<p>相关阅读：</p><p><a href='/1'>一号码头</a>"
    tail = "字" * 10 + "\u3000" * spaces + "字"
    for end in ("&CounterClockwiseContourIntegral;", "<br class='much letters in a tag'>"):
        assert without_related(f"{heading}{tail}{end * 9}") == ARTICLE, end


@pytest.mark.parametrize("seed", range(40))
def test_the_first_look_at_the_end_changes_nothing(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is below the last link: tags, references and text of any length."""
    rng = random.Random(seed)
    pieces = ("<br class='many letters'>", "&nbsp;", "&CounterClockwiseContourIntegral;", "</p>\n")
    bodies = []
    for length in (0, 1, 5, 12, 13, 60, 400):
        tail = "".join(rng.choices((*pieces, "字", "ab", " ", "<", "&"), k=length))
        bodies += [f"{ARTICLE}<p>相关阅读：</p>{LINKS}{part}" for part in (tail, "字" * length)]
    first = list(map(without_related, bodies))
    monkeypatch.setattr(related, "_may_end_in_links", lambda html: True)
    assert first == list(map(without_related, bodies))
    assert ARTICLE in first


@pytest.mark.parametrize(
    "piece", ["<p>相关阅读", "<p> ", "<b>", "相关", "<a href=x>", "<p>相关阅读</p><a>"]
)
def test_cost_is_bounded(piece: str) -> None:
    """A megabyte of headings, or of what looks like their beginning, takes less than a second."""
    started = time.process_time()
    without_related(ARTICLE + piece * (1_000_000 // len(piece)))
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "heading", ["READ NEXT", "Related Posts", "you might ALSO LIKE", "更多阅读"]
)
def test_headings_are_found_whatever_their_case(heading: str) -> None:
    """The cheap look for words that comes first misses no heading."""
    assert without_related(f"{ARTICLE}<p>{heading}</p>{LINKS}") == ARTICLE


def test_a_text_without_such_words_costs_next_to_nothing() -> None:
    """A thousand bodies of 6,000 characters without a heading take less than a quarter second; one
    regular expression for all words took 0.7 s."""
    html = "<p>港务局于周五启用了二号码头的自动化设备。</p>" * 230
    started = time.process_time()
    for _ in range(1000):
        without_related(html)
    assert time.process_time() - started < 0.25


def test_an_article_that_ends_in_text_is_not_searched() -> None:
    """Text below the last link is enough to know; no search for words."""
    html = f"{ARTICLE}{LINKS}{ARTICLE}" * 20
    assert not related._may_end_in_links(html)
    assert not related._may_end_in_links(ARTICLE)
