"""The window of stories, filled from the archive: after `near` was set, its days were changed, or
Redis lost it.

What is published stays as it is; new articles join the stories of the archived ones. An article
that is in the window already is not added again: a run may stop and continue at any time.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from worker.errors import SpoolUnavailable
from worker.model import Near, Outcome, PublishRequest
from worker.model.from_json import dataclass_from
from worker.pipeline.context import Context
from worker.pipeline.publisher import MAX_ARTICLES
from worker.pipeline.replay import read_archived
from worker.spool.claim import batched
from worker.spool.layout import write_durably
from worker.spool.segment import Segment

_LONGEST_PAUSE = 2.0
"""Seconds. After a segment the run pauses for as long as that took, so that the service can work.
"""


@dataclass(slots=True)
class RebuildResult:
    """Counts of a run. `firsts` of `articles` became the first of a story in the window. `last` is
    the segment that was read last; `near_days` is that of the settings."""

    near_days: int
    segments: int = 0
    articles: int = 0
    firsts: int = 0
    last: str = ""
    resumed: int = 0
    """Segments that an earlier run had read."""


def rebuild_stories(
    context: Context,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
    pause: Callable[[float], None] = time.sleep,
) -> RebuildResult:
    """Add the articles of the last `dedupe.near_days` of the sources that mark stories, oldest
    first; `on_progress` receives the number of batches. Raises Retryable; the same call then
    continues where it stopped."""
    deps, days = context.deps, context.settings.dedupe.near_days
    path = context.settings.state_dir / "stories.json"
    begin = deps.now() - timedelta(days=days)
    result = RebuildResult(days)
    with suppress(OSError, ValueError, TypeError):
        earlier = dataclass_from(RebuildResult, orjson.loads(path.read_bytes()))
        if earlier.near_days == days:
            result, earlier.resumed = earlier, earlier.segments
    # A batch may have waited for a day before it was archived.
    first_day = (begin - timedelta(days=1)).strftime("%Y%m%d")
    for segment in deps.archive.segments(first_day, after=result.last):
        begun_at = deps.clock()
        with suppress(FileNotFoundError):  # it has expired meanwhile
            _add(context, segment, begin, result)
        result.last, result.segments = segment.batch, result.segments + 1
        write_durably(path, orjson.dumps(result))
        on_progress(result.segments)
        pause(min(deps.clock() - begun_at, _LONGEST_PAUSE))
    path.unlink(missing_ok=True)
    return result


def _add(context: Context, segment: Segment, begin: datetime, result: RebuildResult) -> None:
    for part in batched(_read(context, segment, begin), max_count=MAX_ARTICLES):
        result.articles += len(part)
        result.firsts += context.articles.remember(part)


def _read(context: Context, segment: Segment, begin: datetime) -> Iterator[PublishRequest]:
    """The newest revisions of a segment's articles that were published since `begin`."""
    deps = context.deps
    try:
        head = segment.head()
    except (FileNotFoundError, SpoolUnavailable):
        return  # it has just expired, or its journal is damaged: `newsdrop audit` counts such
    sources = {file.entry: (file.origin or head.batch).source for file in head.files}

    def is_wanted(outcome: Outcome) -> bool:
        if not outcome.status.has_record or not outcome.id or not outcome.ingested_at:
            return False
        if datetime.fromisoformat(outcome.ingested_at) < begin:
            return False
        if deps.profile(sources[outcome.entry]).near is not Near.MARK:
            return False
        mark = deps.articles.find(outcome.id)
        return mark is not None and mark.revision == outcome.revision and not mark.is_withdrawn

    wanted = {outcome.place: outcome for outcome in segment.outcomes() if is_wanted(outcome)}
    for request, _ in read_archived(segment, wanted, deps):
        if request.marks is not None:
            yield request
