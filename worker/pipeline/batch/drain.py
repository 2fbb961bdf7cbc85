"""Draining: ingest waiting batches one after the other for a slice of time."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from worker.errors import Retryable, SpoolUnavailable
from worker.escape import printable
from worker.logs import get_logger, log_context
from worker.model import Tally
from worker.pipeline.batch.ingest import ingest
from worker.pipeline.frames import in_one_chunk
from worker.pipeline.ports import IngestDeps
from worker.spool.batch import Batch, acquire, delete_removed, fair_order, is_postponed
from worker.spool.layout import Root
from worker.spool.ownership import ownership

logger = get_logger(__name__)

_DELETE_AFTER = 16
"""So many removed batches are deleted at once, and what remains at the end."""


@dataclass(frozen=True, slots=True)
class DrainResult:
    """The result of one slice. `has_more`: batches were still waiting when its time was over."""

    batch_count: int
    has_more: bool


def drain(
    roots: Sequence[Root],
    deps: IngestDeps,
    *,
    seconds: float,
    on_finished: Callable[[str, Tally], None] = lambda _batch, _tally: None,
    clock: Callable[[], float] = time.monotonic,
) -> DrainResult:
    """Ingest waiting batches, sources in turn, until none waits or `seconds` are over.
    Drop folders of another state directory, whose service runs, are left out.

    A batch that was put behind the others is taken when no other waits, by one process at a time. A
    batch that another process holds is skipped, and so is one whose files cannot be used now; that
    error is raised at the end. Raises Retryable at once if the store is unavailable.
    """
    owned = ownership(deps.settings.state_dir)
    roots = [root for root in roots if not root.work.is_dir() or owned.owns(root)]
    try:
        return _drain(roots, deps, seconds, on_finished, clock)
    finally:
        for root in roots:
            delete_removed(root)


@in_one_chunk
def _drain(
    roots: Sequence[Root],
    deps: IngestDeps,
    seconds: float,
    on_finished: Callable[[str, Tally], None],
    clock: Callable[[], float],
) -> DrainResult:
    end = clock() + seconds
    count = 0
    failure: SpoolUnavailable | None = None
    while waiting := fair_order(roots):
        has_progress = False
        postponed = {pair for pair in waiting if is_postponed(*pair)}
        for root, name in sorted(waiting, key=postponed.__contains__):
            is_trial = (root, name) in postponed
            if count and clock() >= end:
                return DrainResult(count, has_more=True)
            if has_progress and is_trial:
                break  # others may have come meanwhile: they are before it
            try:
                with _hold(root, name, deps, is_trial=is_trial) as batch:
                    if batch is None:
                        continue
                    tally = ingest(batch, deps, is_over=lambda: clock() >= end)
                    if tally is None and clock() >= end:
                        return DrainResult(count, has_more=True)
                    has_progress = True
                    if tally is None:
                        continue  # it was put behind the others
                    on_finished(name, tally)
                count += 1
                if count % _DELETE_AFTER == 0:
                    delete_removed(root)
            except SpoolUnavailable as error:
                failure = error
        if not has_progress:
            break  # all that waits is held by other processes, or cannot be used
    if failure is not None:
        raise failure
    return DrainResult(count, has_more=False)


@contextmanager
def _hold(root: Root, name: str, deps: IngestDeps, *, is_trial: bool) -> Iterator[Batch | None]:
    """The batch, locked and named in all lines of the log; None where another process holds it. A
    trial may end this process: None while another one makes one, so that the rest stay free."""
    with deps.bounds.exclusive_trial() if is_trial else nullcontext(True) as may_try:
        batch = acquire(root, name) if may_try else None
        if batch is None:
            yield None
            return
        head = batch.manifest.head
        with batch, log_context(job=head.job, batch=name, source=printable(head.source)):
            try:
                yield batch
            except Retryable as error:
                logger.info("batch postponed", error=str(error))
                raise
