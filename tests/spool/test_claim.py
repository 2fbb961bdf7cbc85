"""Claiming: no file is lost or claimed twice, wherever a claimer dies."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from worker.errors import Rejected, SpoolUnavailable
from worker.spool import claim as claiming
from worker.spool import manifest, transfer
from worker.spool.batch import acquire, batch_names, inspect_waiting
from worker.spool.claim import AcceptedLog, Incoming, claim, claim_bytes
from worker.spool.layout import Root, batch_name, day_of, is_batch, source_of, time_of
from worker.spool.open_folder import FolderOpener
from worker.spool.transfer import Candidate, OnSkipped

NOW = datetime(2021, 11, 26, 12, 26, 4, 1, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "drop" / ".newsdrop", "drop")


@pytest.fixture
def accepted(tmp_path: Path) -> AcceptedLog:
    return AcceptedLog(tmp_path / "state")


def head(kind: str = "folder") -> manifest.Head:
    return manifest.Head.new("drop", kind, NOW)


def dropped(tmp_path: Path, *file_names: str) -> list[Candidate]:
    found = []
    for name in file_names:
        path = tmp_path / "drop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(f"text of {name}"))
        found.append(Candidate(str(path), name, path.stat().st_size))
    return found


def test_batch_names_have_time_and_source() -> None:
    """They sort by time; a source may have dashes and dots."""
    name = batch_name(NOW, "a-b.c")
    assert source_of(name) == "a-b.c"
    assert time_of(name) == NOW
    assert day_of(name) == "20211126"
    assert is_batch(name)
    assert not any(map(is_batch, ["lost+found", "20211126", ".tmp", "x-y-z"]))


def test_equal_names_of_two_folders_do_not_meet(
    root: Root, accepted: AcceptedLog, tmp_path: Path
) -> None:
    """`2021/a.md` and `2022/a.md` are two entries of one batch, each with its path."""
    files = dropped(tmp_path, "2021/a.md", "2022/a.md")
    made = claim(root, head(), files, accepted)
    assert made is not None
    assert made.files == 2
    batch = acquire(root, made.batch)
    assert batch is not None
    with batch:
        assert [entry.path for entry in batch.entries()] == ["2021/a.md", "2022/a.md"]
        assert batch.read(1, 100) == b"text of 2022/a.md"
    assert list(accepted) == [(made.batch, 2)]


def test_a_torn_line_of_the_log_is_no_batch(
    accepted: AcceptedLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cut line hides no batch and adds none."""
    first, second, third = (batch_name(NOW, f"drop{n}") for n in range(3))
    accepted.add(first, 40)
    log = next((tmp_path / "state" / "accepted").iterdir())
    log.write_bytes(log.read_bytes()[:-6])
    accepted.add(second, 2)
    write, sizes = os.write, iter((5, 1000))
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[: next(sizes)]))
    accepted.add(third, 30)
    assert dict(accepted) == {second: 2, third: 30}


def test_names_of_any_bytes(root: Root, accepted: AcceptedLog, tmp_path: Path) -> None:
    """Names that are not UTF-8, of 255 bytes, with line breaks or a leading dash are kept."""
    odd = [os.fsdecode(b"\xff\xfe.md"), "x" * 252 + ".md", "a\nb.md", "-rf.md", "新闻.md"]
    files = dropped(tmp_path, *odd)
    made = claim(root, head(), files, accepted)
    assert made is not None
    assert [entry.path for entry in manifest.load(root.work / made.batch).entries] == odd


def test_two_claimers_of_the_same_files(root: Root, accepted: AcceptedLog, tmp_path: Path) -> None:
    """Each file is in one batch, and no batch is empty."""
    files = dropped(tmp_path, "a.md", "b.md")
    first = claim(root, head(), files[:1], accepted)
    second = claim(root, head(), files, accepted)
    third = claim(root, head(), files, accepted)
    assert first is not None
    assert second is not None
    assert (first.files, second.files, third) == (1, 1, None)
    assert len(batch_names(root)) == 2
    assert not list(root.staging.iterdir())


