"""Retention: the stream is trimmed, and groups that begin in the past get it from the archive.

`groups create --since` creates a group at a boundary. Up to it this module reads the archive into a
stream of the group's own, at most MAX_ENTRIES ahead of its consumers, which finish that stream
before they continue after the boundary.
"""

from dataclasses import replace
from datetime import datetime

from worker.logs import get_logger
from worker.model import Outcome
from worker.pipeline.context import Context
from worker.pipeline.replay import read_archived
from worker.spool.batch import batch_names
from worker.spool.layout import time_of
from worker.spool.lockfile import acquire_slot
from worker.spool.ownership import read_id
from worker.spool.segment import DamagedSegment, Segment
from worker.store.factory import stream_bounds
from worker.store.groups.past import Past, PastRecord
from worker.store.stream import id_key

logger = get_logger(__name__)

MAX_ENTRIES = 1_000
"""Entries of a group's own stream: what its consumers have not finished."""
RUN_SECONDS = 3.0
"""One run; the next one continues."""


def trim_stream(context: Context, now: datetime) -> None:
    """Remove what is beyond the bounds and no group needs; `now` is aware. Raises Retryable."""
    done = context.retention.trim(stream_bounds(context.settings, now))
    if done.unread:
        logger.warning(
            "the stream took too many bytes: entries that a group has not finished are removed",
            entries=done.unread,
            group=done.holder,
        )
    elif done.removed:
        logger.debug("stream trimmed", entries=done.removed)


def feed_past(context: Context) -> None:
    """Fill the stream of each group whose past is read from this archive, up to MAX_ENTRIES.

    One process at a time. Raises Retryable.
    """
    groups = context.past.list()
    if not groups:
        return
    with acquire_slot(context.settings.state_dir, "past", 1) as slot:
        for past in context.past.list() if slot else ():
            # A batch from before the group was made may have entries before the boundary: its
            # segment has to be there first.
            if past.owner == read_id(context.settings.state_dir) and not _is_early(context, past):
                _feed(context, past)


def _is_early(context: Context, past: Past) -> bool:
    created = datetime.fromisoformat(past.created_at)
    names = (name for root in context.roots for name in batch_names(root))
    return any(time_of(name) <= created for name in names)


def _feed(context: Context, past: Past) -> None:
    store = context.past
    room = MAX_ENTRIES - store.count(past.group)
    if past.is_read:
        if room == MAX_ENTRIES:
            store.end(past.group)
            logger.info("a group has read its past", group=past.group, records=past.read)
        return
    deadline = context.deps.clock() + RUN_SECONDS
    for segment in context.deps.archive.segments(past.batch[:8]):
        is_begun = segment.batch == past.batch
        if segment.batch < past.batch or (is_begun and past.is_finished):
            continue
        if room <= 0 or context.deps.clock() > deadline:
            return
        records, missing = _records(context, past, segment)
        begin = past.position if is_begun else 0
        fresh = records[begin : begin + room]
        position = begin + len(fresh)
        is_finished = position == len(records)
        if missing and is_finished:
            logger.warning("archived files are gone", group=past.group, records=missing)
        past = replace(
            past,
            batch=segment.batch,
            position=position,
            is_finished=is_finished,
            read=past.read + len(fresh),
            missing=past.missing + (missing if is_finished else 0),
        )
        if not store.add(past, fresh) or not is_finished:
            return
        room -= len(fresh)
    store.add(replace(past, is_read=True), ())


def _records(context: Context, past: Past, segment: Segment) -> tuple[list[PastRecord], int]:
    """The group's records of a segment in the order of its files, and how many more there were
    whose raw files are gone."""
    wanted: dict[tuple[int, int], Outcome] = {}
    records: list[PastRecord] = []
    try:
        if segment.journal_path.stat().st_mtime * 1000 < past.since_ms:
            return [], 0
        wanted = {o.place: o for o in segment.outcomes() if _belongs(context, past, o)}
        for request, outcome in read_archived(segment, wanted, context.deps):
            records.append(PastRecord(outcome, request.title, request.source, request.data))
    except FileNotFoundError:
        return [], 0  # it has just expired
    except DamagedSegment as error:  # it must not stop what comes after it
        logger.error("an archived batch is left out", group=past.group, error=str(error))
    return records, len(wanted) - len(records)


def _belongs(context: Context, past: Past, outcome: Outcome) -> bool:
    """Whether an outcome's entry was before the boundary, and is not in the stream after it: what
    Redis lost and `replay` published again has a new entry."""
    if not outcome.status.has_entry or not outcome.stream_id:
        return False
    if not past.since_ms <= id_key(outcome.stream_id)[0]:
        return False
    if id_key(outcome.stream_id) > id_key(past.boundary):
        return False
    mark = context.deps.articles.find(outcome.id) if outcome.id else None
    is_again = mark is not None and mark.last_published_ms > id_key(past.boundary)[0]
    return not (is_again and mark is not None and mark.revision == outcome.revision)
