"""The audit: every accepted file against its one outcome.

It uses no counter: accepted files come from the list of accepted batches, outcomes from the
archive's journals, and waiting files from the spool's folders.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from worker.errors import SpoolUnavailable
from worker.model import DECISIONS, Outcome, Status
from worker.settings import Settings
from worker.spool.archive import Archive
from worker.spool.batch import inspect_waiting
from worker.spool.claim import AcceptedLog
from worker.spool.layout import roots
from worker.spool.ownership import adopted_by_others
from worker.spool.segment import Segment
from worker.spool.wanted import WantedPages


@dataclass(frozen=True, slots=True)
class Missing:
    """A batch with files that are unaccounted for."""

    batch: str
    accepted: int
    accounted: int


@dataclass(frozen=True, slots=True)
class Audit:
    """Files. `accepted` = published + duplicate + read + quarantined + waiting + unaccounted.

    A file with many articles counts as `published` if any of them was published, revised or
    withdrawn, or else as `duplicate` if any was one. `read` counts feed documents with nothing
    new, or only with articles whose pages are fetched first: those pages are files of their own,
    and `pages_wanted` of them are not fetched yet. It counts WARC files, too, whose pages are files
    of their own. `articles` counts decisions by outcome.
    """

    accepted: int
    published: int
    duplicate: int
    read: int
    quarantined: int
    waiting: int
    unaccounted: int
    pages_wanted: int
    articles: dict[str, int]
    missing: tuple[Missing, ...] = ()

    @property
    def balanced(self) -> bool:
        return self.unaccounted == 0


def audit(settings: Settings) -> Audit:
    """The audit of one state directory and its drop folders; correct during work, too.

    The order matters: a batch goes from accepted to waiting to archived, so they are read in that
    order. Raises SpoolUnavailable.
    """
    logged = dict(AcceptedLog(settings.state_dir))
    waiting = {
        batch.name: batch.files for root in roots(settings) for batch in inspect_waiting(root)
    }
    for name in adopted_by_others(settings.state_dir, roots(settings)):
        logged.pop(name, None)
        waiting.pop(name, None)
    files: Counter[str] = Counter()
    articles: Counter[str] = Counter({status.value: 0 for status in DECISIONS})
    ends: dict[str, int] = {}
    in_segment: dict[str, int] = {}
    for segment in Archive(settings.state_dir).segments():
        in_segment[segment.batch], outcomes = _read(segment)
        by_entry: dict[int, list[Outcome]] = {}
        for outcome in outcomes:
            if outcome.status in DECISIONS:
                articles[outcome.status] += 1
            by_entry.setdefault(outcome.entry, []).append(outcome)
        ends[segment.batch] = len(by_entry)
        files.update(map(_result, by_entry.values()))
    open_batches = {name: count for name, count in waiting.items() if name not in ends}
    missing = []
    accepted = 0
    for batch in sorted(logged.keys() | ends.keys() | open_batches.keys()):
        accounted = ends.get(batch, open_batches.get(batch, 0))
        # A process killed before it logged its batch: the batch itself has the number.
        total = max(logged.get(batch, 0), in_segment.get(batch, 0), open_batches.get(batch, 0))
        accepted += total
        if accounted != total:
            missing.append(Missing(batch, total, accounted))
    return Audit(
        accepted=accepted,
        published=files["published"],
        duplicate=files["duplicate"],
        read=files["read"],
        quarantined=files["quarantined"],
        waiting=sum(open_batches.values()),
        unaccounted=sum(batch.accepted - batch.accounted for batch in missing),
        pages_wanted=len(WantedPages(settings.state_dir).names()),
        articles=dict(articles),
        missing=tuple(missing),
    )


def _read(segment: Segment) -> tuple[int, list[Outcome]]:
    """(number of files, outcomes) of a segment; nothing where it cannot be read."""
    try:
        return len(segment.head().files), list(segment.outcomes())
    except (SpoolUnavailable, OSError, KeyError, TypeError, ValueError):
        return 0, []


def _result(outcomes: Sequence[Outcome]) -> str:
    """The outcome of a file as a whole."""
    statuses = {outcome.status for outcome in outcomes}
    if any(status.has_entry for status in statuses):
        return "published"
    if Status.DUPLICATE in statuses:
        return "duplicate"
    return "read" if Status.READ in statuses else "quarantined"