def test_a_batch_being_filled_is_locked(
    root: Root, accepted: AcceptedLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While files are renamed in, no worker can acquire it."""
    seen = []
    move = transfer._move

    def moving(candidate: Candidate, target: Path, folders: FolderOpener) -> bool:
        seen.append([acquire(root, name) for name in batch_names(root)])
        return move(candidate, target, folders)

    monkeypatch.setattr(transfer, "_move", moving)
    claim(root, head(), dropped(tmp_path, "a.md"), accepted)
    assert seen == [[None]]
    batch = acquire(root, batch_names(root)[0])
    assert batch is not None


@pytest.mark.parametrize("step", ["write_synced", "fsync_dir", "_move"])
def test_a_claimer_that_dies_loses_nothing(
    root: Root, accepted: AcceptedLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Killed at any step, each file is in the folder or in a batch that can be acquired."""
    files = dropped(tmp_path, "a.md", "b.md", "c.md")
    module = transfer if step == "_move" else claiming
    real = getattr(module, step)
    calls = []

    def dies(*args: object, **kwargs: object) -> object:
        calls.append(args)
        if len(calls) > (1 if step == "_move" else 0):
            os._exit(9)
        return real(*args, **kwargs)

    monkeypatch.setattr(module, step, dies)
    child = os.fork()
    if child == 0:
        claim(root, head(), files, accepted)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    remaining_names = {path.name for path in (tmp_path / "drop").glob("*.md")}
    claimed = set()
    for name in batch_names(root):
        batch = acquire(root, name)
        assert batch is not None, "the dead claimer's lock is free"
        with batch:
            claimed |= {entry.path for entry in batch.entries()}
    assert remaining_names | claimed == {"a.md", "b.md", "c.md"}
    assert not remaining_names & claimed
    assert claimed == ({"a.md"} if step == "_move" else set())


def test_copies_are_whole_before_they_are_seen(
    root: Root, accepted: AcceptedLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copied file is in `work/` only when it is complete; the original stays."""
    seen = []
    copies = claiming.copy_files

    def copying(
        candidates: Sequence[Candidate], batch: Path, on_skipped: OnSkipped | None
    ) -> Iterator[manifest.Entry]:
        for entry in copies(candidates, batch, on_skipped):
            seen.append(batch_names(root))
            yield entry

    monkeypatch.setattr(claiming, "copy_files", copying)
    files = dropped(tmp_path, "a.md")
    made = claim(root, head("enqueue"), files, accepted, copy=True)
    assert made is not None
    assert seen == [[]]
    assert Path(files[0].location).exists()
    assert [(waiting.files, waiting.is_locked) for waiting in inspect_waiting(root)] == [(1, False)]


def test_small_copies_are_in_one_file(root: Root, accepted: AcceptedLog, tmp_path: Path) -> None:
    """Each is read back from the pack; large ones are files, vanished ones are skipped."""
    large = b"0123456789" * 150_000
    files = dropped(tmp_path, "a.md", "gone.md", "large.md", "b.md", "empty.md")
    (tmp_path / "drop" / "large.md").write_bytes(large)
    (tmp_path / "drop" / "empty.md").write_bytes(b"")
    (tmp_path / "drop" / "gone.md").unlink()
    made = claim(root, head("enqueue"), files, accepted, copy=True)
    assert made is not None
    assert made.files == 4
    assert [waiting.files for waiting in inspect_waiting(root)] == [4]
    batch = acquire(root, made.batch)
    assert batch is not None
    with batch:
        whole = {entry.path: batch.content(entry.number) for entry in batch.entries()}
        assert whole == {
            "a.md": b"text of a.md",
            "large.md": large,
            "b.md": b"text of b.md",
            "empty.md": b"",
        }
        assert [batch.read(entry.number, len(large)) for entry in batch.entries()] == list(
            whole.values()
        )
        assert [batch.size(entry.number) for entry in batch.entries()] == [12, len(large), 12, 0]
        assert sorted(name for name in os.listdir(batch.folder) if name.isdigit()) == ["2"]
        assert batch.file(3).read_bytes() == b"text of b.md"
        assert len(batch.entries()) == 4
        with pytest.raises(Rejected, match=r"limits\.file_mb"):
            batch.read(3, 11)


def test_a_fifo_is_never_waited_at(root: Root, accepted: AcceptedLog, tmp_path: Path) -> None:
    """A FIFO among files to copy is left out, at once."""
    fifo = tmp_path / "drop"
    fifo.mkdir()
    os.mkfifo(fifo / "x.md")
    files = [Candidate(str(fifo / "x.md"), "x.md")]
    made = claim(root, head("enqueue"), files, accepted, copy=True)
    assert made is None


def test_bytes_become_a_batch(root: Root, accepted: AcceptedLog) -> None:
    """Standard input is one entry under the given name."""
    one = [Incoming(b"x", "(stdin)")]
    made = claim_bytes(root, head("enqueue"), one, accepted)
    batch = acquire(root, made.batch)
    assert batch is not None
    with batch:
        assert [entry.path for entry in batch.entries()] == ["(stdin)"]
        assert batch.read(0, 10) == b"x"


def test_a_folder_that_cannot_be_written(tmp_path: Path, accepted: AcceptedLog) -> None:
    """If the spool cannot be created, the error says so and the file stays."""
    files = dropped(tmp_path, "a.md")
    (tmp_path / "drop" / ".newsdrop").write_text("in the way")
    with pytest.raises(SpoolUnavailable, match="check the disk"):
        claim(Root(tmp_path / "drop" / ".newsdrop", "drop"), head(), files, accepted)
    assert Path(files[0].location).exists()


def test_an_old_lock_acquires_no_removed_batch(
    root: Root, accepted: AcceptedLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker finished the batch between opening and locking."""
    made = claim(root, head(), dropped(tmp_path, "a.md"), accepted)
    assert made is not None
    real = fcntl.flock

    def finish_first(fd: int, kind: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        other = acquire(root, made.batch)
        assert other is not None
        with other:
            other.remove()
        real(fd, kind)

    monkeypatch.setattr(fcntl, "flock", finish_first)
    assert acquire(root, made.batch) is None
