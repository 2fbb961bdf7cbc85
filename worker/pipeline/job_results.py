"""Results of jobs that a Celery client waits for: when there is one, and what it says."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from worker.logs import get_logger
from worker.pipeline.context import Context
from worker.store.jobs import JobState

logger = get_logger(__name__)

_MAX_JOBS = 100
"""Jobs that one call checks, besides those named: a tick must stay short."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """The result of a job. `counts` has the files and the articles by outcome, all that are not 0;
    `failure` is the sentence for people where it failed, else None."""

    job: str
    counts: dict[str, int]
    failure: str | None = None


StoreResult = Callable[[JobResult], None]


def store_results(
    context: Context, store: StoreResult, now: datetime, jobs: Iterable[str] = ()
) -> None:
    """`store` the result of each job that has one by now: of `jobs`, and of the oldest that wait.

    Each is stored once, and again only if a process dies between storing and removing it. Raises
    Retryable; an error of `store` is logged, and a later call tries again.
    """
    waiting = context.results.oldest(_MAX_JOBS)
    for job in set(jobs) - waiting.keys():
        if (deadline := context.results.get_deadline(job)) is not None:
            waiting[job] = deadline
    now_ms = int(now.timestamp() * 1000)
    for job, deadline in waiting.items():
        result = make_result(job, context.jobs.get(job), is_late=now_ms > deadline)
        if result is None or not context.results.take(job):
            continue
        try:
            store(result)
        except Exception as error:  # of any backend's library
            logger.warning("a result was not stored", job=job, error=str(error))
        else:
            context.results.remove(job)


def make_result(job: str, state: JobState | None, *, is_late: bool) -> JobResult | None:
    """The result of a job; None while there is none yet."""
    counts = _counts(state) if state else {}
    if state is None or state.accepted is None:
        if not is_late:
            return None
        failure = (
            f"the worker ended before all files were accepted ({counts.get('files', 0)} were): "
            "send the task again; files that were accepted become duplicates"
        )
        return JobResult(job, counts, failure)
    if not state.is_settled:
        return None
    failure = f"{state.tally.rejected} refused; `newsdrop jobs {job}` shows each with its reason"
    return JobResult(job, counts, failure if state.tally.rejected else None)


def _counts(state: JobState) -> dict[str, int]:
    counts = {"files": max(state.files, state.accepted or 0), **asdict(state.tally)}
    return {name: count for name, count in counts.items() if count}
