"""Bodies nested deeper than lxml's tree: nothing is lost, at bounded cost."""

import pytest
from bs4 import BeautifulSoup

from tests.normalize.conftest import body
from worker.errors import Reason, Rejected
from worker.normalize.flattening import MAX_TAGS, flatten


@pytest.mark.parametrize("depth", [190, 201, 300, 3_000, 100_000])
def test_no_text_is_lost(depth: int) -> None:
    """Text, bold and pictures at the bottom and behind it are there, however deep."""
    inner = '<p>底<b>粗</b></p><img src="https://a.cn/1.jpg">'
    made = body("<div>" * depth + inner + "</div>" * depth + "<p>后</p>")
    assert made.text == "底粗\n后"
    assert [image.url for image in made.images] == ["https://a.cn/1.jpg"]
    assert len(made.html) < 4_000


def test_text_between_deep_tags_is_kept_in_order() -> None:
    """Text at each of 50,000 levels, on the way down and up: no step costs the whole depth."""
    levels = 50_000
    down = "".join(f"<div>{number}" for number in range(levels))
    made = body(down + "".join(f"</div>u{number}" for number in range(levels)))
    expected = [*map(str, range(levels)), *(f"u{number}" for number in range(levels))]
    assert made.text.split("\n") == expected


@pytest.mark.parametrize(
    "html",
    [
        "<p>x" * 20_000, "<b>x" * 20_000, "<a href=/x>" * 20_000 + "y", "<table><tr><td>" * 9_000,
        "<div>" * 300 + "<!--" * 50_000, "<div>" * 300 + "<!-- -" * 50_000 + ">",
        "<div>" * 300 + '<a b="' * 20_000, "<div>" * 300 + "</span>" * 100_000, "<" * 100_000,
        "<div " + " ".join(f"a{n}=1" for n in range(50_000)) + ">x", "<i><table>" * 9_000,
        "<u><div>" + "<i>" * 90_000 + "</u>" * 90_000,
        "".join(f"<font color=c{n}><p>x" for n in range(5_000)),
    ],
)  # fmt: skip
def test_hostile_nesting_ends(html: str) -> None:
    """Bodies made to cost the square of their length are read before the suite's timeout."""
    assert isinstance(body(html).text, str)


def test_deep_and_large_is_refused() -> None:
    """A deep body with more tags than any article has is refused with a reason."""
    with pytest.raises(Rejected) as refused:
        body("<div>" * (MAX_TAGS + 1))
    assert refused.value.reason is Reason.TOO_DEEP


def test_a_bounded_tree_has_the_text_of_bs4s() -> None:
    """What is made shallow has, by bs4's own reading, the text it had; code stays out."""
    html = "".join(
        f"<div><span>{n}</span><script>s{n}</script><!-- c --><p>a &amp; b&lt;{n}"
        for n in range(300)
    )
    before = BeautifulSoup(html, "html.parser")
    for script in before("script"):
        script.decompose()
    after = BeautifulSoup(flatten(html, 50), "html.parser")
    assert "".join(after.get_text().split()) == "".join(before.get_text().split())
    assert max(len(list(tag.parents)) for tag in after.find_all("p")) <= 50
    assert "s299" not in after.get_text()
