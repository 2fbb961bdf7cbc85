"""Tidying: what has expired, and what a crash left half removed."""

import shutil
from datetime import datetime, timedelta

from worker.logs import get_logger
from worker.pipeline.context import Context
from worker.spool.batch import is_free
from worker.spool.layout import Root, is_batch, time_of

logger = get_logger(__name__)

_LEFT_BEHIND = timedelta(hours=1)


def clean_up(context: Context, *, now: datetime) -> None:
    """Remove raw files, journals, quarantine and accepted lists past their days, and leftovers."""
    settings, deps = context.settings, context.deps

    def keep_days(source: str) -> int:
        folder = settings.folder(source)
        own = folder.keep_days if folder else None
        return own or settings.archive.keep_days

    # The journals answer for an article as long as the index knows it.
    ledger_days = max(settings.dedupe.keep_days, settings.archive.keep_days)
    expired = deps.archive.tidy(now, keep_days, ledger_days)
    expired += deps.quarantine.tidy(now, timedelta(days=settings.quarantine.keep_days))
    context.accepted.forget_before((now - timedelta(days=ledger_days)).strftime("%Y%m%d"))
    left = sum(_remove_leftovers(root, now) for root in context.roots)
    if expired or left:
        logger.info("tidied", expired=expired, left_by_crashes=left)


def _remove_leftovers(root: Root, now: datetime) -> int:
    """Half-made and half-removed batches in `staging/` that nobody holds any more."""
    if not root.staging.is_dir():
        return 0
    gone = 0
    for path in root.staging.iterdir():
        stem = path.name.removeprefix(".").removesuffix(".in")
        if is_batch(stem) and now - time_of(stem) > _LEFT_BEHIND and is_free(path):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
            gone += 1
    return gone
