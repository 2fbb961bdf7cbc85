"""Bodies that are nested deeply or cost more than their length: all text, at bounded cost."""

import time

import pytest

from tests.normalize.conftest import body
from worker.errors import Reason, Rejected
from worker.normalize.body.fragment import Fragment


@pytest.mark.parametrize("depth", [190, 201, 300, 3_000, 100_000])
def test_no_text_is_lost(depth: int) -> None:
    """Text and pictures at the bottom and behind it are there, however deep."""
    inner = '<p>底<b>粗</b></p><img src="https://a.cn/1.jpg">'
    made = body("<div>" * depth + inner + "</div>" * depth + "<p>后</p>")
    assert made.text == "底粗\n后"
    assert made.highlights == (("粗",) if depth < 512 else ())
    assert [image.url for image in made.images] == ["https://a.cn/1.jpg"]
    assert len(made.html) < 4_000


def test_the_html_is_as_deep_as_the_limit() -> None:
    """Elements below `depth` leave their text, with a line break for each block."""
    made = Fragment("<div>" * 30 + "甲<p>乙<b>丙</b>" + "</div>" * 30 + "丁").clean(depth=3)
    assert made.html == "<div><div><div><br>甲<br>乙丙<br></div></div></div>丁"
    assert made.text == "甲\n乙丙\n丁"


@pytest.mark.parametrize("depth", range(3, 12))
def test_a_table_is_whole_or_absent(depth: int) -> None:
    """A table without room for its cells is not begun: its text would be moved out of it."""
    html = "<section><div><table><tr><td>甲<table><tr><td>乙</table></table></div></section>"
    made = Fragment(html).clean(depth=depth)
    assert made.html.count("<table>") == made.html.count("<tr><td>")
    assert Fragment(made.html).clean().text.replace("\t", "\n") == made.text.replace("\t", "\n")


def test_text_between_deep_tags_is_in_order() -> None:
    """Text at each of 50,000 levels, on the way down and up: no step costs the whole depth."""
    levels = 50_000
    down = "".join(f"<div>{number}" for number in range(levels))
    made = body(down + "".join(f"</div>u{number}" for number in range(levels)))
    expected = [*map(str, range(levels)), *(f"u{number}" for number in range(levels))]
    assert made.text.replace("\n", "") == "".join(expected)


@pytest.mark.parametrize(
    "html",
    [
        "<p>x" * 20_000, "<b>x" * 20_000, "<a href=/x>" * 20_000 + "y", "<table><tr><td>" * 9_000,
        "<div>" * 300 + "<!--" * 50_000, "<div>" * 300 + "<!-- -" * 50_000 + ">",
        "<div>" * 300 + '<a b="' * 20_000, "<div>" * 300 + "</span>" * 100_000, "<" * 100_000,
        "<i><table>" * 9_000, "<u><div>" + "<i>" * 90_000 + "</u>" * 90_000,
        "<figcaption>c</figcaption>" * 20_000 + "<img src=https://a.cn/1.jpg>" * 2,
        "<picture>" + "<source>" * 20_000 + "<img>" * 20_000,
        "<table><tr>" + "<td><p>x" * 30_000,
    ],
)  # fmt: skip
def test_hostile_nesting_ends(html: str) -> None:
    """Bodies made to cost the square of their length take a second, not minutes."""
    begin = time.process_time()
    assert isinstance(body(html).text, str)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 200_000,
        "<b>" * 330_000,
        "<div " + " ".join(f"a{number}" for number in range(145_000)) + ">",
        "".join(f"<body a{number}=1>" for number in range(60_000)),
    ],
)
def test_a_megabyte_is_parsed_at_once(html: str) -> None:
    """1 MB of nested elements or of attributes is parsed in 0.2 s at most, on a quiet machine."""
    best = min(_parse_seconds(html) for _ in range(3))
    assert best < 0.6


def test_repeated_formatting_elements_are_refused() -> None:
    """Formatting elements that a parser repeats in each paragraph would fill the memory: 190 KB
    would be 5 million elements. As many paragraphs with a few of them are read."""
    opened = "".join(f"<b id={number}>" for number in range(10_000))
    with pytest.raises(Rejected) as refused:
        Fragment(f"<p>{opened}</p>" + "<p>x" * 10_000)
    assert refused.value.reason is Reason.TOO_DEEP
    made = body("<p><b class=x>甲</b><i>乙</i></p>" * 30_000)
    assert made.highlights == ("甲",) * 30_000


def _parse_seconds(html: str) -> float:
    begin = time.process_time()
    Fragment(html)
    return time.process_time() - begin
