"""What was seen in a folder that is read in place: a SQLite file in the state directory.

One row a file: its folder and name (bytes, as the system has them) and its stamp, by which a
change is told. Nothing is accepted by this: a ledger that is lost, or older than it should be
after a power failure, only has files offered again, which are found to be duplicates. So a note
is not synced to the disk (WAL with synchronous NORMAL: never torn, at worst older).

Whoever uses it holds a lock on a file beside it, so it is never opened twice, and SQLite needs no
shared memory, which a state directory on a network file system could not give.
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
from worker.spool.layout import translate_errors
from worker.spool.lockfile import try_lock

logger = get_logger(__name__)

LEDGER = "ledger.sqlite"
BROKEN = "ledger.broken"
_LOCK = "lock"
_VERSION = 1
_PAGE = 500
"""Names in one question; SQLite allows 32,766."""

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
only above are not met."""


class Stamp(NamedTuple):
    """By what a change of a file is told: bytes, nanoseconds since 1970, a number."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        return cls(status.st_size, status.st_mtime_ns & _63_BITS, status.st_ino & _63_BITS)


class Sighting(NamedTuple):
    """A file as it was seen: the folder below the top, the name in it, and its stamp."""

    folder: bytes
    name: bytes
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Walk:
    """The last walk: when it began (Unix seconds), how many names it met (together with those
    that it went on from), and the folder at which it stopped; None where it came to the end."""

    at: float
    entries: int
    stop: bytes | None


@contextmanager
def held(home: Path) -> "Iterator[Ledger | None]":
    """The ledger in `home` while nobody else has it; None where somebody does.

    A broken one is set aside and begun anew. Raises SpoolUnavailable.
    """
    with translate_errors(home):
        home.mkdir(mode=0o770, parents=True, exist_ok=True)
        lock = try_lock(home / _LOCK)
    if lock is None:
        yield None
        return
    try:
        with closing(_opened(home)) as ledger:
            yield ledger
    finally:
        os.close(lock)


class Ledger:
    """An open ledger. Every method raises SpoolUnavailable where it cannot be read or written."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._path = home / LEDGER
        with self._translated():
            self._db = sqlite3.connect(self._path, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        with self._translated():
            self._db.close()

    def last_walk(self) -> Walk | None:
        """None where there was none."""
        for row in self._ask("SELECT at, entries, stop FROM walk"):
            return Walk(*row)
        return None

    def walked(self, walk: Walk) -> None:
        row = (walk.at, walk.entries, walk.stop)
        self._do("INSERT OR REPLACE INTO walk VALUES (1, ?, ?, ?)", row)

    def count(self, folder: bytes) -> int:
        """How many files of a folder are noted, without those of its subfolders."""
        ((number,),) = self._ask("SELECT count(*) FROM seen WHERE folder = ?", (folder,))
        return int(number)

    def known(self, folder: bytes, names: Sequence[bytes]) -> dict[bytes, Stamp]:
        """Which of `names` are noted, and how they were."""
        found: dict[bytes, Stamp] = {}
        for at in range(0, len(names), _PAGE):
            asked = names[at : at + _PAGE]
            marks = ",".join("?" * len(asked))
            rows = self._ask(
                "SELECT name, size, mtime_ns, inode FROM seen "  # noqa: S608  question marks only
                f"WHERE folder = ? AND name IN ({marks})",
                (folder, *asked),
            )
            found.update((name, Stamp(*stamp)) for name, *stamp in rows)
        return found

    def note(self, sightings: Iterable[Sighting]) -> None:
        """Note these as seen: all of them, or, where it dies, none."""
        rows = [(folder, name, *stamp) for folder, name, stamp in sightings]
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)", rows)

    def names(self, folder: bytes) -> Iterator[list[bytes]]:
        """The names noted in a folder, a page at a time; they may be struck meanwhile."""
        after = b""
        question = "SELECT name FROM seen WHERE folder = ? AND name > ? ORDER BY name LIMIT ?"
        while page := [name for (name,) in self._ask(question, (folder, after, _PAGE))]:
            yield page
            after = page[-1]

    def folders(self) -> Iterator[bytes]:
        """Every folder in which something is noted, in order; they may be struck meanwhile."""
        ((folder,),) = self._ask("SELECT min(folder) FROM seen")
        while folder is not None:
            yield folder
            ((folder,),) = self._ask("SELECT min(folder) FROM seen WHERE folder > ?", (folder,))

    def strike(self, folder: bytes, names: Iterable[bytes]) -> None:
        """Forget files that are gone: one that comes back is new."""
        rows = [(folder, name) for name in names]
        with self._transaction():
            self._db.executemany("DELETE FROM seen WHERE folder = ? AND name = ?", rows)

    def strike_folder(self, folder: bytes) -> None:
        """Forget all files of a folder, without those of its subfolders."""
        self._do("DELETE FROM seen WHERE folder = ?", (folder,))

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _prepare(self) -> None:
        for setting in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"):
            self._do(f"PRAGMA {setting}")
        ((version,),) = self._ask("PRAGMA user_version")
        if version == 0:
            with self._translated():
                self._db.executescript(_TABLES)
        elif version != _VERSION:
            raise self._broken("it was written by another version")

    def _ask(self, question: str, values: tuple[object, ...] = ()) -> list[Any]:
        with self._translated():
            return self._db.execute(question, values).fetchall()

    def _do(self, statement: str, values: tuple[object, ...] = ()) -> None:
        self._ask(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._translated(), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # Errors of the module's own use have no code.
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_LEDGER:
                raise self._broken(str(error)) from error
            raise SpoolUnavailable(
                f"{printable(self._path)} cannot be used: {printable(str(error))}; check the "
                "disk's space and the folder's rights: work resumes by itself"
            ) from error

    def _broken(self, why: str) -> "_Broken":
        """Set the ledger aside; what is raised then."""
        aside = self._home / BROKEN
        with translate_errors(self._home):
            self._path.rename(aside)
            for beside in ("-wal", "-shm", "-journal"):
                self._path.with_name(LEDGER + beside).unlink(missing_ok=True)
        message = (
            f"{printable(self._path)} cannot be read ({printable(why)}) and is now {BROKEN}: "
            "it begins anew, and what it knew is offered again"
        )
        logger.warning("a ledger was set aside", error=message)
        return _Broken(message)


class _Broken(SpoolUnavailable):
    """The ledger was no ledger; it is out of the way now."""


_NO_LEDGER = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _opened(home: Path) -> Ledger:
    try:
        return Ledger(home)
    except _Broken:
        return Ledger(home)
