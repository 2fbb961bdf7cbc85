"""Copying finished segments of the archive to the bucket of `archive.url`, oldest first.

A segment is complete in the bucket when its journal is, as on the disk: the raw files are written
before it. Objects are created and never replaced, so a copy that is tried again changes nothing.
"""

import asyncio
from collections.abc import Container, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import compress, islice

from worker.errors import ConfigError, FetchFailed, Retryable
from worker.fetch import Fetcher
from worker.fetch.objects import (
    MAX_BACKOFF_SECONDS,
    BucketClient,
    ObjectChanged,
    ObjectDiffers,
    backoff_seconds,
)
from worker.logs import get_logger
from worker.model.times import rfc3339
from worker.pipeline.context import Context
from worker.sources.archive_bucket import archive_client, full_key
from worker.spool.archive import Archive
from worker.spool.batch import batch_names
from worker.spool.copy_record import (
    MAX_WAITING,
    CopyState,
    copied_batches,
    copy_key,
    finish,
    is_finished,
    mark_copied,
    read_state,
    write_state,
)
from worker.spool.layout import time_of, translate_errors
from worker.spool.lockfile import acquire_slot
from worker.spool.segment import Segment

logger = get_logger(__name__)

RUN_SECONDS, BUSY_SECONDS = 4.0, 1.0
"""One run while nothing else is to do, and while work waits."""
_AT_ONCE = 4


def copy_archive(context: Context) -> None:
    """Copy what waits, for some seconds; one process at a time. Raises SpoolUnavailable."""
    state_dir, now = context.settings.state_dir, context.deps.now()
    with acquire_slot(state_dir, "archive", 1) as slot, translate_errors(state_dir):
        before = read_state(state_dir)
        if slot is None or _is_early(before, now):
            return
        unfinished = {name for root in context.roots for name in batch_names(root)}
        waiting = _list_waiting(context.deps.archive, unfinished, int(now.timestamp() * 1e9))
        seconds = BUSY_SECONDS if unfinished else RUN_SECONDS
        uncopied, problem, is_away = asyncio.run(_copy_some(context, waiting, seconds))
        rest = list(islice(waiting, max(0, MAX_WAITING - len(uncopied))))
        failures, retry_at, oldest = 0, "", ""
        if problem and (is_away or not rest):
            failures = before.failures + 1
            retry_at = rfc3339(now + timedelta(seconds=backoff_seconds(failures)))
        if problem and problem != before.problem:
            logger.warning("the archive cannot be copied", error=problem)
        if uncopied := uncopied + rest:
            oldest = rfc3339(min(time_of(each.batch) for each in uncopied))
        write_state(state_dir, CopyState(len(uncopied), oldest, problem, failures, retry_at))


def _is_early(state: CopyState, now: datetime) -> bool:
    """Whether the next attempt is not due yet. A time far ahead is of a wrong clock: ignored."""
    if not state.retry_at:
        return False
    wait = datetime.fromisoformat(state.retry_at) - now
    return timedelta(0) < wait <= timedelta(seconds=MAX_BACKOFF_SECONDS)


def _list_waiting(archive: Archive, unfinished: Container[str], now_ns: int) -> Iterator[Segment]:
    """The segments that are not copied. That of a batch that is still in the spool, one of
    `unfinished`, may be written again: a power cut takes raw files and leaves the journal."""
    for folder in archive.folders():
        if not is_finished(folder):
            segments, copied = archive.segments_in(folder), copied_batches(folder)
            if rest := [each for each in segments if each.batch not in copied]:
                yield from (each for each in rest if each.batch not in unfinished)
            elif segments:
                finish(folder, now_ns)


async def _copy_some(
    context: Context, waiting: Iterator[Segment], seconds: float
) -> tuple[list[Segment], str, bool]:
    """Returns the segments that could not be copied, the last reason, and whether the store is
    unavailable. A failure of one segment does not stop the others."""
    clock = context.deps.clock
    deadline = clock() + seconds
    uncopied: list[Segment] = []
    problem = ""
    try:
        client = archive_client(context.settings)
    except ConfigError as error:
        return uncopied, str(error), True
    async with Fetcher(context.settings.fetch) as fetcher:
        while clock() < deadline and (group := list(islice(waiting, _AT_ONCE))):
            answers = await asyncio.gather(
                *(_copy(context, client, fetcher, each) for each in group), return_exceptions=True
            )
            uncopied += compress(group, (answer is not None for answer in answers))
            problem = _problem(answers) or problem
            if any(isinstance(answer, FetchFailed) for answer in answers):
                return uncopied, problem, True
    return uncopied, problem, False


def _problem(answers: Sequence[BaseException | None]) -> str:
    """Why a segment was not copied; '' where all were. Raises what is not expected."""
    expected = (Retryable, ObjectChanged, ObjectDiffers)
    for answer in answers:
        if answer is not None and not isinstance(answer, expected):
            raise answer
    return next((str(answer) for answer in answers if answer), "")


async def _copy(context: Context, client: BucketClient, fetcher: Fetcher, segment: Segment) -> None:
    """Raises FetchFailed, ObjectChanged, ObjectDiffers, SpoolUnavailable."""
    with translate_errors(segment.raw_path.parent):
        for path in (segment.raw_path, segment.journal_path):
            if path.exists():  # raw files may have expired before they could be copied
                key = full_key(context.settings, copy_key(path))
                await client.create(fetcher, key, path.read_bytes(), context.deps.now())
        mark_copied(segment.raw_path.parent, segment.batch)
