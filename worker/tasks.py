"""The Celery tasks: thin shells around plain functions.

Each takes JSON, may run twice or in parallel with itself, and may be lost: beat's next tick sends
it again. :mod:`worker.taskqueue.shell` logs their errors. `newsdrop.scan` claims files,
`newsdrop.poll` finds the feeds and pages that are due, `newsdrop.fetch` fetches them,
`newsdrop.ingest` processes waiting batches, `newsdrop.index` makes finished ones searchable and
samples the counters, `newsdrop.trim` trims the stream and reads the archive for groups,
`newsdrop.reparse` reads it again with the present rules, where a person ordered that,
`newsdrop.archive` copies finished batches to the bucket of `archive.url`, `newsdrop.tidy` removes
expired files. Clients send `newsdrop.enqueue`: its id is that of the job.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache

from celery import Task, current_app, current_task, signals
from celery.exceptions import Ignore, OperationalError

from worker.actions.enqueue_order import EnqueueOrder, enqueue_order
from worker.errors import FetchFailed, Retryable, UsageError
from worker.logs import get_logger
from worker.model import Tally
from worker.pipeline.archive_copy import copy_archive
from worker.pipeline.batch.drain import drain
from worker.pipeline.bounds import limit_memory
from worker.pipeline.cleanup import clean_up
from worker.pipeline.context import Context, open_context, warm_up
from worker.pipeline.feeds import poll as polling
from worker.pipeline.job_results import store_results
from worker.pipeline.recover import recover
from worker.pipeline.reparse import background
from worker.pipeline.retention import feed_past, trim_stream
from worker.pipeline.sampling import take_sample
from worker.pipeline.scan import scan_folders, sources_with_more
from worker.pipeline.search import feed_search
from worker.settings.clock import read_clocks, utc_now
from worker.taskqueue.celery_app import ENQUEUE_SECONDS, INGEST_QUEUE, QUEUE
from worker.taskqueue.results import result_writer, stores_results
from worker.taskqueue.shell import limit_error_reports, order, task

logger = get_logger(__name__)

limit_error_reports()


@task("newsdrop.scan")
def scan(source: str | None = None, hints: list[str] | None = None) -> None:
    """Claim ready files in one drop folder, or in all without a schedule."""
    context = _context()
    recover(context)
    _store_results()
    scan_folders(context, source=source, hints=hints or (), now=utc_now(), notify=_notify_ingest)


@task("newsdrop.ingest")
def ingest() -> None:
    """Drain waiting batches for a slice of time; another task continues."""
    context = _context()
    seconds = context.settings.worker.slice_seconds
    result = drain(context.roots, context.deps, seconds=seconds, on_finished=_on_finished)
    if result.has_more:
        _notify_ingest()
    _store_results()
    # A fetch ends where the spool is full: feeds that it left are due still.
    if context.deps.wanted.names() or polling.has_due_feeds(context):
        _notify_fetch()
    for source in sources_with_more(context):
        _notify(scan, source=source)


@task("newsdrop.poll")
def poll() -> None:
    """Update the schedule of feeds and pages in the store, and wake the fetch of those due."""
    polling.poll(_context(), notify=_notify_fetch)


@task("newsdrop.fetch")
def fetch() -> None:
    """Fetch the feeds and pages that are due, in parallel."""
    totals = polling.fetch(_context(), notify=_notify_ingest, on_more=_notify_fetch)
    if totals and totals.has_more:
        _notify_fetch()


@task("newsdrop.index")
def index() -> None:
    """Sample the counters once a minute; add finished segments to the search index; wake the
    reparse that a person ordered."""
    context = _context()
    take_sample(context, utc_now())
    feed_search(context)
    if background.is_open(context.settings.state_dir):
        _notify(reparse)


@task("newsdrop.trim")
def trim() -> None:
    """Trim the stream, and read the archive for consumer groups that begin in the past."""
    trim_stream(_context(), utc_now())
    feed_past(_context())


@task("newsdrop.reparse")
def reparse() -> None:
    """Read the archive again for some seconds, as a person ordered."""
    background.run_slice(_context(), _notify_ingest)


@task("newsdrop.archive")
def archive() -> None:
    """Copy finished batches to a bucket, for some seconds."""
    copy_archive(_context())


@task("newsdrop.tidy")
def tidy_up() -> None:
    """Remove expired raw files, journals, quarantined inputs, and remains of crashes."""
    clean_up(_context(), read_clocks())


@order("newsdrop.enqueue")
def enqueue(
    self: Task,
    inputs: Sequence[str] = (),
    *,
    content: str | bytes | None = None,
    name: str = "content",
    source: str | None = None,
    force: bool = False,
    strict: bool = False,
) -> dict[str, object]:
    """Accept paths below `tasks.roots`, addresses, or a document, as the job with this task's id.

    With a result backend the state is PROGRESS then, and becomes SUCCESS or FAILURE, with the
    counts, when all articles are settled.
    """
    context, job = _context(), str(self.request.id)
    paths = (inputs,) if isinstance(inputs, str) else tuple(inputs)
    has_backend = stores_results(current_app)
    state = context.jobs.get(job)
    if state is not None and state.accepted is not None:  # this message was delivered before
        if has_backend:
            raise Ignore
        return {"job": job, "files": state.accepted}
    if has_backend:
        deadline_ms = int(utc_now().timestamp() * 1000) + (ENQUEUE_SECONDS + _GRACE) * 1000
        context.results.begin(job, deadline_ms)
    try:
        files = enqueue_order(
            context.settings, EnqueueOrder(job, paths, content, name, source, force, strict)
        )
    except (UsageError, FetchFailed):
        context.results.remove(job)
        raise
    progress = {"job": job, "files": files}
    if not has_backend:
        context.results.confirm_accepted(job, files)
        return progress
    self.update_state(state="PROGRESS", meta=progress)  # before a result can be stored
    context.results.confirm_accepted(job, files)
    _store_results(job)
    raise Ignore


_GRACE = 60
"""Seconds after which nothing of an order that ran into its time limit can be accepted any more."""


@signals.worker_before_create_process.connect
def _prepare_fork(**_: object) -> None:
    """Have the pool processes share with the worker's main process all that they need: imports,
    rules, compiled expressions. Each has 15 MB of its own then; 45 MB if it prepared by itself."""
    warm_up(_context().deps)


@signals.worker_process_init.connect
def _begin_process(**_: object) -> None:
    limit_memory(_context().settings.limits.memory_mb)
    # The previous process may have been ended during its work, and the next tick may be far away.
    with suppress(Retryable, OperationalError):
        if _context().has_batches():
            _notify_ingest()


@cache
def _context() -> Context:
    """The context of this process. Pool processes have it from the main process, which uses no
    connection of it."""
    return open_context(current_app.conf.newsdrop_settings, is_bounded=True)


def _notify(task: Task, queue: str = QUEUE, **arguments: object) -> None:
    """Send a wake-up, unless enough of them wait."""
    if _context().wakeups.may_notify(queue, _context().settings.max_wakeups()):
        task.delay(**arguments)


def _notify_ingest() -> None:
    _notify(ingest, INGEST_QUEUE)


def _notify_fetch() -> None:
    _notify(fetch)


def _store_results(*jobs: str) -> None:
    """Store the results of jobs that are settled, for the clients that wait for them."""
    context = _context()
    if not stores_results(current_app):
        return
    settled = {*jobs, *context.settled_jobs}
    context.settled_jobs.clear()
    hostname = str(current_task.request.hostname or "")
    store_results(context, result_writer(current_app, hostname), utc_now(), settled)


def _on_finished(batch: str, tally: Tally) -> None:
    counts = {name: count for name, count in asdict(tally).items() if count}
    logger.info("batch done", **counts)
