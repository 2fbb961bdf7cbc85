"""Cleanup: remove what has expired, and what a crash left half removed."""

import shutil
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from worker.logs import get_logger
from worker.pipeline.context import Context
from worker.pipeline.steady_time import decide, load_state, save_state
from worker.settings.clock import ClockReading
from worker.spool.batch import is_free
from worker.spool.layout import Removals, Root, is_batch, partial_dir, time_of
from worker.spool.quarantine import DISCARDED, Quarantine

logger = get_logger(__name__)

_MIN_LEFTOVER_AGE = timedelta(hours=1)


def clean_up(context: Context, now: ClockReading) -> None:
    """Remove expired raw files, journals, lists of accepted batches, quarantined and discarded
    inputs, and leftovers of crashes: what the cleanup before had found expired, too
    (see `steady_time`). What cannot be removed does not stop the rest: it is raised at the end.
    Raises SpoolUnavailable."""
    state_dir = context.settings.state_dir
    state, confirmed = decide(load_state(state_dir, now.boot), now)
    removals, expired = Removals(), 0
    if confirmed.time is not None:
        _remove_expired(context, confirmed.time, removals)
        if confirmed.long_time is not None:
            days, end = context.settings.quarantine, confirmed.long_time
            quarantine, discarded = context.deps.quarantine, Quarantine(state_dir, DISCARDED)
            quarantine.remove_refused_before(end - timedelta(days=days.keep_days), removals)
            discarded.remove_moved_before(end - timedelta(days=days.discarded_days), removals)
        expired = removals.count
        for root in context.roots:
            _remove_leftovers(root, confirmed.time, removals)
        _remove_partial(partial_dir(context.settings), confirmed.time, removals)
        if removals.count:
            logger.info("cleaned up", expired=expired, leftovers=removals.count - expired)
    save_state(state_dir, state)
    if removals.failure:
        raise removals.failure


def _remove_expired(context: Context, now: datetime, removals: Removals) -> None:
    """Remove what expired in the archive and in the list of accepted batches."""
    settings = context.settings

    def keep_days(source: str) -> int:
        keys = settings.source(source)
        return (keys and keys.keep_days) or settings.archive.keep_days

    # The journals explain an article as long as the index holds it.
    journal_days = max(settings.dedupe.keep_days, settings.archive.keep_days)
    context.accepted.remove_before(f"{now - timedelta(days=journal_days):%Y%m%d}", removals)
    context.deps.archive.remove_expired(now, keep_days, journal_days, removals)


def _remove_partial(folder: Path, now: datetime, removals: Removals) -> None:
    """Remove the parts of objects whose reading stopped more than a day ago."""
    oldest = (now - timedelta(days=1)).timestamp()
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):
            if path.lstat().st_mtime < oldest:
                removals.remove(path, Path.unlink)


def _remove_leftovers(root: Root, now: datetime, removals: Removals) -> None:
    """Remove half-made and half-removed batches from `staging/` that no process holds."""
    if not root.staging.is_dir():
        return
    for path in root.staging.iterdir():
        name = path.name.removeprefix(".").removesuffix(".in")
        if is_batch(name) and now - time_of(name) > _MIN_LEFTOVER_AGE and is_free(path):
            removals.remove(path, shutil.rmtree if path.is_dir() else Path.unlink)
