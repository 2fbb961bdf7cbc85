"""A file that cannot be moved or read is skipped and listed; the others are not delayed."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tests.mounts import bound
from tests.sources.mirror import Mirror
from tests.sources.test_folder import Drop
from worker.spool import transfer
from worker.spool.batch import batch_names
from worker.spool.claim import AcceptedLog


def remaining(drop: Drop) -> set[str]:
    return {path.name for path in drop.path.glob("*.md")}


def accepted(drop: Drop) -> list[tuple[str, int]]:
    return list(AcceptedLog(drop.path.parent / "state"))


def test_a_bound(tmp_path: Path) -> None:
    """It is listed with the reason (EBUSY), others are claimed; alone, it makes no batch."""
    drop = Drop(tmp_path / "drop")
    for name in ("a.md", "b.md", "c.md"):
        drop.put(name)
    with bound(drop.path / "b.md"):
        found = drop.scan()
        assert (found.files, {"a.md", "b.md", "c.md"} - remaining(drop)) == (2, {"a.md", "c.md"})
        assert [(left.path, "busy" in left.why) for left in found.skipped] == [("b.md", True)]
        before = batch_names(drop.root), accepted(drop)
        for _ in range(3):
            assert (drop.scan().files, drop.scan().skipped_count) == (0, 1)
        assert (batch_names(drop.root), accepted(drop)) == before
        assert list(drop.root.staging.iterdir()) == []
    assert drop.scan().files == 1


@pytest.mark.parametrize("code", ["EBUSY", "ETXTBSY", "EIO", "ESTALE", "EPERM", "EXDEV"])
def test_a_file_that_cannot_be_renamed(
    tmp_path: Path, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the reason. Across file systems it is copied, and stays if it cannot be removed."""
    drop, rename, unlink = Drop(tmp_path / "drop"), os.rename, os.unlink
    for name in ("a.md", "b.md", "c.md"):
        drop.put(name)

    def fail(call: Any, code: str) -> Any:
        def failing(path: Any, *args: Any, **options: Any) -> None:
            if path == "b.md":
                raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)))
            call(path, *args, **options)

        return failing

    monkeypatch.setattr(transfer.os, "rename", fail(rename, code))
    monkeypatch.setattr(transfer.os, "unlink", fail(unlink, "EBUSY"))
    found = drop.scan()
    assert (found.files, {"a.md", "b.md", "c.md"} - remaining(drop)) == (2, {"a.md", "c.md"})
    assert [left.path for left in found.skipped] == ["b.md"]
    before = batch_names(drop.root), accepted(drop)
    assert (drop.scan().files, drop.scan().skipped_count) == (0, 1)
    assert (batch_names(drop.root), accepted(drop)) == before
    assert (drop.path / "b.md").exists()


def test_a_disk_that_is_full_leaves_no_empty_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No rename can succeed: the scan fails as a whole and is repeated later."""
    drop = Drop(tmp_path / "drop")
    drop.put("a.md")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(transfer.os, "rename", full)
        with pytest.raises(Exception, match="cannot be used"):
            drop.scan()
    assert batch_names(drop.root) == []
    assert drop.scan().files == 1


def test_a_file_that_cannot_be_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a folder read in place: a bad sector in one file keeps no other from being copied."""
    mirror, read_all = Mirror(tmp_path), transfer.read_all
    for name in ("a.md", "b.md", "c.md"):
        mirror.put(name, "bad" if name == "b.md" else "good text")

    def failing(fd: int, size: int) -> bytes:
        if size == 3:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read_all(fd, size)

    monkeypatch.setattr(transfer, "read_all", failing)
    found = mirror.look()
    assert (found.files, [left.path for left in found.skipped]) == (2, ["b.md"])
    assert mirror.claimed_paths() == ["a.md", "c.md"]
    assert (mirror.look().files, mirror.claimed_paths()) == (0, [])
    monkeypatch.undo()
    mirror.look()
    assert mirror.claimed_paths() == ["b.md"]
