"""The ledger of seen files: one holder at a time, replaced when it is broken."""

import logging
import os
import signal
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.world import in_child
from worker.errors import SpoolUnavailable
from worker.sources.ledger import BROKEN, LEDGER, Ledger, SeenFile, Stamp, Walk, open_ledger


def seen(name: str, folder: str = "", size: int = 1) -> SeenFile:
    return SeenFile(folder.encode(), name.encode(), Stamp(size, 2, 3))


def test_recorded_files_are_found(tmp_path: Path) -> None:
    """Also when the ledger is opened again; the last record of a file counts."""
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        ledger.add([seen("a"), seen("b"), seen("a", "sub"), seen("a", size=9)])
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        assert ledger.find(b"", [b"a", b"b", b"c"]) == {
            b"a": Stamp(9, 2, 3),
            b"b": Stamp(1, 2, 3),
        }
        assert (ledger.count(b""), ledger.count(b"sub"), ledger.count(b"none")) == (2, 1, 0)
        assert list(ledger.folders()) == [b"", b"sub"]


def test_more_names_than_one_query_holds(tmp_path: Path) -> None:
    """Any number of names is found, listed and removed."""
    names = [f"{number:05}" for number in range(1_234)]
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        ledger.add(seen(name) for name in names)
        encoded = [name.encode() for name in names]
        assert list(ledger.find(b"", encoded)) == encoded
        for page in ledger.file_names(b""):
            ledger.remove(b"", page[::2])
        assert ledger.count(b"") == 617
        ledger.remove_folder(b"")
        assert list(ledger.folders()) == []


def test_the_last_walk(tmp_path: Path) -> None:
    """There is one at most, and it may have stopped somewhere."""
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        assert ledger.last_walk() is None
        ledger.save_walk(Walk(1.5, 10, b"sub/\xff"))
        ledger.save_walk(Walk(2.5, 20, None))
        assert ledger.last_walk() == Walk(2.5, 20, None)


def test_numbers_that_sqlite_cannot_hold(tmp_path: Path) -> None:
    """Inodes of 64 bits and times of far years are stored, and changes of them found."""
    numbers = [(1 << 64) - 1, (1 << 64) - 3, -5, -6]
    statuses = [SimpleNamespace(st_size=1, st_mtime_ns=n, st_ino=n) for n in numbers]
    stamps = [Stamp.of(cast("os.stat_result", status)) for status in statuses]
    assert len(set(stamps)) == 4
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        ledger.add(SeenFile(b"", b"%d" % n, stamp) for n, stamp in enumerate(stamps))
        assert list(ledger.find(b"", [b"0", b"1", b"2", b"3"]).values()) == stamps


def test_one_at_a_time(tmp_path: Path) -> None:
    """Who comes second gets none; the kernel frees it when the first dies."""

    def second() -> None:
        with open_ledger(tmp_path) as ledger:
            os._exit(7 if ledger is None else 8)

    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        assert in_child(second) == 7
    assert in_child(second) == 8

    def dies() -> None:
        with open_ledger(tmp_path) as ledger:
            assert ledger is not None
            ledger.add([seen("a")])
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(dies) == -signal.SIGKILL
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        assert ledger.count(b"") == 1


def test_a_write_is_atomic(tmp_path: Path) -> None:
    """A process that dies while it records has recorded nothing."""

    def dies() -> None:
        with open_ledger(tmp_path) as ledger:
            assert ledger is not None
            rows = [(b"", b"a", 1, 2, 3)]
            with ledger._transaction():
                ledger._db.executemany("INSERT INTO seen VALUES (?, ?, ?, ?, ?)", rows)
                os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(dies) == -signal.SIGKILL
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        assert ledger.count(b"") == 0


@pytest.mark.parametrize("how", ["no database", "another version", "cut off"])
def test_a_broken_ledger_is_renamed(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And reported; a new one is started."""
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        ledger.add([seen("a")])
    path = tmp_path / LEDGER
    if how == "no database":
        path.write_bytes(b"something else " * 1_000)
    elif how == "another version":
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
    else:
        os.truncate(path, 5_000)
    before = path.read_bytes()
    with caplog.at_level(logging.WARNING), open_ledger(tmp_path) as ledger:
        assert ledger is not None
        assert ledger.count(b"") == 0
        ledger.add([seen("b")])
    assert (tmp_path / BROKEN).read_bytes() == before
    (record,) = caplog.records
    assert "starts empty" in record.fields["error"]  # type: ignore[attr-defined]


def test_a_ledger_that_breaks_while_it_is_used(tmp_path: Path) -> None:
    """The current scan fails, and the next one starts a new ledger."""
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        ledger.add(seen(f"{number:05}") for number in range(5_000))
    size = (tmp_path / LEDGER).stat().st_size
    with (tmp_path / LEDGER).open("r+b") as file:  # the first page is whole, the others are not
        file.seek(4_096)
        file.write(b"\xff" * (size - 4_096))
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        with pytest.raises(SpoolUnavailable, match="offered again"):
            ledger.count(b"")
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        assert ledger.count(b"") == 0
    assert (tmp_path / BROKEN).exists()


def test_a_full_disk_is_no_broken_ledger(tmp_path: Path) -> None:
    """The error names the disk, the ledger stays, and nothing is recorded."""
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        ledger.add([seen("a")])
        ((pages,),) = ledger._query("PRAGMA page_count")
        ledger._query(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(SpoolUnavailable, match="work resumes by itself"):
            ledger.add(seen(f"{number:05}") for number in range(10_000))
    with open_ledger(tmp_path) as ledger:
        assert ledger is not None
        assert ledger.count(b"") == 1
    assert not (tmp_path / BROKEN).exists()


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    """A state directory that cannot be written is an error."""
    (tmp_path / "file").touch()
    with pytest.raises(SpoolUnavailable), open_ledger(tmp_path / "file" / "home"):
        pass


def test_a_ledger_that_cannot_be_opened(tmp_path: Path) -> None:
    """It is an error, and its lock is released."""
    (tmp_path / LEDGER).mkdir()
    for _ in range(2):
        with pytest.raises(SpoolUnavailable, match="unable to open"), open_ledger(tmp_path):
            pass
    (tmp_path / LEDGER).rmdir()
    with open_ledger(tmp_path) as ledger:
        assert isinstance(ledger, Ledger)
