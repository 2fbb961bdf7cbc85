"""Folders read in place: nothing in them is moved or written; what is new or changed is copied.

What was seen is noted in a ledger after the batch with its copy was accepted: whoever dies between
the two has the files copied again, and they are found to be duplicates. The whole tree is walked
every `rescan_seconds`; file events, which name what they saw, are followed at once.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from os import fsdecode, fsencode
from pathlib import Path

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.settings import Folder, SpoolSettings
from worker.sources.folder import KIND, Scan
from worker.sources.in_place_walk import Found, Tree
from worker.sources.ledger import Ledger, Walk, held
from worker.spool.batch import batch_names
from worker.spool.claim import AcceptedLog, Claimed, claim
from worker.spool.layout import Root, source_of, translate_errors
from worker.spool.manifest import Head

AGAIN = "again"
"""The mark for: walk again as soon as it may be."""

PAUSE = 0.0001
"""Seconds between two walks for each name that the last one met, where `rescan_seconds` are not
over yet: about ten times what the walk took, so that a tree in which folders are made all the time
is not walked all the time."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder read in place: `root` is the spool of its batches, `home` has its ledger, and a
    file of more than `largest` bytes is left alone."""

    folder: Folder
    root: Root
    home: Path
    limits: SpoolSettings
    largest: int

    def waiting(self) -> int:
        """How many of its batches wait: the spool is shared with other sources."""
        return sum(source_of(name) == self.folder.name for name in batch_names(self.root))

    def wish(self) -> None:
        """Have it walked as soon as it may be."""
        with translate_errors(self.home):
            (self.home / AGAIN).touch()


def scan_in_place(
    place: Place,
    accepted: AcceptedLog,
    *,
    now: datetime,
    job: str | None,
    claimed: Callable[[Claimed], None],
    hints: Sequence[str] = (),
    asked: bool = False,
) -> Scan | None:
    """Copy what is new or changed into batches; `claimed` is called after each.

    With `hints` (as :func:`worker.sources.folder.scan` takes them) only those are looked at. None
    where nothing is to be done now: it was walked a moment ago, or another process is at it.
    `asked` means this folder by name, which does not wait for `rescan_seconds`.
    Raises SpoolUnavailable where the folder, the ledger or the spool cannot be used.
    """
    if not place.folder.path.is_dir():
        raise SpoolUnavailable(
            f"the drop folder {printable(place.folder.path)} is not there: create or mount it"
        )
    with held(place.home) as ledger:
        if ledger is None:
            if asked or hints:  # whoever holds it may be past what this is about
                place.wish()
            return None
        last = ledger.last_walk()
        if not hints and not _is_due(place, last, now, asked):
            return None

        def take(found: Sequence[Found]) -> Claimed | None:
            batch = claim(
                place.root,
                Head.new(place.folder.name, KIND, now, job),
                [one.candidate for one in found],
                accepted,
                copy=True,
            )
            if batch is not None:
                try:
                    # What changed while it was copied, or was gone, shall be seen again.
                    ledger.note(one.sighting for one in found if one.is_as_it_was())
                finally:
                    claimed(batch)
            return batch

        tree = Tree(place.folder, ledger, now.timestamp(), place.largest)
        intake = _Intake(place, take, waiting=place.waiting())
        if not intake.has_room():
            more = True
        elif hints:
            more = intake.bring(tree.hinted(hints))
        else:
            more = _walk(intake, tree, ledger, last)
        if tree.settling or (hints and more):
            place.wish()
    return Scan(
        intake.batches, intake.files, tree.settling, more, tuple(tree.left), tree.left_count
    )


def _is_due(place: Place, last: Walk | None, now: datetime, asked: bool) -> bool:
    if last is None:
        return True
    if last.stop is not None:  # it goes on where it stopped when most of its batches are done
        return place.waiting() <= place.limits.max_waiting // 2
    since = now.timestamp() - last.at
    # A negative time: the clock was set back.
    if since < 0 or since >= place.folder.rescan_seconds or (asked and place.folder.schedule):
        return True
    wished = asked or (place.home / AGAIN).exists()
    if wished and since >= last.entries * PAUSE:
        return True
    if asked:
        place.wish()
    return False


def _walk(intake: "_Intake", tree: Tree, ledger: Ledger, last: Walk | None) -> bool:
    """Go on from where the last walk stopped, else walk the whole; True where this one stopped."""
    with translate_errors(intake.place.home):
        (intake.place.home / AGAIN).unlink(missing_ok=True)
    start, entries = "", 0
    if last is not None and last.stop is not None:
        start, entries = fsdecode(last.stop), last.entries
    more = intake.bring(tree.walk(start))
    stop = fsencode(tree.at) if more else None
    ledger.walked(Walk(tree.clock, entries + tree.entries, stop))
    return more


@dataclass(slots=True)
class _Intake:
    """Found files on their way into batches; `waiting` are those that waited when it was counted,
    and those made since."""

    place: Place
    take: Callable[[Sequence[Found]], Claimed | None]
    waiting: int
    pending: list[Found] = field(default_factory=list)
    size: int = 0
    batches: int = 0
    files: int = 0

    def bring(self, found: Generator[Found]) -> bool:
        """Claim what is found; True where no more batches may wait before all was found."""
        with closing(found):
            more = not all(self._add(one) for one in found)
        self._claim()
        return more

    def has_room(self) -> bool:
        most = self.place.limits.max_waiting
        if self.waiting >= most:
            self.waiting = self.place.waiting()  # workers were busy meanwhile
        return self.waiting < most

    def _add(self, found: Found) -> bool:
        limits = self.place.limits
        self.pending.append(found)
        self.size += found.candidate.size
        full = len(self.pending) >= limits.batch_files or self.size >= limits.batch_bytes
        return self._claim() if full else True

    def _claim(self) -> bool:
        found, self.pending, self.size = self.pending, [], 0
        if found and (batch := self.take(found)) is not None:
            self.batches += 1
            self.files += batch.files
            self.waiting += 1
        return self.has_room()
