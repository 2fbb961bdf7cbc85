"""A folder that is read in place, for the tests: a tree, its ledger and a spool."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from worker.settings import Folder, SpoolSettings
from worker.sources.in_place import InPlaceFolder, scan_in_place
from worker.sources.ledger import open_ledger
from worker.sources.scan_result import ScanRequest, ScanResult
from worker.spool import manifest
from worker.spool.batch import batch_names
from worker.spool.claim import AcceptedLog, ClaimedBatch
from worker.spool.layout import Root

START = datetime(2036, 11, 26, tzinfo=UTC)
"""Later than every file of these tests was written: by this clock all have been quiet."""


def listing(top: Path) -> list[tuple[object, ...]]:
    """All that shows whether anything in a tree was written, moved or made."""
    found = []
    for path in (top, *sorted(top.rglob("*"))):
        status = path.lstat()
        times = status.st_mtime_ns, status.st_ctime_ns
        found.append((path, status.st_ino, status.st_mode, status.st_nlink, *times))
    return found


class Mirror:
    """A tree and its ledger. Each scan is a minute after the last, so that it may be walked."""

    def __init__(self, path: Path, settle: float = 2.0, **spool: int) -> None:
        self.path = path / "mirror"
        self.path.mkdir()
        folder = Folder(
            name="mirror", path=self.path, mode="in-place", settle_without_event_seconds=settle
        )
        self.root = Root(path / "state" / "spool", None)
        self.place = InPlaceFolder(folder, path / "state" / "notes", max_bytes=1_000)
        self.limits = SpoolSettings(**spool)
        self.now = START
        self.claimed: list[ClaimedBatch] = []

    def put(self, name: str, text: str = "text") -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def scan(self, *events: str, requested: bool = False, after: float = 60) -> ScanResult | None:
        self.now += timedelta(seconds=after)
        accepted, on_claimed = AcceptedLog(self.place.home.parent), self.claimed.append
        request = ScanRequest(self.root, self.limits, accepted, self.now, None, on_claimed, events)
        return scan_in_place(self.place, request, is_requested=requested)

    def look(self, *events: str) -> ScanResult:
        found = self.scan(*events)
        assert found is not None
        return found

    def claimed_paths(self) -> list[str]:
        """The paths that were copied since the last call; their batches are finished."""
        found = []
        for name in batch_names(self.root):
            found += [one.path for one in manifest.load(self.root.work / name).entries]
            shutil.rmtree(self.root.work / name)
        return sorted(found)

    def recorded(self) -> list[str]:
        with open_ledger(self.place.home) as ledger:
            assert ledger is not None
            folders = [
                (folder, page) for folder in ledger.folders() for page in ledger.file_names(folder)
            ]
            return [os.fsdecode(b"%s/%s" % (f, n)).lstrip("/") for f, page in folders for n in page]
