"""Folders and files that the worker may not use: each is left alone and told, none blocks others.

Root may do everything, so these run as another user, in a process of their own.
"""

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sources.test_folder import Drop
from worker.sources.scan_result import ScanResult

NOBODY = 65534


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every user may reach (pytest's own is only its user's)."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    for folder in path.rglob("*"):
        if folder.is_dir() and not folder.is_symlink():
            folder.chmod(0o755)
    shutil.rmtree(path)


@pytest.fixture
def drop(home: Path) -> Drop:
    """A drop folder that belongs to the worker, in it one file as any other."""
    drop = Drop(home / "drop")
    drop.put("good.md")
    return drop


def given(home: Path) -> None:
    """Everything there belongs to the user that :func:`as_worker` runs as."""
    if os.geteuid() == 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def as_worker(action: Callable[[], ScanResult]) -> ScanResult:
    """`action`'s result as a user without privileges."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(write, pickle.dumps(action()))
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        data = answer.read()
    os.waitpid(child, 0)
    assert data, "the scan raised"
    scan: ScanResult = pickle.loads(data)
    return scan


@pytest.mark.parametrize("mode", [0o444, 0o555, 0o333, 0o000])
def test_a_folder_without_rights(mode: int, drop: Drop, home: Path) -> None:
    """A subfolder that may not be listed, searched or changed is listed; others are scanned."""
    drop.put("bad/a.md")
    drop.put("zgood.md")
    (drop.path / "bad").chmod(mode)
    given(home)
    found = as_worker(drop.scan)
    assert drop.claimed_paths() == {"good.md", "zgood.md"}
    (left,) = found.skipped
    assert left.path.startswith("bad")
    assert "give the worker rights" in left.why


def test_a_file_named_by_an_event_without_rights(drop: Drop, home: Path) -> None:
    """It does not prevent the other files of its message from being claimed."""
    drop.put("bad/a.md")
    (drop.path / "bad").chmod(0o555)
    given(home)
    found = as_worker(lambda: drop.scan("moved:bad/a.md", "moved:good.md"))
    assert found.files == 1
    assert (drop.path / "bad/a.md").exists()
    assert [left.path for left in found.skipped] == ["bad/a.md"]


def test_a_folder_swapped_for_a_link(drop: Drop, home: Path) -> None:
    """A hint is not followed through a link in place of a folder."""
    (home / "outside").mkdir()
    (home / "outside" / "a.md").write_text("text")
    (drop.path / "sub").symlink_to(home / "outside")
    assert drop.scan("moved:sub/a.md").files == 0
    assert (home / "outside" / "a.md").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another's file")
def test_another_users_file_in_a_sticky_folder(drop: Drop, home: Path) -> None:
    """In a folder such as /tmp they are listed, not claimed."""
    drop.put("shared/a.md")
    shared = drop.path / "shared"
    given(home)
    os.chown(shared, 1, 1)
    os.chown(shared / "a.md", 1, 1)
    shared.chmod(0o1777)
    (shared / "a.md").chmod(0o644)
    found = as_worker(drop.scan)
    assert drop.claimed_paths() == {"good.md"}
    assert [left.path for left in found.skipped] == ["shared/a.md"]
