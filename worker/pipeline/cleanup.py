"""Cleanup: remove what has expired, and what a crash left half removed."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from worker.logs import get_logger
from worker.pipeline.context import Context
from worker.pipeline.steady_time import decide, load_state, save_state
from worker.settings.clock import ClockReading
from worker.spool.batch import is_free
from worker.spool.layout import Root, is_batch, partial_dir, time_of
from worker.spool.quarantine import DISCARDED, Quarantine

logger = get_logger(__name__)

_MIN_LEFTOVER_AGE = timedelta(hours=1)


def clean_up(context: Context, now: ClockReading) -> None:
    """Remove expired raw files, journals, lists of accepted batches, quarantined and discarded
    inputs, and leftovers of crashes: what the cleanup before had found expired, too
    (see `steady_time`)."""
    state_dir = context.settings.state_dir
    state, confirmed = decide(load_state(state_dir, now.boot), now)
    if confirmed.time is not None:
        expired = _remove_expired(context, confirmed.time)
        leftovers = sum(_remove_leftovers(root, confirmed.time) for root in context.roots)
        leftovers += _remove_partial(partial_dir(context.settings), confirmed.time)
        if confirmed.long_time is not None:
            keep = timedelta(days=context.settings.quarantine.keep_days)
            expired += context.deps.quarantine.remove_expired(confirmed.long_time, keep)
            keep = timedelta(days=context.settings.quarantine.discarded_days)
            discarded = Quarantine(state_dir, DISCARDED)
            expired += discarded.remove_moved(confirmed.long_time, keep)
        if expired or leftovers:
            logger.info("cleaned up", expired=expired, leftovers=leftovers)
    save_state(state_dir, state)


def _remove_expired(context: Context, now: datetime) -> int:
    """Remove what expired in the archive and in the list of accepted batches."""
    settings = context.settings

    def keep_days(source: str) -> int:
        keys = settings.source(source)
        return (keys and keys.keep_days) or settings.archive.keep_days

    # The journals explain an article as long as the index holds it.
    journal_days = max(settings.dedupe.keep_days, settings.archive.keep_days)
    context.accepted.remove_before((now - timedelta(days=journal_days)).strftime("%Y%m%d"))
    return context.deps.archive.remove_expired(now, keep_days, journal_days)


def _remove_partial(folder: Path, now: datetime) -> int:
    """Remove the parts of objects whose reading stopped more than a day ago."""
    oldest, count = (now - timedelta(days=1)).timestamp(), 0
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
            count += 1
    return count


def _remove_leftovers(root: Root, now: datetime) -> int:
    """Remove half-made and half-removed batches from `staging/` that no process holds."""
    if not root.staging.is_dir():
        return 0
    count = 0
    for path in root.staging.iterdir():
        name = path.name.removeprefix(".").removesuffix(".in")
        if is_batch(name) and now - time_of(name) > _MIN_LEFTOVER_AGE and is_free(path):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
            count += 1
    return count
