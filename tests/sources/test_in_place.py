"""Folders read in place: nothing in them is changed or lost; they are walked when it is time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.sources.mirror import Mirror, listing
from tests.sources.test_rights import as_worker, given, home
from tests.world import in_child
from worker.errors import SpoolUnavailable
from worker.sources.in_place import SECONDS_PER_ENTRY, WALK_REQUEST
from worker.sources.ledger import BROKEN, LEDGER, Ledger, open_ledger
from worker.sources.scan_result import ScanResult
from worker.spool.claim import ClaimedBatch, claim

__all__ = ["home"]  # a fixture


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path)


def test_nothing_in_the_tree_is_changed(home: Path) -> None:
    """A read-only tree is read; files that may not be read are listed with advice."""
    mirror = Mirror(home)
    for name in ("a.md", "sub/b.md", "sub/c.md", "shut/d.md", "half/e.md"):
        mirror.put(name)
    given(home)
    (mirror.path / "sub" / "c.md").chmod(0)
    for folder, mode in (("sub", 0o555), ("shut", 0), ("half", 0o444), ("", 0o555)):
        (mirror.path / folder).chmod(mode)
    before = listing(mirror.path)
    found = as_worker(mirror.look)
    as_worker(lambda: mirror.look("moved:a.md", "moved:sub/b.md"))
    assert listing(mirror.path) == before
    assert mirror.claimed_paths() == ["a.md", "sub/b.md"]
    reasons = {left.path: left.why for left in found.skipped}
    assert set(reasons) == {"sub/c.md", "shut", "half/e.md"}
    assert all("give the worker" in why for why in reasons.values())
    for folder in ("shut", "half", "sub"):
        (mirror.path / folder).chmod(0o755)
    (mirror.path / "sub" / "c.md").chmod(0o644)
    mirror.now += timedelta(minutes=2)
    as_worker(mirror.look)
    assert mirror.claimed_paths() == ["half/e.md", "shut/d.md", "sub/c.md"]


def test_a_top_folder_without_rights(home: Path) -> None:
    """It is an error, and the ledger keeps its files."""
    mirror = Mirror(home)
    mirror.put("a.md")
    given(home)
    as_worker(mirror.look)
    mirror.path.chmod(0)
    mirror.now += timedelta(minutes=1)
    (left,) = as_worker(mirror.look).skipped
    assert left.path == "."
    assert "give the worker rights" in left.why
    mirror.path.chmod(0o755)
    assert mirror.recorded() == ["a.md"]


def test_a_file_that_changes_while_it_is_copied(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger has the state before the copy, so the file is read again."""
    for name in ("still.md", "written.md", "gone.md", "swapped.md"):
        mirror.put(name)

    def meddled(*args: object, **options: object) -> ClaimedBatch | None:
        (mirror.path / "gone.md").rename(mirror.path / ".away")
        batch = claim(*args, **options)  # type: ignore[arg-type]
        mirror.put("written.md", "other text")
        (mirror.path / ".away").rename(mirror.path / "gone.md")
        return batch

    monkeypatch.setattr("worker.sources.in_place.claim", meddled)
    assert mirror.look().files == 3
    monkeypatch.undo()
    mirror.claimed_paths()
    mirror.look()
    assert mirror.claimed_paths() == ["gone.md", "written.md"]
    assert mirror.look() == ScanResult()


def test_a_broken_ledger_offers_all_again(mirror: Mirror) -> None:
    """It is renamed, and the tree is read as if it were new."""
    mirror.put("a.md")
    mirror.look()
    assert mirror.claimed_paths() == ["a.md"]
    (mirror.place.home / LEDGER).write_bytes(b"no ledger" * 1_000)
    mirror.look()
    assert mirror.claimed_paths() == ["a.md"]
    assert (mirror.place.home / BROKEN).exists()
    assert mirror.look() == ScanResult()


def test_a_folder_that_is_not_there(mirror: Mirror) -> None:
    """It is an error, and the folder is not created."""
    mirror.path.rmdir()
    with pytest.raises(SpoolUnavailable, match="does not exist: create or mount it"):
        mirror.look()
    assert not mirror.path.exists()


# ── how much at a time, and when ────────────────────────────────────────────────────────────


def test_a_walk_continues_where_it_stopped(tmp_path: Path) -> None:
    """Batches and their number are bounded; skipped files are found by the next whole walk."""
    mirror = Mirror(tmp_path, batch_files=2, max_waiting=2)
    for folder in ("a", "b", "b/inner", "b-c", "c"):
        for number in range(3):
            mirror.put(f"{folder}/{number}.md")
    found = mirror.look()
    assert (found.batches, found.files, found.has_more) == (2, 4, True)
    assert mirror.scan(requested=True) is None  # too many of its batches wait still
    first = mirror.claimed_paths()
    assert first[:3] == ["a/0.md", "a/1.md", "a/2.md"]
    mirror.put("a/late.md")
    seen = list(first)
    for _ in range(4):
        found = mirror.look()
        seen += mirror.claimed_paths()
        if not found.has_more:
            break
    assert sorted(seen) == sorted(set(seen))
    assert len(seen) == 15
    mirror.look()
    assert mirror.claimed_paths() == ["a/late.md"]
    assert mirror.look() == ScanResult()


