"""After a restart of Redis: what it lost is published again from the archive.

`written` durability means that the reply came, not that the bytes are on disk: a server that dies
loses up to a second (`appendfsync everysec`), more if its disk stalls, and one without an
append-only file everything since its last snapshot. A new run id shows that it was restarted,
another id of the data that all keys are gone (FLUSHALL), or that it is another stream.

What was archived in the last minutes is looked up in any case. If the last entry that was recorded
before the restart is gone, more is missing: then everything is looked up that was archived after
the newest remaining entry. That may take long, so its time is bounded; for the rest `status`,
`doctor` and `health` show the command.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from worker.errors import FetchFailed, SpoolUnavailable
from worker.logs import get_logger
from worker.model.times import rfc3339
from worker.pipeline.context import Context
from worker.pipeline.replay import replay
from worker.spool import redis_record
from worker.spool.lockfile import acquire_slot
from worker.spool.redis_record import RedisRecord
from worker.spool.segment import Segment
from worker.store.server import get_start_ms, was_promoted
from worker.store.stream import id_key

logger = get_logger(__name__)

WINDOW = timedelta(minutes=5)
"""A batch is archived within seconds after its articles are published."""
EXTRA_SECONDS = 10.0
"""For what was archived before the last minutes: a task has its time limit."""


def recover(context: Context) -> None:
    """Compare the server's run id with the recorded one; if it changed, replay what is lost.

    Raises Retryable; the new run id is recorded only after everything was published.
    """
    state_dir = context.settings.state_dir
    current = context.articles.get_run_id()
    record = redis_record.read(state_dir)
    if record.run_id == current:
        age = context.deps.now() - redis_record.written_at(state_dir)
        if not timedelta() <= age <= WINDOW / 2:  # below zero: the clock was ahead
            _write(context, record)
        return
    # One process is enough: the others scan the folders meanwhile.
    with acquire_slot(state_dir, "offer-again", 1) as slot:
        record = redis_record.read(state_dir)
        if slot is None or record.run_id == current:
            return  # another process does it, or did it before we had the slot
        if record.run_id:
            record = replace(record, lost_since=_recover(context, record, current))
        _write(context, replace(record, run_id=current))


def _write(context: Context, record: RedisRecord) -> None:
    newest = context.articles.read_newest(1)
    last_id = newest[0].stream_id if newest else ""
    redis_record.write(context.settings.state_dir, replace(record, last_id=last_id))


def _recover(context: Context, record: RedisRecord, current: str) -> str | None:
    """Publish again what is lost; since when something may still be missing, if it may. The run id
    is `current`."""
    now = context.deps.now()
    # A clock that was ahead, and is right again, must not make the window empty.
    seen_at = min(redis_record.written_at(context.settings.state_dir), now)
    begin = seen_at - WINDOW
    is_emptied = _data_id(record.run_id) not in ("", _data_id(current))
    first = datetime.fromtimestamp(0, UTC) if is_emptied else _first_loss(context, record, begin)
    older, recent = _archived_since(context, first, begin)
    deadline = context.deps.clock() + EXTRA_SECONDS
    lost, missing_since = 0, record.lost_since
    for archived_at, segment in (*older, *recent):
        is_in_time = archived_at >= begin or context.deps.clock() <= deadline
        published = _replay(segment, context) if is_in_time else None
        if published is None:
            since = rfc3339(archived_at - WINDOW)  # its head has an earlier time than its file
            missing_since = min(since, missing_since or since)
        lost += published or 0
    log = logger.warning if lost else logger.info
    how = "Redis was emptied, or has another stream" if is_emptied else "Redis was restarted"
    log(f"{how}: what it lost was published again", articles=lost)
    if missing_since:
        logger.error("Redis lost more articles: run newsdrop replay", since=missing_since)
    return missing_since


def _replay(segment: Segment, context: Context) -> int | None:
    """The number of lost articles that were published; None where the segment cannot be read now,
    because it is damaged or its raw files are only in a bucket: the scans come after this."""
    try:
        return replay(segment, context.deps)
    except FileNotFoundError:
        return 0  # it has just expired
    except (FetchFailed, SpoolUnavailable) as error:
        logger.error("an archived batch is not published again", error=str(error))
        return None


def _data_id(run_id: str) -> str:
    """'' in the record of an older version."""
    return run_id.partition(" ")[2]


def _first_loss(context: Context, record: RedisRecord, begin: datetime) -> datetime:
    """From when on archived articles may be lost: `begin`, or earlier if an entry that was seen
    before that is gone."""
    articles = context.articles
    if not record.last_id or articles.read(record.last_id, 1, end=record.last_id):
        return begin
    first = articles.read(count=1)
    if first and id_key(first[0].stream_id) > id_key(record.last_id):
        return begin  # it was trimmed
    # Entries after the start are new ones. The time of the start is rounded down to a second.
    # A replica that took over has been up for longer, and lacks only what came last.
    is_replica = was_promoted(context.redis)
    limit = record.last_id if is_replica else str(get_start_ms(context.redis))
    remaining = articles.read_before(limit, 1)
    # A later ID: a clock was set meanwhile.
    if not remaining or id_key(remaining[0].stream_id) > id_key(record.last_id):
        return datetime.fromtimestamp(0, UTC)
    seconds = id_key(remaining[0].stream_id)[0] / 1000
    return min(begin, datetime.fromtimestamp(seconds, UTC) - WINDOW)


def _archived_since(
    context: Context, first: datetime, begin: datetime
) -> tuple[Sequence[tuple[datetime, Segment]], Sequence[tuple[datetime, Segment]]]:
    """The segments archived since `first` and before `begin`, and those since `begin`, with the
    time; oldest first."""
    older, recent = [], []
    # A batch may have waited: its name tells when it was claimed, not when it was archived.
    first_day = max(first, datetime.fromtimestamp(86_400, UTC)) - timedelta(days=1)
    for segment in context.deps.archive.segments(first_day.strftime("%Y%m%d")):
        try:
            at = datetime.fromtimestamp(segment.journal_path.lstat().st_mtime, UTC)
        except FileNotFoundError:
            continue  # it has just expired
        if at >= begin:
            recent.append((at, segment))
        elif at >= first:
            older.append((at, segment))
    return sorted(older, key=itemgetter(0)), sorted(recent, key=itemgetter(0))
