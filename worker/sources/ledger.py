"""The ledger: the files seen in a folder that is read in place, as SQLite in the state directory.

One row a file: its folder and name (bytes, as the system has them) and its stamp, which shows
changes. Nothing is accepted by this: if a ledger is lost, or outdated after a power failure, files
are claimed again and found to be duplicates. So writes are not synced to the disk (WAL with
synchronous NORMAL: never torn, at worst outdated).

Its user holds a lock on a file beside it, so it is never opened twice, and SQLite needs no shared
memory, which a state directory on a network file system does not offer.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.logs import get_logger
from worker.settings.flock import closing_fd
from worker.spool.claim import batched
from worker.spool.layout import translate_errors
from worker.spool.lockfile import try_lock

logger = get_logger(__name__)

LEDGER = "ledger.sqlite"
BROKEN = "ledger.broken"
_LOCK = "lock"
_VERSION = 1
_PAGE = 500
"""Names in one query; SQLite allows 32,766."""

_TABLES = f"""
BEGIN;
CREATE TABLE seen (
    folder BLOB, name BLOB, size INTEGER, mtime_ns INTEGER, inode INTEGER,
    PRIMARY KEY (folder, name)
) WITHOUT ROWID;
CREATE TABLE walk (only INTEGER PRIMARY KEY CHECK (only = 1), at REAL, entries INTEGER, stop BLOB);
PRAGMA user_version = {_VERSION};
COMMIT;
"""

_63_BITS = (1 << 63) - 1
"""SQLite's integers are signed; inodes and the times of far years may be larger. Two that differ
only in higher bits do not occur."""


class Stamp(NamedTuple):
    """The state of a file by which a change is noticed: bytes, nanoseconds since 1970, a number."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        return cls(status.st_size, status.st_mtime_ns & _63_BITS, status.st_ino & _63_BITS)


class SeenFile(NamedTuple):
    """A file that was seen: its folder below the top, its name, and its stamp."""

    folder: bytes
    name: bytes
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Walk:
    """The last walk: when it began (Unix seconds), how many names it read (including those of the
    walks that it continued), and the folder where it stopped; None if it was complete."""

    at: float
    entries: int
    stop: bytes | None


@contextmanager
def open_ledger(folder: Path) -> "Iterator[Ledger | None]":
    """The ledger in `folder`, locked; None where another process has it open.

    A broken ledger is renamed and replaced by an empty one. Raises SpoolUnavailable.
    """
    with translate_errors(folder):
        folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        lock = try_lock(folder / _LOCK)
    if lock is None:
        yield None
        return
    with closing_fd(lock), closing(_open(folder)) as ledger:
        yield ledger


class Ledger:
    """An open ledger. Every method raises SpoolUnavailable if it cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self._home = folder
        self._path = folder / LEDGER
        with self._translate_errors():
            self._db = sqlite3.connect(self._path, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        with self._translate_errors():
            self._db.close()

    def last_walk(self) -> Walk | None:
        """None before the first walk."""
        rows = self._query("SELECT at, entries, stop FROM walk")
        return Walk(*rows[0]) if rows else None

    def save_walk(self, walk: Walk) -> None:
        row = (walk.at, walk.entries, walk.stop)
        self._query("INSERT OR REPLACE INTO walk VALUES (1, ?, ?, ?)", row)

    def count(self, folder: bytes) -> int:
        """How many files of a folder are recorded, without those of its subfolders."""
        ((number,),) = self._query("SELECT count(*) FROM seen WHERE folder = ?", (folder,))
        return int(number)

    def find(self, folder: bytes, names: Sequence[bytes]) -> dict[bytes, Stamp]:
        """The recorded stamps of those of `names` that have one."""
        stamps: dict[bytes, Stamp] = {}
        for page in batched(names, max_count=_PAGE):
            placeholders = ",".join("?" * len(page))
            rows = self._query(
                "SELECT name, size, mtime_ns, inode FROM seen "  # noqa: S608  question marks only
                f"WHERE folder = ? AND name IN ({placeholders})",
                (folder, *page),
            )
            stamps.update((name, Stamp(*stamp)) for name, *stamp in rows)
        return stamps

    def add(self, files: Iterable[SeenFile]) -> None:
        """Record these as seen: all of them, or none if the process dies."""
        rows = [(folder, name, *stamp) for folder, name, stamp in files]
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)", rows)

    def file_names(self, folder: bytes) -> Iterator[list[bytes]]:
        """The names recorded in a folder, a page at a time; they may be removed meanwhile."""
        after = b""
        query = "SELECT name FROM seen WHERE folder = ? AND name > ? ORDER BY name LIMIT ?"
        while page := [name for (name,) in self._query(query, (folder, after, _PAGE))]:
            yield page
            after = page[-1]

    def folders(self) -> Iterator[bytes]:
        """Every folder that has recorded files, in order; they may be removed meanwhile."""
        ((folder,),) = self._query("SELECT min(folder) FROM seen")
        while folder is not None:
            yield folder
            ((folder,),) = self._query("SELECT min(folder) FROM seen WHERE folder > ?", (folder,))

    def remove(self, folder: bytes, names: Iterable[bytes]) -> None:
        """Remove files that are gone: one that comes back is new."""
        rows = [(folder, name) for name in names]
        with self._transaction():
            self._db.executemany("DELETE FROM seen WHERE folder = ? AND name = ?", rows)

    def remove_folder(self, folder: bytes) -> None:
        """Remove all files of a folder, without those of its subfolders."""
        self._query("DELETE FROM seen WHERE folder = ?", (folder,))

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _prepare(self) -> None:
        for setting in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"):
            self._query(f"PRAGMA {setting}")
        ((version,),) = self._query("PRAGMA user_version")
        if version == 0:
            with self._translate_errors():
                self._db.executescript(_TABLES)
        elif version != _VERSION:
            raise self._broken("it was written by another version")

    def _query(self, statement: str, values: tuple[object, ...] = ()) -> list[Any]:
        with self._translate_errors():
            return self._db.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._translate_errors(), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # Errors of a wrong use of the module have no code.
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN_CODES:
                raise self._broken(str(error)) from error
            raise SpoolUnavailable(
                f"{printable(self._path)} cannot be used: {printable(str(error))}; check the "
                "disk's space and the folder's rights: work resumes by itself"
            ) from error

    def _broken(self, why: str) -> "_Broken":
        """Rename the ledger; the error to raise."""
        with translate_errors(self._home):
            self._path.rename(self._home / BROKEN)
            for beside in ("-wal", "-shm", "-journal"):
                self._path.with_name(LEDGER + beside).unlink(missing_ok=True)
        message = (
            f"{printable(self._path)} cannot be read ({printable(why)}) and is now {BROKEN}: "
            "a new ledger starts empty, and all files are offered again"
        )
        logger.warning("broken ledger renamed", error=message)
        return _Broken(message)


class _Broken(SpoolUnavailable):
    """The ledger was broken, and has been renamed."""


_BROKEN_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _open(folder: Path) -> Ledger:
    try:
        return Ledger(folder)
    except _Broken:
        return Ledger(folder)
