"""Feeding the read model: finished segments are added to it, a bounded time per call.

While work waits it takes at most 2 % of one process's time, so that a search may be behind but an
article never is. A record comes from the stream; one that was trimmed is parsed again.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from worker.errors import Busy, FetchFailed, SpoolUnavailable
from worker.logs import get_logger
from worker.model import DECISIONS, Outcome, Status
from worker.pipeline.context import Context
from worker.pipeline.replay import read_archived
from worker.readmodel.database import open_writer
from worker.readmodel.decision import make_decision
from worker.readmodel.writer import ReadModelWriter
from worker.spool.claim import batched
from worker.spool.segment import Segment, SegmentHead

logger = get_logger(__name__)

RUN_SECONDS = 3.0
"""One run while nothing else is to do; it ends after the segment at which work comes."""

BUSY_SHARE = 0.02
"""The share of a process's time while work waits."""

_READ_AT_ONCE = 20
_READ_BYTES = 10_000_000
"""Records read from Redis in one call, and about how many bytes of them: one may have 60 MB."""

_LISTED = (*DECISIONS, Status.DEFERRED)
"""A deferred entry has no facets and no words: only the history of its article names it."""


def feed_search(context: Context) -> int:
    """Add finished segments until the time is over or none is missing; returns how many are still
    missing. Nothing is done while another process does it. Raises Retryable."""
    with open_writer(context.settings.state_dir) as db:
        if db is None:
            return 0
        writer = ReadModelWriter(db)
        start = time.time()
        if context.has_batches() and start < writer.get_state("rest_until"):
            return 0
        new = writer.find_new(context.deps.archive, time.time_ns())
        added = 0
        for segment in new:
            if added and (time.time() - start > RUN_SECONDS or context.has_batches()):
                break
            _add(context, writer, segment)
            added += 1
        writer.remove_expired(context.deps.archive)
        ended = time.time()
        rest = (ended - start) * (1 / BUSY_SHARE - 1)
        missing = len(new) - added
        writer.set_state(missing=missing, at=ended, rest_until=ended + rest)
        return missing


def rebuild_search(context: Context) -> Iterator[tuple[int, int]]:
    """Build the read model again from the whole archive, beside the present one, which is replaced
    at the end. Yields (segments added, segments in all) after each. Raises Retryable."""
    with open_writer(context.settings.state_dir, rebuild=True) as db:
        if db is None:
            raise Busy(
                "a worker is adding to the search index just now: try again in a few seconds"
            )
        writer = ReadModelWriter(db)
        new = writer.find_new(context.deps.archive, time.time_ns())
        for added, segment in enumerate(new, 1):
            _add(context, writer, segment)
            yield added, len(new)
        writer.set_state(missing=0, at=time.time())


def _add(context: Context, writer: ReadModelWriter, segment: Segment) -> None:
    try:
        head = segment.head()
        outcomes = [each for each in segment.outcomes() if each.status in _LISTED]
    except FileNotFoundError:
        return  # it has just expired
    except SpoolUnavailable as error:
        logger.error("an archived batch is left out of the search index", error=str(error))
        writer.add(segment.batch, [])  # damaged: without its articles the others are found
        return
    records = _read_stream(context, head, outcomes)
    missing = {key: each for key, each in _published(outcomes).items() if key not in records}
    if missing and writer.may_try(segment.batch):
        with suppress(FetchFailed):  # copies that cannot be read must not stop the others
            for request, outcome in read_archived(segment, missing, context.deps):
                if len(request.data) <= _READ_BYTES:
                    records[outcome.place] = orjson.loads(request.data)
    origins = {file.entry: file.origin for file in head.files}
    decisions = [
        make_decision(head, origins.get(each.entry), each, records.get(each.place))
        for each in outcomes
    ]
    writer.add(segment.batch, decisions)


def _published(outcomes: Sequence[Outcome]) -> dict[tuple[int, int], Outcome]:
    return {each.place: each for each in outcomes if each.status.has_record}


def _read_stream(
    context: Context, head: SegmentHead, outcomes: Sequence[Outcome]
) -> dict[tuple[int, int], Mapping[str, Any]]:
    """The records that are still in the stream, by their places."""
    sizes = {file.entry: file.size for file in head.files}
    records: dict[tuple[int, int], Mapping[str, Any]] = {}
    for group in batched(
        (each for each in _published(outcomes).values() if each.stream_id is not None),
        size_of=lambda each: sizes.get(each.entry, 0),
        max_count=_READ_AT_ONCE,
        max_bytes=_READ_BYTES,
    ):
        entries = context.articles.read_each([each.stream_id or "" for each in group])
        for each, entry in zip(group, entries, strict=True):
            if entry is not None and entry.id == each.id:
                records[each.place] = orjson.loads(entry.data)
    return records
