"""Settling: an archived batch is added to the totals, once."""

from collections import Counter
from collections.abc import Sequence

from worker.model import Outcome, Status, Tally
from worker.pipeline.ports import IngestDeps
from worker.spool.segment import Segment


def settle(segment: Segment, deps: IngestDeps) -> Tally:
    """Add an archived batch to the totals, without stage durations; harmless if it was added
    before."""
    head, outcomes = segment.head(), list(segment.outcomes())
    tally = count_outcomes(outcomes, len(head.files))
    deps.settle(head, tally, outcomes, {})
    return tally


def count_outcomes(outcomes: Sequence[Outcome], file_count: int) -> Tally:
    """The tally of one batch of `file_count` files."""
    by_status = Counter(outcome.status for outcome in outcomes)
    quarantined = sum(outcome.whole_file for outcome in outcomes)
    return Tally(
        archived=file_count - quarantined,
        quarantined=quarantined,
        published=by_status[Status.PUBLISHED],
        revised=by_status[Status.REVISED],
        withdrawn=by_status[Status.WITHDRAWN],
        duplicate=by_status[Status.DUPLICATE],
        rejected=by_status[Status.REJECTED],
        content_differs=sum(outcome.content_differs for outcome in outcomes),
        deferred=by_status[Status.DEFERRED],
        unchanged=sum(outcome.feed.unchanged for outcome in outcomes if outcome.feed),
    )
