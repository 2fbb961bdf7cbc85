"""The table of `make truth`: what the project holds is all right, and a small part of the rest."""

import pytest

from tests.truth import (
    feed_cases,
    feedparser_suite,
    gofeed_suite,
    page_rows,
    sample_rows,
    suites,
)
from tests.truth.feed_values import newsdrop
from tests.truth.row import Row, table
from tests.truth.same import same_html, same_text

needs_shared = pytest.mark.skipif(not suites.SHARED.is_dir(), reason="the public sets are not here")

MADE_UP = [*feedparser_suite.cases(suites.MADE_UP / "feedparser")]
MADE_UP_PAIRS = [*gofeed_suite.cases("parser", suites.MADE_UP / "gofeed")]


@pytest.mark.parametrize("case", MADE_UP, ids=lambda case: f"{case.file}-{case.path[-1]}")
def test_made_up_feeds(case: feedparser_suite.Case) -> None:
    """Each value that a made-up feed says is expected, is read."""
    assert feedparser_suite.is_right(case, newsdrop)


@pytest.mark.parametrize("case", MADE_UP_PAIRS, ids=lambda case: f"{case.file}-{case.field}")
def test_made_up_pairs(case: gofeed_suite.Case) -> None:
    """The same for pairs of a feed and its values."""
    assert gofeed_suite.is_right(case, newsdrop)


@needs_shared
@pytest.mark.parametrize("name", feed_cases.CHECKS)
def test_cases(name: str) -> None:
    """Every row of the cases is right."""
    assert feed_cases.is_right(name, newsdrop)


@needs_shared
def test_public_suites() -> None:
    """Of feedparser's suite all is right but HTML 4's angle brackets; of gofeed's suites all."""
    feedparser = [feedparser_suite.is_right(one, newsdrop) for one in feedparser_suite.cases()]
    gofeed = [
        gofeed_suite.is_right(one, newsdrop)
        for part in ("translator", "parser")
        for one in gofeed_suite.cases(part)
    ]
    assert len(feedparser) > 150
    assert feedparser.count(False) <= 1
    assert len(gofeed) > 80
    assert all(gofeed)


@needs_shared
def test_samples_are_scored() -> None:
    """Heads and encodings are all right, no mirrored post has what its site put around it, and
    Chinese pages reach what is asked of them."""
    heads, mirror, chinese, encodings = sample_rows.rows()
    assert heads.newsdrop == "100.0 % of 43"
    assert mirror.newsdrop == "0 of 16"
    assert float(chinese.newsdrop) > 0.945
    assert encodings.newsdrop == "100.0 % of 24"


@needs_shared
def test_pages_are_scored() -> None:
    """A few pages of each set give a figure in every row."""
    rows = [*page_rows.rows(page_rows.measure(each=2))]
    assert len(rows) == 9
    assert all(row.newsdrop[0].isdigit() and row.peer != "–" for row in rows)


def test_a_wrong_value_is_counted() -> None:
    """What is compared are the visible text and the addresses, and nothing is right by accident."""
    assert same_text("A &amp; B", "A & B")
    assert not same_text("A & B", "A B")
    assert same_html('<p><a href="http://e.org/">x</a></p>', '<a href="http://e.org">x</a>')
    assert not same_html('<a href="http://e.org/1">x</a>', '<a href="http://e.org/2">x</a>')
    assert not same_html("<p>one two</p>", "<p>one</p>")


def test_the_table() -> None:
    """Rows become one Markdown table."""
    assert table([Row("dates", "50, 0 wrong", goal="50")]).splitlines()[-1] == (
        "| dates | 50, 0 wrong | –         | 50         |"
    )
