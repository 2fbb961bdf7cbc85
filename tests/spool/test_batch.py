"""Holding a batch: one worker at a time, and what the next one reads in its journal."""

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from worker.errors import Reason, Rejected, SpoolUnavailable
from worker.model import Outcome, Status
from worker.spool import journal
from worker.spool.batch import Batch, acquire, batch_names, fair_order, inspect_waiting
from worker.spool.claim import AcceptedLog, claim
from worker.spool.layout import Root, source_of
from worker.spool.manifest import NAME as MANIFEST
from worker.spool.manifest import Head, load
from worker.spool.transfer import Candidate

NOW = datetime(2021, 11, 26, 12, 26, 4, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "drop" / ".newsdrop", "drop")


def batch_of(root: Root, *file_names: str, source: str = "drop", minutes: int = 0) -> str:
    folder = root.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    for name in file_names:
        (folder / name).write_text(name)
    found = [Candidate(str(folder / name), name) for name in file_names]
    now = NOW + timedelta(minutes=minutes)
    head = Head.new(source, "folder", now)
    made = claim(root, head, found, AcceptedLog(folder / "state"))
    assert made is not None
    return made.batch


def held(root: Root, name: str) -> Batch:
    batch = acquire(root, name)
    assert batch is not None
    return batch


def outcome(entry: int, ordinal: int = 0) -> Outcome:
    return Outcome(entry, ordinal, Status.PUBLISHED, "a.md", id="20211126-00")


def test_one_holder_at_a_time(root: Root) -> None:
    """A held batch cannot be acquired, shows as locked, and is free after its release."""
    name = batch_of(root, "a.md")
    with held(root, name):
        assert acquire(root, name) is None
        assert [waiting.is_locked for waiting in inspect_waiting(root)] == [True]
    assert [waiting.is_locked for waiting in inspect_waiting(root)] == [False]
    with held(root, name):
        pass


def test_a_killed_holder_frees_its_batch(root: Root) -> None:
    """At once, and the entry that it was reading counts as a crash."""
    name = batch_of(root, "a.md", "b.md")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        batch = held(root, name)
        batch.journal.start(1)
        os.write(writer, b"!")
        signal.pause()
    os.read(reader, 1)
    assert acquire(root, name) is None
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with held(root, name) as batch:
        assert dict(batch.progress.crash_counts) == {1: 1}
        assert batch.progress.started == {1}


def test_sources_take_turns(root: Root, tmp_path: Path) -> None:
    """Each source's oldest batch comes before any source's second."""
    other = Root(tmp_path / "other" / ".newsdrop", "other")
    for minute in range(3):
        batch_of(root, f"a{minute}.md", minutes=minute)
    batch_of(other, "b.md", source="other", minutes=9)
    order = [source_of(name) for _, name in fair_order([root, other])]
    assert order == ["drop", "other", "drop", "drop"]
    assert batch_names(root) == sorted(batch_names(root))


def test_the_journal_has_outcomes_and_finished_entries(root: Root) -> None:
    """A torn last line is skipped, and later lines are whole."""
    name = batch_of(root, "a.md", "b.md")
    with held(root, name) as batch:
        batch.journal.add([outcome(0), outcome(0, 1)], [0])
    with (root.work / name / "journal").open("ab") as file:
        file.write(b'{"entry":1,"ord')
    with held(root, name) as batch:
        assert [(one.entry, one.ordinal) for one in batch.progress.outcomes] == [(0, 0), (0, 1)]
        assert batch.progress.finished == {0}
        batch.journal.add([outcome(1)], [1])
    with held(root, name) as batch:
        assert batch.progress.finished == {0, 1}
        assert len(batch.progress.outcomes) == 3


