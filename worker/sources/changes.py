"""New and changed files of a folder that is read in place: those that the ledger does not have.

Names are looked up in the ledger a page at a time. Nothing is moved, written or copied here; files
that are gone are removed from the ledger.
"""

import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from worker.formats.warc_framing import has_warc_name
from worker.settings.flock import closing_fd
from worker.sources.ledger import Ledger, SeenFile, Stamp
from worker.sources.scan_result import ScanResult
from worker.sources.walk import WalkedFile, Walker
from worker.spool.claim import batched
from worker.spool.layout import READ_REGULAR
from worker.spool.transfer import Candidate

_PAGE = 500


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that is new or changed and ready, and its state when it was examined."""

    candidate: Candidate
    seen: SeenFile
    ctime_ns: int

    def is_unchanged(self) -> bool:
        """False if it was written, replaced or removed since then."""
        try:
            status = os.lstat(self.candidate.location)
        except OSError:
            return False
        return Stamp.of(status) == self.seen.stamp and status.st_ctime_ns == self.ctime_ns


@dataclass(slots=True)
class ChangeFinder:
    """Finds changed files. `clock` is this machine's (Unix seconds): a folder that may not be
    written does not tell its own. Files of more than `max_bytes` are skipped, but for WARCs."""

    walker: Walker
    ledger: Ledger
    result: ScanResult
    clock: float
    max_bytes: int

    def walk(self, start: str) -> Generator[ChangedFile]:
        """The changed files of the folder `start` and of all after it.

        An empty top folder does not mean that all files are gone: a missing mount looks like that.
        """
        for folder, files in self.walker.walk(start):
            key = os.fsencode(folder)
            recorded = self.ledger.count(key)
            count = yield from self._changed(folder, files)
            if count < recorded and self.walker.entry_count:
                for names in self.ledger.file_names(key):
                    missing = [n for n in names if not self.walker.has_file(folder, os.fsdecode(n))]
                    self.ledger.remove(key, missing)
        if self.walker.entry_count:
            for key in self.ledger.folders():
                if not self.walker.has_folder(os.fsdecode(key)):
                    self.ledger.remove_folder(key)

    def follow(self, events: Sequence[str]) -> Generator[ChangedFile]:
        """The changed ones of the files that file events named."""
        for folder, files in self.walker.follow(events):
            yield from self._changed(folder, files)

    def _changed(
        self, folder: str, files: Iterator[WalkedFile]
    ) -> Generator[ChangedFile, None, int]:
        """Returns how many of `files` the ledger has, changed or not."""
        key, count = os.fsencode(folder), 0
        for page in batched(files, max_count=_PAGE):
            names = [os.fsencode(file.name) for file in page]
            recorded = self.ledger.find(key, names)
            count += len(recorded)
            for name, file in zip(names, page, strict=True):
                stamp = Stamp.of(file.status)
                if recorded.get(name) != stamp and self._is_ready(file):
                    candidate = file.candidate()
                    seen = SeenFile(key, name, stamp)
                    yield ChangedFile(candidate, seen, file.status.st_ctime_ns)
        return count

    def _is_ready(self, file: WalkedFile) -> bool:
        if defect := file.defect():
            self.result.skip(file.path, defect)
        elif file.is_settling(self.clock):
            self.result.settling += 1
        elif file.status.st_size > self.max_bytes and not has_warc_name(file.name):
            size = f"it has {file.status.st_size:,} bytes, more than limits.file_mb allows"
            self.result.skip(file.path, f"{size}: split it, or raise the limit")
        elif self._is_readable(file):
            if not file.is_written(self.clock):
                return True
            self.result.settling += 1
        return False

    def _is_readable(self, file: WalkedFile) -> bool:
        """Tried, because an unreadable file would be missing in its batch, or block the others."""
        try:
            with closing_fd(os.open(file.name, READ_REGULAR, dir_fd=file.folder_fd)) as fd:
                os.pread(fd, 1, 0)
        except FileNotFoundError:
            return False
        except OSError as error:
            why = f"it cannot be read: {error.strerror}; give the worker read rights"
            self.result.skip(file.path, why)
            return False
        return True
