"""New and changed files of a folder that is read in place: each change is found once."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.sources.mirror import Mirror
from worker.sources.scan_result import ScanResult
from worker.sources.walk import MAX_AHEAD_SECONDS


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path)


def test_each_change_is_seen_once(mirror: Mirror) -> None:
    """New files, another size, another time and another file under the name are each seen, once."""
    for name in ("a.md", "2021/a.md", "2021/11/新闻.md"):
        mirror.put(name)
    assert mirror.look().files == 3
    assert mirror.claimed_paths() == ["2021/11/新闻.md", "2021/a.md", "a.md"]
    assert mirror.look() == ScanResult()
    before = (mirror.path / "2021" / "a.md").stat()
    longer = mirror.put("2021/a.md", "longer text")
    os.utime(longer, ns=(before.st_mtime_ns, before.st_mtime_ns))
    assert longer.stat().st_ino == before.st_ino
    mirror.look()
    assert mirror.claimed_paths() == ["2021/a.md"]
    os.utime(mirror.path / "a.md", (1, 1))
    mirror.look()
    assert mirror.claimed_paths() == ["a.md"]
    mirror.put("new")
    os.utime(mirror.path / "new", (1, 1))
    (mirror.path / "new").rename(mirror.path / "a.md")  # as long, as old, and another file
    mirror.look()
    assert mirror.claimed_paths() == ["a.md"]
    assert mirror.look() == ScanResult()


def test_changes_of_metadata_are_ignored(mirror: Mirror) -> None:
    """Permissions, links and a touched folder."""
    path = mirror.put("sub/a.md")
    mirror.look()
    path.chmod(0o600)
    (mirror.path / "hidden").mkdir()
    os.link(path, mirror.path / "hidden" / ".a")
    assert mirror.look() == ScanResult()


def test_names_of_any_bytes(mirror: Mirror) -> None:
    """Names that are not UTF-8 are recorded and distinguished, in folders with such names, too."""
    for name in (b"\xff.md", b"\xfe.md", b"\xfd/\xff.md", b"\xfd/%';\n.md"):
        mirror.put(os.fsdecode(name))
    assert mirror.look().files == 4
    assert os.fsdecode(b"\xfd/\xff.md") in mirror.claimed_paths()
    assert mirror.look() == ScanResult()
    (mirror.path / os.fsdecode(b"\xfe.md")).write_text("other text")
    mirror.look()
    assert mirror.claimed_paths() == [os.fsdecode(b"\xfe.md")]


def test_a_file_moved_within_the_tree(mirror: Mirror) -> None:
    """Under its new path it is seen, once; the old one is forgotten, with its folder."""
    mirror.put("old/a.md")
    mirror.put("stays.md")
    mirror.look()
    mirror.claimed_paths()
    (mirror.path / "old").rename(mirror.path / "new")
    mirror.look()
    assert mirror.claimed_paths() == ["new/a.md"]
    assert mirror.recorded() == ["stays.md", "new/a.md"]
    assert mirror.look() == ScanResult()


@pytest.mark.parametrize("gone", ["deep/sub/a.md", "deep/sub", "deep"])
def test_a_file_that_returns_is_new(mirror: Mirror, gone: str, tmp_path: Path) -> None:
    """After a walk that did not find it, also with its folder."""
    mirror.put("deep/sub/a.md")
    mirror.put("deep/sub/b.md")
    mirror.put("stays.md")
    mirror.look()
    came = [name for name in mirror.claimed_paths() if name.startswith(gone)]
    (mirror.path / gone).rename(tmp_path / "away")
    assert mirror.look() == ScanResult()
    assert [name for name in mirror.recorded() if name.startswith(gone)] == []
    (tmp_path / "away").rename(mirror.path / gone)
    mirror.look()
    assert mirror.claimed_paths() == came
    assert mirror.look() == ScanResult()


def test_a_folder_that_became_a_link(mirror: Mirror, tmp_path: Path) -> None:
    """Its files are removed from the ledger, and new when the folder is back."""
    mirror.put("one/two/a.md")
    mirror.put("stays.md")
    mirror.look()
    mirror.claimed_paths()
    (mirror.path / "one").rename(tmp_path / "away")
    (mirror.path / "one").symlink_to(tmp_path / "away")
    (tmp_path / "away" / "two" / "b.md").write_text("text")
    assert mirror.look("moved:one/two/b.md").files == 0
    assert [left.path for left in mirror.look().skipped] == ["one"]
    assert mirror.recorded() == ["stays.md"]


def test_an_empty_folder_is_a_mount_that_is_unavailable(mirror: Mirror, tmp_path: Path) -> None:
    """Where nothing at all is found, the ledger keeps its files."""
    mirror.put("a.md")
    mirror.put("sub/b.md")
    mirror.look()
    mirror.claimed_paths()
    mirror.path.rename(tmp_path / "away")
    mirror.path.mkdir()
    assert mirror.look() == ScanResult()
    mirror.path.rmdir()
    (tmp_path / "away").rename(mirror.path)
    assert mirror.look() == ScanResult()


def test_which_files_count(mirror: Mirror, tmp_path: Path) -> None:
    """Names and patterns as in a drop folder; `.git` is not read, links are not followed."""
    folder = mirror.place.folder.model_copy(update={"pattern": "*.md"})
    mirror.place = replace(mirror.place, folder=folder)
    for name in (".git/objects/a.md", ".hidden.md", "a.md.tmp", "b.md~", "c.txt", "sub/d.md"):
        mirror.put(name)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "e.md").write_text("x")
    (mirror.path / "linked.md").symlink_to(tmp_path / "outside" / "e.md")
    (mirror.path / "linked").symlink_to(tmp_path / "outside")
    os.mkfifo(mirror.path / "fifo.md")
    mirror.put("large.md", "x" * 1_001)
    found = mirror.look()
    assert mirror.claimed_paths() == ["sub/d.md"]
    reasons = {left.path: left.why for left in found.skipped}
    assert set(reasons) == {"linked.md", "fifo.md", "large.md"}
    assert "no regular file" in reasons["linked.md"]
    assert "limits.file_mb" in reasons["large.md"]


def test_a_file_being_written_is_waited_for(tmp_path: Path) -> None:
    """It is copied after the settle time, by a walk that follows soon."""
    mirror = Mirror(tmp_path, settle=10)
    path = mirror.put("a.md")
    mirror.now = datetime.fromtimestamp(path.stat().st_ctime, UTC)
    assert mirror.scan(after=5) == ScanResult(settling=1)
    assert mirror.scan(after=4) == ScanResult(settling=1)  # not only after rescan_seconds
    found = mirror.scan(after=2)
    assert found is not None
    assert found.files == 1
    assert mirror.scan(after=5) is None


def test_clocks_that_differ(tmp_path: Path) -> None:
    """A file stamped a little ahead of our clock is waited for; one of a far future is not."""
    mirror = Mirror(tmp_path)
    path = mirror.put("a.md")
    stamped = datetime.fromtimestamp(path.stat().st_ctime, UTC)
    mirror.now = stamped - timedelta(seconds=MAX_AHEAD_SECONDS - 1)
    assert mirror.scan(after=0) == ScanResult(settling=1)
    mirror.now = stamped - timedelta(seconds=MAX_AHEAD_SECONDS + 1)
    found = mirror.scan(after=0, requested=True)
    assert found is not None
    assert found.files == 1
