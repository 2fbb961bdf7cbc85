"""A folder is tried before it is trusted: can it be written, and do its locks hold anybody off?"""

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Server
from tests.world import World, article
from worker.errors import SpoolUnavailable
from worker.spool.batch import acquire, batch_names
from worker.spool.filesystem import FsDefect, check_free, probe_fs


def test_a_good_folder_lacks_nothing(tmp_path: Path) -> None:
    """It is written and locked, and nothing is left in it."""
    assert probe_fs(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written() -> None:
    """Not even by root: the message has its name and does not mention locks."""
    found = probe_fs(Path("/proc/sys"))
    assert found is not None
    assert found.message.startswith("/proc/sys cannot be written: ")
    assert not found.is_lock_failure


def test_a_folder_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system may refuse locks, or grant them to everybody: each has its message."""

    def refuses(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuses)
    assert probe_fs(tmp_path) == FsDefect(
        f"{tmp_path} allows no locks: No locks available", is_lock_failure=True
    )
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    expected = f"{tmp_path} allows no locks: they exclude no other process"
    assert probe_fs(tmp_path) == FsDefect(expected, is_lock_failure=True)
    assert list(tmp_path.iterdir()) == []


def test_a_batch_that_cannot_be_locked_is_an_error(
    tmp_path: Path, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it would wait forever without a message."""
    world = World(tmp_path / "state", redis_server.url)
    world.put("a.md", article())
    world.scan()
    [root] = [root for root in world.context.roots if batch_names(root)]
    [name] = batch_names(root)

    def refuses(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", refuses)
        with pytest.raises(SpoolUnavailable, match="No locks available"):
            acquire(root, name)
    assert len(os.listdir("/proc/self/fd")) == before
    batch = acquire(root, name)
    assert batch is not None
    batch.__exit__()


def test_a_disk_without_inodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Space alone does not help: no file can be made there. Some file systems have no such limit
    and count none."""
    disk = list(os.statvfs(tmp_path))

    def statvfs(_: Path) -> os.statvfs_result:
        return os.statvfs_result(disk)

    monkeypatch.setattr(os, "statvfs", statvfs)
    disk[5:8] = [0, 0, 0]
    check_free(tmp_path, 0)
    disk[5:8] = [100_000, 999, 999]
    with pytest.raises(SpoolUnavailable, match="only 999 inodes are free at"):
        check_free(tmp_path, 0)
