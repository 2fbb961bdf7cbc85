"""Drop folders: ready files are claimed, others wait or are skipped."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from worker.errors import SpoolUnavailable
from worker.settings import Folder, SpoolSettings
from worker.sources import folder
from worker.sources.folder import scan
from worker.sources.scan_result import ScanRequest, ScanResult
from worker.sources.walk import is_ignored, is_wanted
from worker.spool import manifest
from worker.spool.batch import batch_names
from worker.spool.claim import AcceptedLog, ClaimedBatch
from worker.spool.layout import Root

NOW = datetime(2021, 11, 26, tzinfo=UTC)


class Drop:
    """A drop folder with its spool; `settle` is how long files must be quiet, in seconds."""

    def __init__(self, path: Path, settle: float = 0.0, **spool: int) -> None:
        self.path = path
        self.path.mkdir()
        self.folder = Folder(name="drop", path=path, settle_without_event_seconds=settle)
        self.root = Root(path / ".newsdrop", "drop")
        self.limits = SpoolSettings(**spool)
        self.claimed: list[ClaimedBatch] = []

    def put(self, name: str, text: str = "text") -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def scan(self, *events: str) -> ScanResult:
        accepted, on_claimed = AcceptedLog(self.path.parent / "state"), self.claimed.append
        request = ScanRequest(self.root, self.limits, accepted, NOW, None, on_claimed, events)
        return scan(self.folder, request)

    def claimed_paths(self) -> set[str]:
        return {
            entry.path
            for name in batch_names(self.root)
            for entry in manifest.load(self.root.work / name).entries
        }


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path / "drop")


def test_files_of_all_subfolders_are_claimed(drop: Drop) -> None:
    """Each with its path; a second scan finds nothing."""
    for name in ("a.md", "2021/a.md", "2021/11/新闻.md"):
        drop.put(name)
    assert drop.scan().files == 3
    assert drop.claimed_paths() == {"a.md", "2021/a.md", "2021/11/新闻.md"}
    assert drop.scan().files == 0
    assert (drop.path / "2021" / "11").is_dir()


@pytest.mark.parametrize(
    "name",
    [
        ".a.md",
        "a.tmp",
        "a.md.part",
        "a.md.1f2e.partial",
        "a.md.filepart",
        "a.CRDOWNLOAD",
        ".a.md.swp",
        "a.md~",
        ".DS_Store",
        "Thumbs.db",
    ],
)
def test_what_is_unfinished_is_ignored(drop: Drop, name: str) -> None:
    """Dot files, temporary files of browsers and editors, and desktop litter are not articles."""
    drop.put(name)
    drop.put(f".hidden/{name}")
    assert drop.scan() == ScanResult()


def test_patterns() -> None:
    """As a shell's; several are separated by commas."""
    assert is_wanted("a.md", "*.md, *.html")
    assert is_wanted("a.html", "*.md, *.html")
    assert not is_wanted("a.txt", "*.md, *.html")
    assert not is_wanted(".a.md", "*")
    assert not is_ignored("tmp")


def test_a_file_still_written_is_waited_for(tmp_path: Path) -> None:
    """It is claimed after the settle time without changes, whatever its mtime is."""
    drop = Drop(tmp_path / "drop", settle=0.5)
    path = drop.put("a.md", "begin")
    os.utime(path, (1, 1))  # an old mtime, as `cp -p` and rsync give, is not a sign of quiet
    assert drop.scan().settling == 1
    time.sleep(0.3)
    with path.open("a") as file:
        file.write(" end")
    time.sleep(0.3)
    assert drop.scan().files == 0
    time.sleep(0.4)
    assert drop.scan().files == 1


def test_events_make_files_ready_sooner(tmp_path: Path) -> None:
    """`moved:` at once, `closed:` after the shorter settle time, if the file confirms it."""
    drop = Drop(tmp_path / "drop", settle=60)
    drop.put("moved.md")
    drop.put("closed.md")
    assert drop.scan().files == 0
    assert drop.scan("moved:moved.md", "closed:closed.md", "moved:gone.md").files == 1
    time.sleep(0.4)
    assert drop.scan("closed:closed.md").files == 1


def test_hints_reach_nothing_outside(drop: Drop, tmp_path: Path) -> None:
    """A hint is a path below the folder, and never one that the walk would not take."""
    (tmp_path / "secret.md").write_text("x")
    drop.put(".newsdrop/work/x.md")
    drop.put("a.tmp")
    hints = ["moved:../secret.md", "moved:.newsdrop/work/x.md", "moved:a.tmp", "moved:", "x"]
    assert drop.scan(*hints).files == 0


def test_what_is_no_regular_file_is_skipped_and_listed(drop: Drop, tmp_path: Path) -> None:
    """Links, FIFOs and unreadable files stay, listed with escaped reasons; folders are walked."""
    (tmp_path / "secret.md").write_text("x")
    (drop.path / "link.md").symlink_to(tmp_path / "secret.md")
    (drop.path / "loop").symlink_to(drop.path)
    os.mkfifo(drop.path / "fifo\n.md")
    drop.put("x.md/inner.md")
    found = drop.scan()
    assert drop.claimed_paths() == {"x.md/inner.md"}
    reasons = {left.path: left.why for left in found.skipped}
    assert set(reasons) == {"link.md", "loop", "fifo\\n.md"}
    assert "symbolic link" in reasons["link.md"]
    assert found.skipped_count == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_skipped(drop: Drop) -> None:
    """A file without read permission is listed."""
    drop.put("a.md").chmod(0)
    assert drop.scan().skipped[0].why.startswith("the worker may not read it")


def test_batches_are_bounded(tmp_path: Path) -> None:
    """A batch is full by number or bytes, and beyond so many waiting files stay in the folder."""
    drop = Drop(tmp_path / "drop", batch_files=2, max_waiting=3)
    for number in range(9):
        drop.put(f"{number}.md")
    found = drop.scan()
    assert (found.batches, found.files, found.has_more) == (3, 6, True)
    assert [one.files for one in drop.claimed] == [2, 2, 2]
    assert drop.scan().has_more
    by_bytes = Drop(tmp_path / "other", batch_bytes=10)
    for number in range(4):
        by_bytes.put(f"{number}.md", "x" * 6)
    assert by_bytes.scan().batches == 2


def test_a_folder_that_is_gone(drop: Drop) -> None:
    """It is an error, and the folder is not created below a lost mount."""
    drop.path.rmdir()
    with pytest.raises(SpoolUnavailable, match="create or mount it"):
        drop.scan()
    assert not drop.path.exists()


def test_a_file_of_a_clock_that_was_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is claimed after two scans that found it unchanged, the settle time apart."""
    drop = Drop(tmp_path / "drop", settle=10)
    path, other = drop.put("新闻.md"), drop.put("renamed.md")
    right = path.stat().st_ctime - 8 * 3600

    def look(passed: float, *events: str) -> ScanResult:
        monkeypatch.setattr(folder, "file_system_time", lambda _: right + passed)
        return drop.scan(*events)

    assert look(0).settling == 2
    assert look(5, "moved:renamed.md").files == 1, "a rename still is ready at once"
    assert not other.exists()
    path.write_text("more")
    assert look(11) == ScanResult(settling=1)
    assert look(19) == ScanResult(settling=1)
    assert look(22).files == 1
    look(23)
    assert not (drop.root.path / "ahead.json").exists()
