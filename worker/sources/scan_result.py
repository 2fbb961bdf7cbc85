"""The common part of the scans of drop folders and of folders read in place."""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from worker.escape import printable
from worker.model.from_json import dataclass_from
from worker.settings import SpoolSettings
from worker.spool.claim import AcceptedLog, ClaimedBatch, batched
from worker.spool.layout import Root, write_durably
from worker.spool.manifest import Head

T = TypeVar("T")

_MAX_LISTED = 100
"""Skipped files that are listed by name; more are only counted."""

_SKIPPED_LIST = "left.json"
_SCAN_LOG = "scans"
_MAX_SCANS = 50
_MAX_LOG_BYTES = 32_000
"""Then only the last scans are written again; 50 of them have about 5,000 bytes."""


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """Claim into `root`; `on_claimed` receives each batch. With `events` (`moved:PATH` or
    `closed:PATH`, below the folder) only these files are examined."""

    root: Root
    limits: SpoolSettings
    accepted: AcceptedLog
    now: datetime
    job: str | None
    on_claimed: Callable[[ClaimedBatch], None]
    events: Sequence[str] = ()

    def head(self, source: str) -> Head:
        return Head.new(source, "folder", self.now, self.job)


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that will not be claimed as it is, and why. `path` is escaped."""

    path: str
    why: str


@dataclass(slots=True)
class ScanResult:
    """`has_more`: the scan stopped at the limit of waiting batches."""

    batches: int = 0
    files: int = 0
    size: int = 0
    settling: int = 0
    has_more: bool = False
    skipped: list[SkippedFile] = field(default_factory=list)
    skipped_count: int = 0

    def skip(self, path: str, why: str) -> None:
        self.skipped_count += 1
        if len(self.skipped) < _MAX_LISTED:
            self.skipped.append(SkippedFile(printable(path), why))

    def claim_all(
        self,
        files: Generator[T],
        limits: SpoolSettings,
        *,
        size_of: Callable[[T], int],
        claim: Callable[[Sequence[T]], ClaimedBatch | None],
        has_room: Callable[[], bool],
    ) -> None:
        """Claim `files` in batches, until no more batches may wait."""
        with closing(files):
            for batch in batched(
                files, size_of=size_of, max_count=limits.batch_files, max_bytes=limits.batch_bytes
            ):
                if (claimed := claim(batch)) is not None:
                    self.batches += 1
                    self.files += claimed.files
                    self.size += sum(map(size_of, batch))
                if not has_room():
                    self.has_more = True
                    return


@dataclass(frozen=True, slots=True)
class ScanLogEntry:
    """A scan that claimed files, began at `at` (RFC 3339, UTC)."""

    at: str
    files: int
    batches: int
    size: int
    took_seconds: float


def log_scan(notes: Path, scan: ScanLogEntry) -> None:
    """Add a scan to the log of its source. Raises OSError."""
    path = notes / _SCAN_LOG
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(scan)) + "\n")
        is_long = file.tell() > _MAX_LOG_BYTES
    if is_long:
        lines = path.read_text("utf-8").splitlines(keepends=True)
        write_durably(path, "".join(lines[-_MAX_SCANS:]).encode())


def load_scans(notes: Path) -> tuple[ScanLogEntry, ...]:
    """The last scans that claimed files, at most 50, newest first; none where nothing (readable)
    was saved."""
    try:
        lines = (notes / _SCAN_LOG).read_text("utf-8").splitlines()[-_MAX_SCANS:]
        return tuple(dataclass_from(ScanLogEntry, json.loads(line)) for line in reversed(lines))
    except (OSError, ValueError, TypeError):
        return ()


def save_skipped(notes: Path, result: ScanResult) -> None:
    """Save for `status` what a scan of a whole folder skipped. Raises OSError."""
    path = notes / _SKIPPED_LIST
    if result.skipped_count:
        files = [asdict(file) for file in result.skipped]
        write_durably(path, json.dumps({"count": result.skipped_count, "files": files}).encode())
    else:
        path.unlink(missing_ok=True)


def load_skipped(notes: Path) -> tuple[tuple[SkippedFile, ...], int]:
    """The listed files, and how many were skipped; none where nothing (readable) was saved."""
    try:
        saved = json.loads((notes / _SKIPPED_LIST).read_text("utf-8"))
        files = tuple(SkippedFile(str(file["path"]), str(file["why"])) for file in saved["files"])
        return files, int(saved["count"])
    except (OSError, ValueError, KeyError, TypeError):
        return (), 0
