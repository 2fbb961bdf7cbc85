"""A folder that is read in place, for the tests: a tree, its ledger and a spool."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from worker.settings import Folder, SpoolSettings
from worker.sources.folder import Scan
from worker.sources.in_place import Place, scan_in_place
from worker.sources.ledger import held
from worker.spool import manifest
from worker.spool.batch import batch_names
from worker.spool.claim import AcceptedLog, Claimed
from worker.spool.layout import Root

START = datetime(2036, 11, 26, tzinfo=UTC)
"""Later than every file of these tests was written: by this clock all have been quiet."""


def listing(top: Path) -> list[tuple[object, ...]]:
    """All that shows whether anything in a tree was written, moved or made."""
    found = []
    for path in (top, *sorted(top.rglob("*"))):
        told = path.lstat()
        found.append(
            (path, told.st_ino, told.st_mode, told.st_nlink, told.st_mtime_ns, told.st_ctime_ns)
        )
    return found  # fmt: skip


class Mirror:
    """A tree and its ledger. Each look is a minute after the last, so that it may be walked."""

    def __init__(self, path: Path, settle: float = 2.0, **spool: int) -> None:
        self.path = path / "mirror"
        self.path.mkdir()
        folder = Folder(
            name="mirror", path=self.path, mode="in-place", settle_without_event_seconds=settle
        )
        root, notes = Root(path / "state" / "spool", None), path / "state" / "notes"
        self.place = Place(folder, root, notes, SpoolSettings(**spool), largest=1_000)
        self.now = START
        self.claimed: list[Claimed] = []

    def put(self, name: str, text: str = "text") -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def scan(self, *hints: str, asked: bool = False, after: float = 60) -> Scan | None:
        self.now += timedelta(seconds=after)
        return scan_in_place(
            self.place,
            AcceptedLog(self.place.home.parent),
            now=self.now,
            job=None,
            claimed=self.claimed.append,
            hints=hints,
            asked=asked,
        )

    def look(self, *hints: str) -> Scan:
        found = self.scan(*hints)
        assert found is not None
        return found

    def taken(self) -> list[str]:
        """The paths of what was copied since the last time; the batches are done with then."""
        found = []
        for name in batch_names(self.place.root):
            found += [one.path for one in manifest.load(self.place.root.work / name).entries]
            shutil.rmtree(self.place.root.work / name)
        return sorted(found)

    def noted(self) -> list[str]:
        with held(self.place.home) as ledger:
            assert ledger is not None
            folders = [
                (folder, page) for folder in ledger.folders() for page in ledger.names(folder)
            ]
            return [os.fsdecode(b"%s/%s" % (f, n)).lstrip("/") for f, page in folders for n in page]
