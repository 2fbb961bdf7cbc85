"""The one sequence: a batch of files becomes outcomes.

::

    run (read → look up → parse → publish → journal) → archive → settle → remove

It may be stopped between any two steps and continued by another process: the journal tells which
entries are finished, the store gives the same answer to the same claim, an archived batch is only
settled, and settling counts a batch once.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
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
        segment, files = _archive(batch, outcomes, deps)
        watch.lap(Stage.ARCHIVE)
        watch.seconds[Stage.WHOLE] = _age(batch, deps)
        tally = _settle(segment, outcomes, files, deps, watch.seconds)
    batch.remove()
    return tally


def settle(segment: Segment, deps: IngestDeps) -> Tally:
    """Count what the segment's journal says, but not how long it took; harmless when it was
    counted before."""
    return _settle(segment, list(segment.outcomes()), len(segment.head().files), deps, {})


def tally_of(outcomes: Sequence[Outcome], files: int) -> Tally:
    """The counts of `outcomes` over so many files."""
    by_status: defaultdict[Status, int] = defaultdict(int)
    for outcome in outcomes:
        by_status[outcome.status] += 1
    quarantined = sum(outcome.whole_file for outcome in outcomes)
    return Tally(
        archived=files - quarantined,
        quarantined=quarantined,
        published=by_status[Status.PUBLISHED],
        revised=by_status[Status.REVISED],
        duplicate=by_status[Status.DUPLICATE],
        rejected=by_status[Status.REJECTED],
        content_differs=sum(outcome.content_differs for outcome in outcomes),
        deferred=by_status[Status.DEFERRED],
        unchanged=sum(outcome.feed.unchanged for outcome in outcomes if outcome.feed),
    )


def _archive(batch: Batch, outcomes: Sequence[Outcome], deps: IngestDeps) -> tuple[Segment, int]:
    """The finished segment, and how many files it is about."""
    refused = {outcome.entry for outcome in outcomes if outcome.whole_file}
    files = tuple(
        ArchivedFile(
            entry=entry.number,
            path=printable(entry.path, 1000),
            size=batch.size(entry.number),
            kept=entry.number not in refused,
            origin=entry.origin,
        )
        for entry in batch.entries()
    )
    head = SegmentHead(batch.manifest.head, rfc3339(deps.now()), files)
    return deps.archive.write(head, outcomes, batch.content), len(files)


def _settle(
    segment: Segment,
    outcomes: Sequence[Outcome],
    files: int,
    deps: IngestDeps,
    seconds: Mapping[Stage, float],
) -> Tally:
    tally = tally_of(outcomes, files)
    deps.settle(segment, tally, outcomes, seconds)
    return tally


def _age(batch: Batch, deps: IngestDeps) -> float:
    """Seconds since the batch's files were claimed; by the clocks of two machines, maybe."""
    return max(0.0, (deps.now() - time_of(batch.name)).total_seconds())
