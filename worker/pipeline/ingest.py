"""Ingesting: a batch of files becomes outcomes, in one sequence.

::

    run (read → look up → parse → publish → journal) → archive → settle → remove

It may be stopped between any two steps and continued by another process: the journal tells which
entries are finished, the store gives the same answer to the same claim, an archived batch is only
settled, and settling counts a batch once.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from worker.escape import printable
from worker.model import Outcome, Stage, Status, Tally
from worker.model.times import rfc3339
from worker.pipeline.batch_run import BatchRun
from worker.pipeline.ports import IngestDeps
from worker.pipeline.timing import Stopwatch, TimedArticles
from worker.spool.archive import ArchivedFile, Segment, SegmentHead
from worker.spool.batch import Batch
from worker.spool.layout import time_of


def ingest(
    batch: Batch, deps: IngestDeps, *, is_over: Callable[[], bool] = lambda: False
) -> Tally | None:
    """Bring a locked batch to its end and remove it from the spool.

    None if the time was over in the middle: the batch stays, with its journal. Raises Retryable
    if the store or the disk fails: the batch stays, and what was done is not lost.
    """
    segment = deps.archive.find(batch.name)
    if segment is not None:
        tally = settle(segment, deps)
    else:
        watch, articles = Stopwatch(deps.clock), TimedArticles(deps.articles, deps.clock)
        watch.seconds[Stage.WAIT] = _age(batch, deps)
        outcomes = BatchRun(batch, replace(deps, articles=articles), is_over).run()
        if outcomes is None:
            return None
        watch.lap(Stage.READ, less=articles.seconds)
        watch.seconds[Stage.PUBLISH] = articles.seconds
        head = _segment_head(batch, outcomes, deps)
        segment = deps.archive.write(head, outcomes, batch.content)
        watch.lap(Stage.ARCHIVE)
        watch.seconds[Stage.WHOLE] = _age(batch, deps)
        tally = _count(outcomes, len(head.files))
        deps.settle(segment, tally, outcomes, watch.seconds)
    batch.remove()
    return tally


def settle(segment: Segment, deps: IngestDeps) -> Tally:
    """Add an archived batch to the totals, without stage durations; harmless if it was added
    before."""
    outcomes = list(segment.outcomes())
    tally = _count(outcomes, len(segment.head().files))
    deps.settle(segment, tally, outcomes, {})
    return tally


def _count(outcomes: Sequence[Outcome], file_count: int) -> Tally:
    by_status = Counter(outcome.status for outcome in outcomes)
    quarantined = sum(outcome.whole_file for outcome in outcomes)
    return Tally(
        archived=file_count - quarantined,
        quarantined=quarantined,
        published=by_status[Status.PUBLISHED],
        revised=by_status[Status.REVISED],
        duplicate=by_status[Status.DUPLICATE],
        rejected=by_status[Status.REJECTED],
        content_differs=sum(outcome.content_differs for outcome in outcomes),
        deferred=by_status[Status.DEFERRED],
        unchanged=sum(outcome.feed.unchanged for outcome in outcomes if outcome.feed),
    )


def _segment_head(batch: Batch, outcomes: Sequence[Outcome], deps: IngestDeps) -> SegmentHead:
    refused = {outcome.entry for outcome in outcomes if outcome.whole_file}
    files = (
        ArchivedFile(
            entry=entry.number,
            path=printable(entry.path, 1000),
            size=batch.size(entry.number),
            kept=entry.number not in refused,
            origin=entry.origin,
        )
        for entry in batch.entries()
    )
    return SegmentHead(batch.manifest.head, rfc3339(deps.now()), tuple(files))


def _age(batch: Batch, deps: IngestDeps) -> float:
    """Seconds since the batch was claimed; another machine's clock may have stamped that."""
    return max(0.0, (deps.now() - time_of(batch.name)).total_seconds())
