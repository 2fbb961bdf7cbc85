"""Folders read in place: nothing in them is moved or written; new and changed files are copied.

The ledger records a file after the batch with its copy was accepted: if the process dies in between
the file is copied again and found to be a duplicate. The whole tree is walked every
`rescan_seconds`; files that file events name are examined at once.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from os import fsdecode, fsencode
from pathlib import Path

from worker.settings import Folder
from worker.sources.changes import ChangedFile, ChangeFinder
from worker.sources.folder import require_folder
from worker.sources.ledger import Ledger, Walk, open_ledger
from worker.sources.scan_result import ScanRequest, ScanResult
from worker.sources.walk import Walker
from worker.spool.batch import batch_names
from worker.spool.claim import ClaimedBatch, claim
from worker.spool.layout import Root, source_of, translate_errors

WALK_REQUEST = "again"
"""The file that requests a walk as soon as it may be."""

SECONDS_PER_ENTRY = 0.0001
"""The time between two walks before `rescan_seconds` are over, for each name that the last walk
read: about ten times what the walk took, so that a tree that changes all the time is not walked all
the time."""


@dataclass(frozen=True, slots=True)
class InPlaceFolder:
    """A folder read in place. `home` has its ledger; files of more than `max_bytes` are skipped,
    but for WARCs."""

    folder: Folder
    home: Path
    max_bytes: int

    def waiting_count(self, root: Root) -> int:
        """How many of its batches wait in `root`, which it shares with other sources."""
        return sum(source_of(name) == self.folder.name for name in batch_names(root))

    def request_walk(self) -> None:
        """Request a walk as soon as the interval allows it."""
        with translate_errors(self.home):
            (self.home / WALK_REQUEST).touch()


def scan_in_place(
    place: InPlaceFolder, request: ScanRequest, *, is_requested: bool = False
) -> ScanResult | None:
    """Copy new and changed files into batches.

    None where there is nothing to do now: it was walked a moment ago, or another process scans it.
    `is_requested`: this folder was named, so `rescan_seconds` do not apply. Raises SpoolUnavailable
    where the folder, the ledger or the spool cannot be used.
    """
    require_folder(place.folder)
    with open_ledger(place.home) as ledger:
        if ledger is None:
            if is_requested or request.events:  # the other process may be past these files
                place.request_walk()
            return None
        last = ledger.last_walk()
        if not request.events and not _is_due(place, request, last, is_requested=is_requested):
            return None
        return _Scan(place, request, ledger).run(last)


def _is_due(
    place: InPlaceFolder, request: ScanRequest, last: Walk | None, *, is_requested: bool
) -> bool:
    if last is None:
        return True
    if last.stop is not None:  # it continues when most of its batches are done
        return place.waiting_count(request.root) <= request.limits.max_waiting // 2
    since = request.now.timestamp() - last.at
    # A negative time: the clock was set back.
    if not 0 <= since < place.folder.rescan_seconds or (is_requested and place.folder.schedule):
        return True
    is_wanted = is_requested or (place.home / WALK_REQUEST).exists()
    if is_wanted and since >= last.entries * SECONDS_PER_ENTRY:
        return True
    if is_requested:
        place.request_walk()
    return False


class _Scan:
    """One scan, with the ledger open."""

    def __init__(self, place: InPlaceFolder, request: ScanRequest, ledger: Ledger) -> None:
        self._place, self._request, self._ledger = place, request, ledger
        self._result = result = ScanResult()
        self._clock = request.now.timestamp()
        self._walker = Walker.of(place.folder, result.skip)
        self._finder = ChangeFinder(self._walker, ledger, result, self._clock, place.max_bytes)
        self._waiting_count = place.waiting_count(request.root)

    def run(self, last: Walk | None) -> ScanResult:
        events, result = self._request.events, self._result
        if not self._has_room():
            result.has_more = True
        elif events:
            self._claim_all(self._finder.follow(events))
        else:
            self._walk(last)
        if result.settling or (events and result.has_more):
            self._place.request_walk()
        return result

    def _walk(self, last: Walk | None) -> None:
        """Continue where the last walk stopped; else walk the whole tree."""
        with translate_errors(self._place.home):
            (self._place.home / WALK_REQUEST).unlink(missing_ok=True)
        start, entry_count = "", 0
        if last is not None and last.stop is not None:
            start, entry_count = fsdecode(last.stop), last.entries
        self._claim_all(self._finder.walk(start))
        stop = fsencode(self._walker.folder) if self._result.has_more else None
        self._ledger.save_walk(Walk(self._clock, entry_count + self._walker.entry_count, stop))

    def _claim_all(self, files: Generator[ChangedFile]) -> None:
        self._result.claim_all(
            files,
            self._request.limits,
            size_of=lambda file: file.candidate.size,
            claim=self._claim,
            has_room=self._has_room,
        )

    def _claim(self, files: Sequence[ChangedFile]) -> ClaimedBatch | None:
        request = self._request
        head = request.head(self._place.folder.name)
        candidates = [file.candidate for file in files]
        batch = claim(
            request.root,
            head,
            candidates,
            request.accepted,
            copy=True,
            on_skipped=lambda candidate, why: self._result.skip(candidate.path, why),
        )
        if batch is not None:
            self._waiting_count += 1
            try:
                # A file that changed, vanished or failed while it was copied will be found again.
                copied = (file for number, file in enumerate(files) if number in batch.numbers)
                self._ledger.add(file.seen for file in copied if file.is_unchanged())
            finally:
                request.on_claimed(batch)
        return batch

    def _has_room(self) -> bool:
        max_waiting = self._request.limits.max_waiting
        if self._waiting_count >= max_waiting:  # workers may have finished some in between
            self._waiting_count = self._place.waiting_count(self._request.root)
        return self._waiting_count < max_waiting
