"""After a restart of Redis: what was archived in its last minutes is published again.

`written` durability means that the reply came, not that the bytes are on disk: a server that dies
loses up to a second (`appendfsync everysec`), more if its disk stalls. A new run id shows that it
was restarted.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from worker.logs import get_logger
from worker.pipeline.context import Context
from worker.pipeline.replay import replay
from worker.spool.archive import Segment
from worker.spool.layout import write_durably
from worker.spool.lockfile import acquire_slot
from worker.store.server import get_run_id

logger = get_logger(__name__)

WINDOW = timedelta(minutes=5)


def recover(context: Context) -> None:
    """Compare the server's run id with the recorded one; if it changed, replay the last minutes.

    Raises Retryable; the new run id is recorded only after everything was published.
    """
    record = context.settings.state_dir / "redis-run-id"
    current = get_run_id(context.redis)
    recorded, last_seen = _read(record)
    if recorded == current:
        if context.deps.now() - last_seen > WINDOW / 2:
            record.touch()
        return
    # One process is enough: the others scan the folders meanwhile.
    with acquire_slot(context.settings.state_dir, "offer-again", 1) as slot:
        if slot is None or _read(record)[0] == current:
            return  # another process does it, or did it before we had the slot
        if recorded:
            segments = _archived_since(context, last_seen - WINDOW)
            lost = sum(replay(segment, context.deps) for segment in segments)
            log = logger.warning if lost else logger.info
            log("Redis was restarted: what it lost was published again", articles=lost)
        write_durably(record, current.encode("ascii"))


def _archived_since(context: Context, since: datetime) -> Iterator[Segment]:
    # A batch may have waited: its name tells when it was claimed, not when it was archived.
    first_day = (since - timedelta(days=1)).strftime("%Y%m%d")
    for segment in context.deps.archive.segments(first_day):
        if segment.journal_path.stat().st_mtime >= since.timestamp():
            yield segment


def _read(record: Path) -> tuple[str, datetime]:
    """The recorded run id, and when it was last seen."""
    try:
        return record.read_text("ascii"), datetime.fromtimestamp(record.stat().st_mtime, UTC)
    except FileNotFoundError:
        return "", datetime.fromtimestamp(0, UTC)
