"""Ingesting: a batch of files becomes outcomes, in one sequence.

::

    run (read → look up → parse → publish → journal) → archive → settle → remove

It may be stopped between any two steps and continued by another process: the journal tells which
entries are finished, the store gives the same answer to the same claim, an archived batch is only
settled, and settling counts a batch once.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from worker.escape import printable
from worker.model import Outcome, Stage, Tally
from worker.model.times import rfc3339
from worker.pipeline.batch.run import BatchRun
from worker.pipeline.batch.timing import Stopwatch, TimedArticles
from worker.pipeline.batch.warc import is_divided
from worker.pipeline.ports import IngestDeps
from worker.pipeline.replay import count_outcomes, replay, settle
from worker.spool.batch import Batch
from worker.spool.layout import time_of
from worker.spool.segment import ArchivedFile, SegmentHead


def ingest(
    batch: Batch, deps: IngestDeps, *, is_over: Callable[[], bool] = lambda: False
) -> Tally | None:
    """Process a locked batch completely and remove it from the spool.

    None if the time was over in the middle: the batch stays, with its journal. Raises Retryable
    if the store or the disk fails: the batch stays, and what was done is not lost.
    """
    segment = deps.archive.find(batch.name)
    if segment is not None and segment.is_whole():
        replay(segment, deps)  # the process that wrote it may have ended before its own check
        tally = settle(segment, deps)
    else:
        watch, articles = Stopwatch(deps.clock), TimedArticles(deps.articles, deps.clock)
        watch.seconds[Stage.WAIT] = _age(batch, deps)
        run = BatchRun(batch, replace(deps, articles=articles), is_over)
        outcomes = run.run()
        if outcomes is None:
            return None
        watch.lap(Stage.READ, less=articles.seconds)
        watch.seconds[Stage.PUBLISH] = articles.seconds
        head = _segment_head(batch, outcomes, deps)
        segment = deps.archive.write(head, outcomes, batch.content)
        watch.lap(Stage.ARCHIVE)
        watch.seconds[Stage.WHOLE] = _age(batch, deps)
        tally = count_outcomes(outcomes, len(head.files))
        deps.settle(head, tally, outcomes, watch.seconds)
        # The archive may have been searched for what Redis lost before the segment was in it.
        if run.was_published and deps.articles.get_run_id() != run.server:
            replay(segment, deps)
    batch.remove()
    return tally


def _segment_head(batch: Batch, outcomes: Sequence[Outcome], deps: IngestDeps) -> SegmentHead:
    refused = {outcome.entry for outcome in outcomes if outcome.whole_file}
    divided = {outcome.entry for outcome in outcomes if is_divided(outcome)}
    files = (
        ArchivedFile(
            entry=entry.number,
            path=printable(entry.path, 1000),
            size=batch.size(entry.number),
            kept=entry.number not in refused | divided,
            origin=entry.origin,
            reread=entry.reread,
        )
        for entry in batch.entries()
    )
    return SegmentHead(batch.manifest.head, rfc3339(deps.now()), tuple(files))


def _age(batch: Batch, deps: IngestDeps) -> float:
    """Seconds since the batch was claimed; another machine's clock may have stamped that."""
    return max(0.0, (deps.now() - time_of(batch.name)).total_seconds())
