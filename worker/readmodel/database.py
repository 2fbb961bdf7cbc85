"""The read model's files, and how they are opened: `<state>/search/<number>.sqlite`.

The file with the highest number is used; a new one is built beside it and renamed when it is
complete. Readers never wait for the writer (WAL); a broken file is replaced by an empty one, which
is filled again from the archive.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.logs import get_logger
from worker.settings.flock import closing_fd
from worker.spool.layout import translate_errors
from worker.spool.lockfile import try_lock

logger = get_logger(__name__)

VERSION = 3
PART = 50_000
"""Decisions in one full-text table. A table is dropped when all its decisions have expired, because
SQLite before 3.43 cannot delete from an index that does not keep the texts."""

_BUSY_SECONDS = 2.0
_TABLES = f"""
BEGIN;
CREATE TABLE segment (id INTEGER PRIMARY KEY, batch TEXT UNIQUE);
CREATE TABLE folder (name TEXT PRIMARY KEY, changed_ns INTEGER);
CREATE TABLE decision (
    id INTEGER PRIMARY KEY AUTOINCREMENT, segment INTEGER, article TEXT, status TEXT, title TEXT,
    date TEXT, source TEXT, at TEXT, stream_id TEXT, revision INTEGER, url TEXT, language TEXT,
    word_count INTEGER, path TEXT, quarantine TEXT, story TEXT, near_duplicate_of TEXT,
    similarity REAL
);
CREATE INDEX decision_article ON decision (article);
CREATE INDEX decision_segment ON decision (segment);
CREATE INDEX decision_path ON decision (path);
CREATE TABLE body (decision INTEGER PRIMARY KEY, text BLOB);
CREATE TABLE value (id INTEGER PRIMARY KEY, kind TEXT, text TEXT, UNIQUE (kind, text));
CREATE TABLE facet (
    value INTEGER, decision INTEGER, PRIMARY KEY (value, decision)
) WITHOUT ROWID;
CREATE TABLE state (name TEXT PRIMARY KEY, value);
PRAGMA user_version = {VERSION};
COMMIT;
"""


class ReadModelUnavailable(SpoolUnavailable):
    """The read model is absent, locked or broken. The message says what to do."""


def search_dir(state_dir: Path) -> Path:
    """The folder of the read model."""
    return state_dir / "search"


@contextmanager
def open_reader(state_dir: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads. Raises ReadModelUnavailable; so does its use in the block."""
    path = current_file(state_dir)
    if path is None:
        raise ReadModelUnavailable(
            "the search index is not built yet: a running worker builds it; "
            "`newsdrop reindex` does it at once"
        )
    with _translated(path):
        db = sqlite3.connect(
            f"file:{_quoted(path)}?mode=ro", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
        )
        with closing(db):
            ((version,),) = db.execute("PRAGMA user_version")
            if version != VERSION:
                raise ReadModelUnavailable(
                    "the search index was written by another version: `newsdrop reindex` "
                    "builds it again"
                )
            yield db


@contextmanager
def open_writer(state_dir: Path, *, rebuild: bool = False) -> Iterator[sqlite3.Connection | None]:
    """The one connection that writes; None where another process has it. With `rebuild` a new file,
    which replaces the present one when the block ends without an error.

    A file that is broken or of another version is replaced by an empty one. Raises
    ReadModelUnavailable, SpoolUnavailable.
    """
    folder = search_dir(state_dir)
    with translate_errors(folder):
        folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        lock = try_lock(folder / "lock")
    if lock is None:
        yield None
        return
    with closing_fd(lock), _rebuilt(state_dir) if rebuild else _current(state_dir) as db:
        yield db


def current_file(state_dir: Path) -> Path | None:
    """The file in use, if there is one."""
    files = [path for path in search_dir(state_dir).glob("*.sqlite") if path.stem.isdecimal()]
    return max(files, key=lambda path: int(path.stem), default=None)


def words_table(decision: int) -> str:
    """The full-text table of a decision."""
    return f"words_{decision // PART}"


def has_words_table(db: sqlite3.Connection, table: str) -> bool:
    """Whether there is that full-text table."""
    return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone())


def make_words_table(db: sqlite3.Connection, table: str) -> bool:
    """Make a full-text table unless it is there; False where this SQLite has no FTS5."""
    try:
        db.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {table} USING fts5("
            "terms, content='', detail=none, columnsize=0, tokenize='ascii')"
        )
    except sqlite3.OperationalError as error:
        if "no such module" in str(error):
            return False
        raise
    return True


@contextmanager
def _current(state_dir: Path) -> Iterator[sqlite3.Connection]:
    path = current_file(state_dir) or _next_file(state_dir)
    try:
        with _translated(path), closing(_connect(path)) as db:
            yield db
    except _Broken as error:
        remove(path)
        logger.warning("search index removed; it is built again", error=str(error))
        raise


@contextmanager
def _rebuilt(state_dir: Path) -> Iterator[sqlite3.Connection]:
    old, final = current_file(state_dir), _next_file(state_dir)
    path = final.with_suffix(".new")
    remove(path)
    with _translated(path), closing(_connect(path)) as db:
        yield db
        # The closing connection is the only one: it merges the WAL into the file.
    with translate_errors(path):
        path.rename(final)
    if old is not None:
        remove(old)


def remove(path: Path) -> None:
    """Remove a file of SQLite with what belongs to it, or what is in its place. Raises
    SpoolUnavailable."""
    if path.is_dir() and not path.is_symlink():
        with translate_errors(path):
            shutil.rmtree(path)
        return
    for end in ("", "-wal", "-shm", "-journal"):
        with translate_errors(path):
            path.with_name(path.name + end).unlink(missing_ok=True)


def _next_file(state_dir: Path) -> Path:
    current = current_file(state_dir)
    return search_dir(state_dir) / f"{int(current.stem) + 1 if current else 1}.sqlite"


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        # Not synced: what a power failure takes is read from the archive again.
        for setting in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -16000"):
            db.execute(f"PRAGMA {setting}")
        ((version,),) = db.execute("PRAGMA user_version")
        if version == 0:
            db.executescript(_TABLES)
        elif version != VERSION:
            raise _Broken("it was written by another version")
    except BaseException:
        db.close()
        raise
    return db


class _Broken(ReadModelUnavailable):
    """The file cannot be used any more."""


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        is_broken = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        why = f"the search index {printable(path)} cannot be used: {printable(str(error))}"
        if code in _DISK_ERRORS:
            raise ReadModelUnavailable(
                f"{why}; check the disk's space and the folder's rights"
            ) from error
        raise (_Broken if is_broken else ReadModelUnavailable)(
            f"{why}; `newsdrop reindex` builds it again"
        ) from error


_DISK_ERRORS = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
)


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
