"""Scanning the drop folders: claim what is ready, add it to the hour's job, wake up a worker."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.logs import get_logger
from worker.model.times import rfc3339
from worker.pipeline.context import Context
from worker.settings import POLLED, Folder
from worker.sources.folder import require_folder, scan
from worker.sources.in_place import InPlaceFolder, scan_in_place
from worker.sources.registry import is_paused
from worker.sources.scan_result import ScanLogEntry, ScanRequest, ScanResult, log_scan, save_skipped
from worker.spool.batch import batch_names
from worker.spool.claim import ClaimedBatch
from worker.spool.filesystem import check_free
from worker.spool.layout import Root, manual_root, notes_dir, register_root, translate_errors
from worker.spool.ownership import ownership
from worker.spool.volumes import check_volume, remember_volume
from worker.store.jobs import Job, JobKind
from worker.translation import mark

logger = get_logger(__name__)

_MORE = "more"
"""The file that marks a source whose last scan stopped at the limit of waiting batches."""


def scan_folders(
    context: Context,
    *,
    source: str | None = None,
    hints: Sequence[str] = (),
    now: datetime,
    notify: Callable[[], None],
) -> None:
    """Scan one source, or all without a schedule of their own; `notify` if any batch waits.

    `hints` are paths that file events named: only they are examined. Paused sources are skipped. A
    folder that cannot be used does not stop the others: its SpoolUnavailable is raised at the end.
    """
    failure: SpoolUnavailable | None = None
    try:
        for folder in context.settings.all_folders():
            is_chosen = folder.name == source if source else not folder.schedule
            if not is_chosen or is_paused(context.settings.state_dir, folder.name):
                continue
            try:
                _scan(context, folder, hints, now, notify=notify, is_requested=source is not None)
            except SpoolUnavailable as error:
                logger.warning("folder cannot be scanned", source=folder.name, error=str(error))
                failure = error
    finally:
        if context.has_batches():
            notify()
    if failure is not None:
        raise failure


def sources_with_more(context: Context) -> Iterable[str]:
    """The sources whose last scan stopped at the limit and most of whose batches are done now."""
    low = context.settings.spool.max_waiting // 2
    for folder in context.settings.all_folders():
        has_more = (notes_dir(context.settings, folder) / _MORE).exists()
        if has_more and _waiting_count(context, folder) <= low:
            yield folder.name


def hourly_job(source: str, now: datetime) -> Job:
    """The job of all that is found in a source, or polled (POLLED), within one hour (UTC)."""
    kind, name, label = JobKind.SCAN, f"scan-{source}", mark(f"found in {printable(source)}")
    if source == POLLED:
        kind, name, label = JobKind.POLL, "poll", mark("polled feeds, fetched pages")
    hour = f"{now:%Y%m%dT%H}"
    return Job(f"{name}-{hour}", kind, source, label, created_ms=int(now.timestamp() * 1000))


def _scan(
    context: Context,
    folder: Folder,
    hints: Sequence[str],
    now: datetime,
    *,
    notify: Callable[[], None],
    is_requested: bool,
) -> None:
    settings, job = context.settings, hourly_job(folder.name, now)
    start = context.deps.now()
    check_free(settings.state_dir, settings.spool.min_free_mb)

    def on_claimed(batch: ClaimedBatch) -> None:
        notify()
        context.jobs.open(job, batch.files)

    root = _root(context, folder)
    request = ScanRequest(
        root, settings.spool, context.accepted, now, job.id, on_claimed, events=hints
    )
    if folder.in_place:
        result = scan_in_place(_in_place(context, folder), request, is_requested=is_requested)
    else:
        require_folder(folder)
        check_volume(settings.state_dir, folder.name, folder.path)
        check_free(folder.path, settings.spool.min_free_mb)
        with translate_errors(settings.state_dir):
            register_root(settings.state_dir, root.path)
        ownership(settings.state_dir).require(root)
        result = scan(folder, request)
        remember_volume(settings.state_dir, folder.path)
    if result is not None:
        _report(context, folder, job, result, is_whole=not hints)
        _log(context, folder, result, start)


def _log(context: Context, folder: Folder, result: ScanResult, start: datetime) -> None:
    """Add a scan that claimed files to the log of its source."""
    if result.files:
        took = round((context.deps.now() - start).total_seconds(), 3)
        notes = notes_dir(context.settings, folder)
        counts = (result.files, result.batches, result.size)
        with translate_errors(notes):
            log_scan(notes, ScanLogEntry(rfc3339(start), *counts, took))


def _root(context: Context, folder: Folder) -> Root:
    return manual_root(context.settings) if folder.in_place else context.root(folder.name)


def _waiting_count(context: Context, folder: Folder) -> int:
    root = _root(context, folder)
    if folder.in_place:
        return _in_place(context, folder).waiting_count(root)
    return len(batch_names(root))


def _in_place(context: Context, folder: Folder) -> InPlaceFolder:
    settings = context.settings
    return InPlaceFolder(folder, notes_dir(settings, folder), settings.limits.file_bytes)


def _report(
    context: Context, folder: Folder, job: Job, result: ScanResult, *, is_whole: bool
) -> None:
    """Log what was claimed; after a scan of the whole folder also keep, for `status`, what was
    skipped and whether there is more."""
    if result.files:
        counts = {"files": result.files, "batches": result.batches}
        logger.info("files claimed", source=folder.name, job=job.id, **counts)
    if is_whole:
        notes = notes_dir(context.settings, folder)
        with translate_errors(notes):
            if result.has_more:
                (notes / _MORE).touch()
            else:
                (notes / _MORE).unlink(missing_ok=True)
            save_skipped(notes, result)
