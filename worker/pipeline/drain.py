"""Draining: take what waits, batch by batch, for a slice of time."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from worker.errors import Retryable, SpoolUnavailable
from worker.escape import printable
from worker.logs import get_logger, log_context
from worker.model import Tally
from worker.pipeline.ingest import ingest
from worker.pipeline.ports import IngestDeps
from worker.spool.batch import Batch, fair_order, take
from worker.spool.layout import Root

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Drained:
    """What one slice did. `left`: batches were still waiting when it ended."""

    batches: int
    left: bool


def drain(
    roots: Sequence[Root],
    deps: IngestDeps,
    *,
    seconds: float,
    monotonic: Callable[[], float],
    finished: Callable[[str, Tally], None],
) -> Drained:
    """Ingest waiting batches, sources in turn, until none is left or `seconds` are over.

    A batch that another process holds is passed over, and so is one whose files cannot be used
    now; that error is raised at the end. Raises Retryable at once where the store is away.
    """
    end = monotonic() + seconds
    done = 0
    trouble: SpoolUnavailable | None = None
    while waiting := fair_order(roots):
        before = done
        for root, name in waiting:
            if done and monotonic() >= end:
                return Drained(done, left=True)
            try:
                batch = take(root, name)
                if batch is None:
                    continue
                with batch, _in_hand(batch):
                    tally = _ingested(batch, deps, is_over=lambda: monotonic() >= end)
                    if tally is not None:
                        finished(name, tally)
            except SpoolUnavailable as error:
                trouble = error
            else:
                if tally is None:
                    return Drained(done, left=True)
                done += 1
        if done == before:
            break  # all that waits is held by others, or cannot be used
    if trouble is not None:
        raise trouble
    return Drained(done, left=False)


def _ingested(batch: Batch, deps: IngestDeps, *, is_over: Callable[[], bool]) -> Tally | None:
    try:
        return ingest(batch, deps, is_over=is_over)
    except Retryable as error:
        logger.info("a batch is left for later", error=str(error))
        raise


def _in_hand(batch: Batch) -> AbstractContextManager[None]:
    """What every line says while a batch is worked on."""
    head = batch.manifest.head
    return log_context(job=head.job, batch=batch.name, source=printable(head.source))
