"""Numbers, times and words as pages show them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from typer.main import get_command

from worker.cli.root import app
from worker.model.times import rfc3339
from worker.normalize.changes import Version, changes
from worker.queries import jobs, quarantine
from worker.translation import count_noun
from worker.web import filters
from worker.web.api.articles import ArticlesQuery
from worker.web.api.jobs import JobsQuery
from worker.web.api.quarantine import QuarantineQuery
from worker.web.filtering import NAMES

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("formatted", "shown"),
    [
        (filters.count(None), "–"),
        (filters.count(12_345), "12,345"),
        (filters.size(999), "999 B"),
        (filters.size(999_900), "1.0 MB"),
        (filters.size(12_000), "12.0 kB"),
        (filters.size(4_100_000), "4.1 MB"),
        (filters.size(3 * 10**15), "3000 TB"),
        (filters.rate(0), "0"),
        (filters.rate(2.26), "2.3"),
        (filters.span(3.44), "3.4 s"),
        (filters.span(7_500), "2 h 05 min"),
        (filters.span(7_200), "2 h"),
        (filters.words("no_content"), "no content"),
        (count_noun(1, "file"), "1 file"),
        (count_noun(2, "batch", "batches"), "2 batches"),
        (filters.exact("2026-01-31T12:00:00.120+08:00"), "2026-01-31 04:00:00.120 UTC"),
    ],
)
def test_formats(formatted: str, shown: str) -> None:
    """In few characters, with a dash for unknown values."""
    assert formatted == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "now"), (3, "just now"), (47, "40 s ago"), (300, "5 min ago"), (-300, "in 5 min")],
)
def test_ago_is_coarse(seconds: int, shown: str) -> None:
    """So that a page that is watched does not change with every second."""
    assert filters.ago(rfc3339(NOW - timedelta(seconds=seconds)), NOW) == shown


@pytest.mark.parametrize(
    ("late", "shown"),
    [(-300, "in 5 min"), (-5, "due now"), (3, "due now"), (27, "overdue 20 s")],
)
def test_what_is_next_is_late_in_words(late: int, shown: str) -> None:
    """A time that is over is overdue, never `just now`."""
    assert filters.due(rfc3339(NOW - timedelta(seconds=late)), NOW) == shown


def test_nothing_from_outside_becomes_markup() -> None:
    """Emphasised runs and code are marked; whatever they hold is escaped."""
    assert filters.highlight("a <b> c", ["<b>", " "]) == "a <strong>&lt;b&gt;</strong> c"
    assert filters.inline_code("say `<x>` & go") == "say <code>&lt;x&gt;</code> &amp; go"


def test_paragraphs_of_changes_are_numbered() -> None:
    """Each removed one has its number in the text before, the others theirs in the new text."""
    old, new = "a one\nb two\nc three\nd four", "new first\na one\nd four, and more\nlast of all"
    found = changes(Version("t", None, None, old), Version("u", None, None, new))
    assert [(number, it.kind.value) for number, it in filters.numbered(found)] == [
        (None, "edited"),
        (1, "added"),
        (2, "removed"),
        (3, "removed"),
        (3, "edited"),
        (4, "added"),
    ]


@pytest.mark.parametrize(
    ("command", "page", "query"),
    [
        ("tail", NAMES, ArticlesQuery),
        ("quarantine list", ("state", "reason", *quarantine.FILTERS), QuarantineQuery),
        ("jobs", jobs.FILTERS, JobsQuery),
    ],
)
def test_filters_have_one_name_everywhere(
    command: str, page: tuple[str, ...], query: type[BaseModel]
) -> None:
    """On the page, in the API and on the command line."""
    found: Any = get_command(app)
    for word in command.split():
        found = found.commands[word]
    options = {"state" if one.name == "discarded" else one.name for one in found.params}
    assert set(page) <= options
    assert set(query.model_fields) - {"count", "before", "after", "cursor"} == set(page)
