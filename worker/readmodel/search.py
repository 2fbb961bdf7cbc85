"""Searching the read model: the newest decisions that have all facets and all words.

One full-text table's decisions are searched at a time, the newest first, until enough are found or
the time is over; the next page continues there.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from worker.errors import UsageError
from worker.escape import printable
from worker.readmodel.database import PART, has_words_table, words_table
from worker.readmodel.decision import COLUMNS, MAX_FACET, DecisionRow
from worker.readmodel.filters import Filters
from worker.readmodel.words import matcher, parse_words, query_terms

SEARCH_SECONDS = 2.0
"""A search ends after about this time, at the end of a full-text table."""

MAX_OF_STORY = 100
"""Articles of a story that are counted."""

_FEW = 2_000
"""As many texts are compared faster (20 µs each) than the index of a common word is read."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """The state of the read model: `missing` finished segments are not in it as of `at` (Unix time;
    0 if it was never complete)."""

    missing: int
    at: float


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Newest first. `next` is the value of `before` for the next page, None at the end."""

    rows: tuple[DecisionRow, ...]
    next: int | None


_HAS_FACET = "EXISTS (SELECT 1 FROM facet WHERE value = ? AND decision = {at})"
_HAS_WORDS = "has_words((SELECT text FROM body WHERE decision = {at}))"
_SELECT = f"SELECT d.id, {', '.join(f'd.{name}' for name in COLUMNS)}"


def search(
    db: sqlite3.Connection,
    filters: Filters,
    count: int,
    before: int | None,
    clock: Callable[[], float],
) -> SearchPage:
    """A page of decisions. Raises UsageError for words that cannot be searched."""
    words = parse_words(filters.q) if filters.q is not None else ()
    ids = _value_ids(db, filters.facets())
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM decision").fetchone()
    (first,) = db.execute("SELECT coalesce(min(id), 1) FROM decision").fetchone()
    if ids is None:
        return SearchPage((), None)
    if words:
        db.create_function("has_words", 1, matcher(words), deterministic=True)
    excluded = _value_ids(db, filters.excluded_facets()) or ()
    wanted, rows = _Wanted(ids, words, excluded), list[tuple[int, DecisionRow]]()
    end = clock() + SEARCH_SECONDS
    upper = last + 1 if before is None else min(before, last + 1)
    following: int | None = None
    while upper > first:
        lower = (upper - 1) // PART * PART
        rows += _search_part(db, wanted, lower, upper, count + 1 - len(rows))
        if len(rows) > count:
            following = rows[count - 1][0]
            break
        upper = lower
        if clock() > end and upper > first:
            following = upper
            break
    return SearchPage(tuple(row for _, row in rows[:count]), following)


def read_freshness(db: sqlite3.Connection) -> Freshness:
    """How far the read model is."""
    state = dict(db.execute("SELECT name, value FROM state WHERE name IN ('missing', 'at')"))
    return Freshness(int(state.get("missing", 0)), float(state.get("at", 0)))


def list_story(db: sqlite3.Connection, story_id: str) -> frozenset[str]:
    """The ids of articles of a story, at most about MAX_OF_STORY."""
    query = (
        "SELECT DISTINCT article FROM decision WHERE id IN (SELECT decision FROM facet WHERE "
        "value = (SELECT id FROM value WHERE kind = 'story' AND text = ?) LIMIT ?)"
    )
    rows = db.execute(query, (story_id[:MAX_FACET], MAX_OF_STORY + 1))
    return frozenset(article for (article,) in rows)


def list_other_batches(db: sqlite3.Connection, article_id: str) -> frozenset[str]:
    """The batches that decided about other articles only: their journals need not be read."""
    query = (
        "SELECT batch FROM segment WHERE id NOT IN (SELECT segment FROM decision WHERE article = ?)"
    )
    return frozenset(batch for (batch,) in db.execute(query, (article_id,)))


def find_later(
    db: sqlite3.Connection, path: str, source: str, after: str
) -> tuple[str, str, str] | None:
    """The first article that a source brought under a path after a time (RFC 3339, UTC): its id,
    its status, and when; None if there is none."""
    query = (
        "SELECT article, status, at FROM decision WHERE path = ? AND source = ? AND at > ? AND "
        "status IN ('published', 'revised', 'duplicate') ORDER BY at LIMIT 1"
    )
    row: tuple[str, str, str] | None = db.execute(query, (path, source, after)).fetchone()
    return row


def parse_number(before: str | None) -> int | None:
    """`next` of the previous page. Raises UsageError."""
    if before is None:
        return None
    if not before.isdecimal() or len(before) > 15:
        raise UsageError(
            f"{printable(before, 60)} is not the `next` of a page with these filters: leave it out"
        )
    return int(before)


def _value_ids(db: sqlite3.Connection, facets: Sequence[tuple[str, str]]) -> list[int] | None:
    """The numbers of facets; None where no decision has one of them."""
    ids = []
    for facet in facets:
        row = db.execute("SELECT id FROM value WHERE kind = ? AND text = ?", facet).fetchone()
        if row is None:
            return None
        ids.append(row[0])
    return ids


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The terms of a search: the numbers of its facets, its words, and the numbers of facets that
    nothing may have."""

    ids: Sequence[int]
    words: Sequence[str]
    excluded: Sequence[int]


def _search_part(
    db: sqlite3.Connection, wanted: _Wanted, lower: int, upper: int, count: int
) -> list[tuple[int, DecisionRow]]:
    """The newest `count` decisions from `lower` to before `upper`, with their numbers. The
    rarest facet is read, and the others are looked up; the index of words only where no facet is
    rare."""
    sizes = sorted((_size(db, value, lower, upper), value) for value in wanted.ids)
    if sizes and not sizes[0][0]:
        return []
    terms, table = query_terms(wanted.words), words_table(lower)
    rest = [value for _, value in sizes]
    values: list[str | int] = []
    if terms and has_words_table(db, table) and (not sizes or sizes[0][0] > _FEW):
        driver, at, conditions = table, "driver.rowid", [f"{table} MATCH ?"]
        values.append(terms)
    elif rest:
        driver, at, conditions = "facet", "driver.decision", ["driver.value = ?"]
        values.append(rest.pop(0))
    else:
        driver, at, conditions = "decision", "driver.id", []
    conditions += [f"{at} >= ?", f"{at} < ?"]
    conditions += [_HAS_FACET.format(at=at) for _ in rest]
    conditions += [f"NOT {_HAS_FACET.format(at=at)}" for _ in wanted.excluded]
    if wanted.words:
        conditions.append(_HAS_WORDS.format(at=at))
    query = (  # only our own names are put into it
        f"{_SELECT} FROM {driver} AS driver CROSS JOIN decision d ON d.id = {at} "
        f"WHERE {' AND '.join(conditions)} ORDER BY {at} DESC LIMIT ?"
    )
    rows = db.execute(query, (*values, lower, upper, *rest, *wanted.excluded, count))
    return [(number, DecisionRow(*row)) for number, *row in rows]


def _size(db: sqlite3.Connection, value: int, lower: int, upper: int) -> int:
    query = (
        "SELECT count(*) FROM (SELECT 1 FROM facet WHERE value = ? AND decision >= ? "
        "AND decision < ? LIMIT 20000)"
    )
    return int(db.execute(query, (value, lower, upper)).fetchone()[0])
