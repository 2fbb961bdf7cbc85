"""One look at the drop folders: claim what is ready, note it at its job, ring."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.logs import get_logger
from worker.pipeline.context import Context
from worker.settings import Folder
from worker.sources import skipped
from worker.sources.folder import Scan, scan
from worker.sources.in_place import Place, scan_in_place
from worker.sources.pause import is_paused
from worker.spool import registry
from worker.spool.batch import names
from worker.spool.claim import Claimed
from worker.spool.free_space import check_free
from worker.spool.layout import manual_root, notes_dir, translated
from worker.store.jobs import Job, JobKind, log_store_errors

logger = get_logger(__name__)

MORE = "more"


def scan_folders(
    context: Context,
    *,
    source: str | None = None,
    hints: Sequence[str] = (),
    now: datetime,
    notify: Callable[[], None],
) -> None:
    """Scan one source, or all that have no schedule of their own; ring if anything waits.

    A folder that cannot be used does not keep the others from being looked at: its error
    (SpoolUnavailable) is raised when all were. Paused sources are passed over.
    """
    trouble: SpoolUnavailable | None = None
    try:
        for folder in _folders(context, source):
            try:
                _look_at(context, folder, hints, now, notify=notify, asked=source is not None)
            except SpoolUnavailable as error:
                logger.warning("a folder cannot be looked at", source=folder.name, error=str(error))
                trouble = error
    finally:
        if any(names(root) for root in context.roots):
            notify()
    if trouble is not None:
        raise trouble


def sources_with_more(context: Context) -> Iterable[str]:
    """The sources whose last look ended at the bound, and whose batches are mostly done now."""
    low = context.settings.spool.max_waiting // 2
    for folder in context.settings.all_folders():
        more = (notes_dir(context.settings, folder) / MORE).exists()
        if more and _waiting(context, folder) <= low:
            yield folder.name


def _waiting(context: Context, folder: Folder) -> int:
    if folder.in_place:
        return _place(context, folder).waiting()
    return len(names(context.root(folder.name)))


def _folders(context: Context, source: str | None) -> Iterable[Folder]:
    for folder in context.settings.all_folders():
        chosen = folder.name == source if source else not folder.schedule
        if chosen and not is_paused(context.settings.state_dir, folder.name):
            yield folder


def _look_at(
    context: Context,
    folder: Folder,
    hints: Sequence[str],
    now: datetime,
    *,
    notify: Callable[[], None],
    asked: bool,
) -> None:
    check_free(context.settings.state_dir, context.settings.spool.min_free_mb)
    job = hourly_job(folder.name, now)

    def claimed(batch: Claimed) -> None:
        notify()
        with log_store_errors("a job is not noted", job=job.id):
            context.jobs.open(job)
            context.jobs.add_files(job.id, batch.files)

    if folder.in_place:
        found = scan_in_place(
            _place(context, folder),
            context.accepted,
            now=now,
            job=job.id,
            claimed=claimed,
            hints=hints,
            asked=asked,
        )
    else:
        found = _take_from(context, folder, hints, now, job=job.id, claimed=claimed)
    if found is None:
        return
    if found.files:
        logger.info(
            "files claimed",
            source=folder.name,
            job=job.id,
            files=found.files,
            batches=found.batches,
        )
    if not hints:
        _note(notes_dir(context.settings, folder), found)


def _place(context: Context, folder: Folder) -> Place:
    settings = context.settings
    return Place(
        folder,
        manual_root(settings),
        notes_dir(settings, folder),
        settings.spool,
        largest=settings.limits.file_bytes,
    )


def _take_from(
    context: Context,
    folder: Folder,
    hints: Sequence[str],
    now: datetime,
    *,
    job: str,
    claimed: Callable[[Claimed], None],
) -> Scan:
    """Move what is ready out of a drop folder."""
    root = context.root(folder.name)
    check_free(folder.path, context.settings.spool.min_free_mb)
    with translated(context.settings.state_dir):
        registry.note(context.settings.state_dir, root.path)
    return scan(
        folder,
        root,
        context.settings.spool,
        context.accepted,
        now=now,
        job=job,
        claimed=claimed,
        hints=hints,
    )


def hourly_job(source: str, now: datetime) -> Job:
    """The job of what the scan finds: one a source and hour (UTC)."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    return Job(
        id=f"scan-{source}-{hour:%Y%m%dT%H}",
        kind=JobKind.SCAN,
        source=source,
        label=f"found in {printable(source)}",
        created_ms=int(hour.timestamp() * 1000),
    )


def _note(notes: Path, found: Scan) -> None:
    """Keep what was left alone, for `status`, and whether there is more."""
    more = notes / MORE
    if found.more:
        more.touch()
    else:
        more.unlink(missing_ok=True)
    skipped.note(notes, found.left_alone, found.left_alone_count)
