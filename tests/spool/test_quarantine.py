"""The quarantine: refused inputs with their reasons, whatever kind of file they are."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.errors import Reason
from worker.spool.quarantine import Quarantine, QuarantineItem

NOBODY = 65534
ID = "20211126T122604.000001-a1b2c3d4-drop-0"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every user may reach (pytest's own is only its user's)."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


def refused(reason: Reason) -> QuarantineItem:
    return QuarantineItem(
        ID, "drop", "x.md", reason, "why", ID[:-2], 0, None, 4, "2021-11-26T12:26:04Z"
    )


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_what_is_no_regular_file_is_kept_empty(kind: str, tmp_path: Path) -> None:
    """Readers of `raw` neither wait nor follow a link."""
    entry = tmp_path / "0"
    if kind == "fifo":
        os.mkfifo(entry)
    elif kind == "link":
        entry.symlink_to("/etc/hostname")
    else:
        entry.mkdir()
    quarantine = Quarantine(tmp_path / "state")
    quarantine.put(refused(Reason.NOT_A_FILE), entry)
    raw = quarantine.raw_path(ID)
    assert raw.is_file()
    assert not raw.is_symlink()
    assert raw.read_bytes() == b""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another's file")
def test_another_users_unreadable_file(home: Path) -> None:
    """It can be neither read nor linked, is moved, and does not block its batch."""
    batch = home / "batch"
    batch.mkdir()
    os.chown(batch, NOBODY, NOBODY)
    entry = batch / "0"
    entry.write_bytes(b"text")
    entry.chmod(0o600)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            Quarantine(home / "state").put(refused(Reason.UNREADABLE), entry)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    quarantine = Quarantine(home / "state")
    assert quarantine.raw_path(ID).read_bytes() == b"text"
    assert quarantine.get(ID).reason is Reason.UNREADABLE
    assert [path.name for path in batch.iterdir()] == ["0"], "the batch still counts it"