def test_a_continued_walk_reads_each_folder_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finished folders are skipped."""
    mirror = Mirror(tmp_path, batch_files=1, max_waiting=1)
    for number in range(10):
        mirror.put(f"{number}/a.md")
    reads: list[bytes] = []
    known = Ledger.find

    def counted(ledger: Ledger, folder: bytes, wanted: list[bytes]) -> object:
        reads.append(folder)
        return known(ledger, folder, wanted)

    monkeypatch.setattr(Ledger, "find", counted)
    while mirror.look().has_more:
        assert len(mirror.claimed_paths()) == 1
    assert len(reads) <= 1 + 2 * 10  # the folder at which it stopped is read again


def test_batches_of_others_do_not_count(tmp_path: Path) -> None:
    """The spool is shared: what others have waiting in it holds this folder up in nothing."""
    mirror = Mirror(tmp_path, batch_files=1, max_waiting=2)
    (tmp_path / "other.md").write_text("x")
    mirror.root.prepare()
    for number in range(5):
        name = f"20211126T122604.00000{number}-a1b2c3d4-not-mirror"
        (mirror.root.work / name).mkdir()
    for number in range(3):
        mirror.put(f"{number}.md")
    assert mirror.look().batches == 2


def test_when_it_is_walked(mirror: Mirror) -> None:
    """Every `rescan_seconds`, at once by name unless the tree is large, and after the clock was set
    back."""
    for number in range(100):
        mirror.put(f"{number}.md")
    mirror.look()
    assert mirror.scan(after=59) is None
    assert mirror.scan(after=1) == ScanResult()
    assert mirror.scan(after=1, requested=True) == ScanResult()
    pause_after = 100 * SECONDS_PER_ENTRY
    assert mirror.scan(after=pause_after * 0.9, requested=True) is None
    assert mirror.scan(after=0) is None
    assert mirror.scan(after=pause_after * 0.2) == ScanResult()  # the tick does what was wished
    assert mirror.scan(after=pause_after * 1.2) is None
    assert mirror.scan(after=-1_000) == ScanResult()


def test_a_schedule_is_kept(mirror: Mirror) -> None:
    """A folder with a cron schedule is walked at its times."""
    folder = mirror.place.folder.model_copy(update={"schedule": "* * * * *"})
    mirror.place = replace(mirror.place, folder=folder)
    mirror.put("a.md")
    mirror.look()
    assert mirror.scan(after=0, requested=True) == ScanResult()


def test_two_at_once(mirror: Mirror) -> None:
    """The second scan does nothing; its hints are left to the next tick."""
    mirror.put("a.md")
    with open_ledger(mirror.place.home) as ledger:
        assert ledger is not None
        assert mirror.scan() is None
        assert not (mirror.place.home / WALK_REQUEST).exists()
        assert in_child(lambda: mirror.scan("moved:a.md")) == 0
        assert mirror.claimed_paths() == []
    assert (mirror.place.home / WALK_REQUEST).exists()
    mirror.look()
    assert mirror.claimed_paths() == ["a.md"]


def test_hints_are_followed_at_once(mirror: Mirror) -> None:
    """Only the named files are examined; known unchanged ones are not read again."""
    mirror.look()
    for name in ("sub/a.md", "sub/b.md", "c.md", "other.md"):
        mirror.put(name)
    mirror.now = datetime.fromtimestamp((mirror.path / "c.md").stat().st_ctime, UTC)
    found = mirror.scan("moved:sub/a.md", "moved:gone.md", "closed:c.md", after=0)
    assert found is not None
    assert (found.files, found.settling) == (1, 1)
    assert mirror.claimed_paths() == ["sub/a.md"]
    found = mirror.scan("closed:c.md", "moved:sub/a.md", "moved:sub", after=0.5)
    assert found is not None
    assert mirror.claimed_paths() == ["c.md"]


def test_hints_reach_nothing_outside(mirror: Mirror, tmp_path: Path) -> None:
    """A hint is a path below the folder, and never one that a walk would not take."""
    (tmp_path / "secret.md").write_text("x")
    mirror.put(".git/x.md")
    mirror.put("a.tmp")
    (mirror.path / "link").symlink_to(tmp_path)
    hints = ["moved:../secret.md", "moved:.git/x.md", "moved:a.tmp", "moved:", "x"]
    hints += ["moved:link/secret.md", f"moved:{tmp_path}/secret.md", "moved:sub//a.md"]
    assert mirror.look(*hints) == ScanResult()


def test_a_walk_needs_few_queries(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """For 2,000 files in 20 folders some queries a folder, with a page of names each."""
    for number in range(2_000):
        mirror.put(f"{number % 20}/{number}.md")
    mirror.put("large/a.md")
    for number in range(1_200):
        mirror.put(f"large/{number}.md")
    mirror.look()
    mirror.claimed_paths()
    reads: list[int] = []
    pages: list[int] = []
    ask, known = Ledger._query, Ledger.find

    def counted(ledger: Ledger, question: str, values: tuple[object, ...] = ()) -> object:
        reads.append(len(values))
        return ask(ledger, question, values)

    def paged(ledger: Ledger, folder: bytes, wanted: list[bytes]) -> object:
        pages.append(len(wanted))
        return known(ledger, folder, wanted)

    monkeypatch.setattr(Ledger, "_query", counted)
    monkeypatch.setattr(Ledger, "find", paged)
    assert mirror.look() == ScanResult()
    assert len(reads) < 3 * 22 + 15
    assert max(reads) <= 501
    assert (max(pages), sum(pages)) == (500, 3_201)
