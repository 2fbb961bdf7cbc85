"""Writing the read model: which segments are new, their decisions, and what has expired."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from worker.readmodel.database import PART, make_words_table, words_table
from worker.readmodel.decision import COLUMNS, DecisionRow
from worker.readmodel.words import index_terms, pack
from worker.spool.archive import Archive
from worker.spool.segment import Segment

_INSERT = (
    f"INSERT INTO decision (segment, {', '.join(COLUMNS)}) "  # noqa: S608  our own names
    f"VALUES (?{', ?' * len(COLUMNS)})"
)
_MAX_VALUES = 10_000
"""Facets whose numbers are remembered."""

_STABLE_NS = 2_000_000_000
"""A folder that changed just now may change again within the same tick of its clock."""


class ReadModelWriter:
    """Writes through the one connection that writes."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._values: dict[tuple[str, str], int] = {}

    def find_new(self, archive: Archive, now_ns: int) -> list[Segment]:
        """The finished segments that are not in the read model, oldest first. Only folders that
        changed since they were complete in it are listed. `now_ns` is Unix time."""
        changed = dict(self._db.execute("SELECT name, changed_ns FROM folder"))
        new: list[Segment] = []
        for folder in archive.folders():
            name, at = f"{folder.parent.name}/{folder.name}", _changed_ns(folder)
            if at is None or changed.get(name) == at:
                continue
            segments = [one for one in archive.segments_in(folder) if not self._has(one.batch)]
            new += segments
            if not segments and now_ns - at > _STABLE_NS:
                self._db.execute("INSERT OR REPLACE INTO folder VALUES (?, ?)", (name, at))
        return sorted(new, key=lambda segment: segment.batch)

    def add(self, batch: str, decisions: Sequence[DecisionRow]) -> None:
        """Add a segment: all of it, or nothing if the process dies."""
        with _transaction(self._db):
            segment = self._db.execute("INSERT INTO segment (batch) VALUES (?)", (batch,)).lastrowid
            for decision in decisions:
                self._add(segment, decision)

    def remove_expired(self, archive: Archive) -> None:
        """Remove the oldest segments whose journals have expired."""
        if not archive.folders():
            return  # an unmounted volume is not an expired archive
        expired = []
        for segment, batch in self._db.execute("SELECT id, batch FROM segment ORDER BY batch"):
            if archive.find(batch) is not None:
                break
            expired.append((segment,))
        if not expired:
            return
        with _transaction(self._db):
            self._db.executemany("DELETE FROM decision WHERE segment = ?", expired)
            self._db.executemany("DELETE FROM segment WHERE id = ?", expired)
            self._db.execute("DELETE FROM folder")
            ((first,),) = self._db.execute(
                "SELECT coalesce(min(id), (SELECT max(seq) + 1 FROM sqlite_sequence), 1) "
                "FROM decision"
            )
            for table in ("facet", "body"):
                self._db.execute(f"DELETE FROM {table} WHERE decision < ?", (first,))  # noqa: S608
            for table in list(_words_tables(self._db)):
                if (int(table.removeprefix("words_")) + 1) * PART <= first:
                    self._db.execute(f"DROP TABLE {table}")

    def get_state(self, name: str) -> float:
        """A number that :meth:`set_state` saved; 0 if none was."""
        row = self._db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return float(row[0]) if row else 0.0

    def may_try(self, batch: str) -> bool:
        """Whether the raw files of a segment may be parsed: once, because what ends the process
        would end it each time."""
        ((tried,),) = self._db.execute("SELECT max(value) FROM state WHERE name = 'tried'")
        self._db.execute("INSERT OR REPLACE INTO state VALUES ('tried', ?)", (batch,))
        return bool(tried != batch)

    def set_state(self, **values: float) -> None:
        self._db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", values.items())

    def _has(self, batch: str) -> bool:
        query = "SELECT 1 FROM segment WHERE batch = ?"
        return self._db.execute(query, (batch,)).fetchone() is not None

    def _add(self, segment: int | None, decision: DecisionRow) -> None:
        db = self._db
        row = (segment, *(getattr(decision, name) for name in COLUMNS))
        number = db.execute(_INSERT, row).lastrowid
        assert number is not None
        values = ((self._value_id(facet), number) for facet in decision.facets)
        db.executemany("INSERT INTO facet VALUES (?, ?)", values)
        if decision.folded:
            db.execute("INSERT INTO body VALUES (?, ?)", (number, pack(decision.folded)))
            table = words_table(number)
            if make_words_table(db, table):
                db.execute(
                    f"INSERT INTO {table} (rowid, terms) VALUES (?, ?)",  # noqa: S608  ours
                    (number, index_terms(decision.folded)),
                )

    def _value_id(self, facet: tuple[str, str]) -> int:
        if len(self._values) > _MAX_VALUES:
            self._values.clear()
        if facet not in self._values:
            self._db.execute("INSERT OR IGNORE INTO value (kind, text) VALUES (?, ?)", facet)
            query = "SELECT id FROM value WHERE kind = ? AND text = ?"
            ((self._values[facet],),) = self._db.execute(query, facet)
        return self._values[facet]


def _changed_ns(folder: Path) -> int | None:
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return None  # it has just expired


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    with db:
        db.execute("BEGIN IMMEDIATE")
        yield


def _words_tables(db: sqlite3.Connection) -> Iterator[str]:
    query = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'"
    yield from (name for (name,) in db.execute(query))
