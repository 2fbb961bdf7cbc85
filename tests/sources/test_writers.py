"""A file that a process still holds open for writing is not ready, however quiet it is."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.sources.mirror import Mirror
from tests.sources.test_folder import Drop
from tests.world import in_child
from worker.sources import walk
from worker.sources.walk import has_writer

SETTLE = 0.3

WRITER = """
import sys
with open(sys.argv[1], "a") as file:
    file.write("begin"), file.flush(), print(flush=True), sys.stdin.read()
"""


@contextmanager
def writer(path: Path) -> Iterator[None]:
    """Another process that began a file and holds it open; quiet for longer than it must settle."""
    command = [sys.executable, "-c", WRITER, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(SETTLE + 0.2)
        yield
        process.stdin.close()


@pytest.fixture(autouse=True)
def _needs_leases(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "lease", os.O_RDONLY | os.O_CREAT)
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        pytest.skip("this file system has no leases")
    finally:
        os.close(fd)


def test_a_drop_folder(tmp_path: Path) -> None:
    """It is waited for until the writer closes it; by a tick, and after a `closed:` event."""
    drop = Drop(tmp_path / "drop", settle=SETTLE)
    with writer(drop.path / "a.md"):
        assert (drop.scan().files, drop.scan().settling) == (0, 1)
        assert drop.scan("closed:a.md").settling == 1
    assert drop.scan().files == 1


def test_a_file_renamed_in_is_not_checked_for_writers(tmp_path: Path) -> None:
    """Some writers keep it open for a moment longer."""
    drop = Drop(tmp_path / "drop", settle=SETTLE)
    with writer(drop.path / "a.md"):
        assert drop.scan("moved:a.md").files == 1


def test_a_folder_read_in_place(tmp_path: Path) -> None:
    """The same, by the clock of this machine."""
    mirror = Mirror(tmp_path, settle=SETTLE)
    with writer(mirror.path / "a.md"):
        mirror.now = datetime.now(UTC)
        found = mirror.scan(after=0)
        assert found is not None
        assert (found.files, found.settling) == (0, 1)
    found = mirror.scan(after=1)
    assert found is not None
    assert found.files == 1


def test_it_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A writer that holds a file open and writes nothing for ten minutes has forgotten it."""
    drop = Drop(tmp_path / "drop", settle=SETTLE)
    monkeypatch.setattr(walk, "MAX_WRITER_SECONDS", 0.1)
    with writer(drop.path / "a.md"):
        assert drop.scan().files == 1
    assert "holds it open" in caplog.text


@pytest.mark.parametrize("code", [errno.EACCES, errno.EINVAL, errno.ENOTSUP])
def test_without_a_lease_the_settle_time_decides(
    tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user's file, a network file system."""
    real = fcntl.fcntl

    def refuse(fd: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETLEASE:
            raise OSError(code, os.strerror(code))
        return real(fd, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    drop = Drop(tmp_path / "drop", settle=SETTLE)
    with writer(drop.path / "a.md"):
        assert drop.scan().files == 1


def test_a_writer_that_breaks_the_lease(tmp_path: Path) -> None:
    """The kernel's signal ends no process."""
    path = tmp_path / "a.md"
    path.touch()
    folder = os.open(tmp_path, os.O_PATH)
    child = os.fork()
    if child == 0:
        while True:
            with path.open("a"):
                pass
    try:

        def ask() -> None:
            end = time.monotonic() + 1
            while time.monotonic() < end:
                has_writer("a.md", folder)

        assert in_child(ask) == 0
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(folder)