def test_a_torn_line_hides_no_crash(root: Root) -> None:
    """The entry that a dead worker was reading is known, whatever follows."""
    folder = root.work / batch_of(root, "a.md", "b.md")
    one = journal.Journal(folder)
    one.start(1)
    one.close()
    with (folder / "journal").open("ab") as file:
        file.write(b'{"entry":1,"ord')
    one = journal.Journal(folder)
    one.start(0)
    one.start(None)
    one.close()
    assert dict(journal.read(folder).crash_counts) == {1: 1}


def test_only_the_current_entry_counts_as_a_crash(root: Root) -> None:
    """Not a finished or released one, nor one whose holder raised an error."""
    name = batch_of(root, "a.md", "b.md")
    batch = held(root, name)
    batch.journal.start(0)
    batch.__exit__(RuntimeError, RuntimeError(), None)
    folder = root.work / name
    for _ in range(2):  # a process that dies leaves no last line
        one = journal.Journal(folder)
        one.start(0)
        one.start(1)
        one.close()
    one = journal.Journal(folder)
    one.start(0)
    one.start(None)
    one.close()
    assert dict(journal.read(folder).crash_counts) == {1: 2}


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_regular_file_is_refused(root: Root, kind: str) -> None:
    """A link, FIFO or folder in a batch is neither followed nor waited at."""
    name = batch_of(root, "a.md")
    path = root.work / name / "0"
    path.unlink()
    if kind == "link":
        path.symlink_to("/etc/passwd")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with held(root, name) as batch, pytest.raises(Rejected) as refused:
        batch.read(0, 100)
    assert refused.value.reason is Reason.NOT_A_FILE


def test_a_large_file_is_not_read(root: Root) -> None:
    """A file beyond the limit is refused by its size, unread."""
    name = batch_of(root, "a.md")
    with (root.work / name / "0").open("wb") as file:
        file.truncate(10**12)
    with held(root, name) as batch, pytest.raises(Rejected, match=r"limits\.file_mb") as refused:
        batch.read(0, 1000)
    assert refused.value.reason is Reason.TOO_LARGE


def test_a_journal_on_a_full_disk(root: Root) -> None:
    """Each write that fails is a temporary problem of this batch, which names the journal; the
    batch is free again."""
    name = batch_of(root, "a.md")
    full = os.open("/dev/full", os.O_WRONLY)
    with held(root, name) as batch:
        os.dup2(full, batch.journal._fd)
        with pytest.raises(SpoolUnavailable, match=f"{name}/journal cannot be used: No space left"):
            batch.journal.start(0)
    os.close(full)
    with held(root, name) as batch:
        batch.journal.start(0)


@pytest.mark.parametrize("line", [b'{"hand":"x"}', b'{"done":[1]}', b'{"status":"no"}', b"[1]"])
def test_a_damaged_line_of_a_journal_is_left_out(root: Root, line: bytes) -> None:
    """What is before and after it counts."""
    name = batch_of(root, "a.md", "b.md")
    with held(root, name) as batch:
        batch.journal.add([outcome(0)], [0])
    path = root.work / name / journal.NAME
    path.write_bytes(path.read_bytes() + line + b"\n")
    with held(root, name) as batch:
        assert batch.progress.finished == {0}
        batch.journal.add([outcome(1)], [1])
    with held(root, name) as batch:
        assert [each.entry for each in batch.progress.outcomes] == [0, 1]


@pytest.mark.parametrize(
    "entry", ["5", "[0]", '[0,"a.md",0,4,"x"]', '[0,"a.md",0,4,null,{"reason":"reparse"}]']
)
def test_a_damaged_entry_of_a_manifest(root: Root, entry: str) -> None:
    """The manifest is named, whatever is wrong in it: each task that reads it goes on."""
    folder = root.work / batch_of(root, "a.md")
    head, _ = (folder / MANIFEST).read_text().splitlines()
    (folder / MANIFEST).write_text(f"{head}\n{entry}\n")
    with pytest.raises(SpoolUnavailable, match=f"{folder.name}/manifest cannot be read"):
        load(folder)
