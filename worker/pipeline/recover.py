"""After a restart of Redis: what was archived in its last minutes is offered again.

`written` durability means that the reply came, not that the bytes are on the disk: a server that
dies takes up to a second with it (`appendfsync everysec`), more where a disk stalls. Its run id
tells that it was started anew.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from worker.logs import get_logger
from worker.pipeline.context import Context
from worker.pipeline.replay import replay
from worker.sources.semaphore import acquire_slot
from worker.spool.archive import Segment
from worker.spool.layout import write_durably
from worker.store.server import run_id

logger = get_logger(__name__)

WINDOW = timedelta(minutes=5)


def recover(context: Context) -> None:
    """Compare the server's run id with the one noted; if it changed, replay the last minutes.

    Raises Retryable; the new run id is noted only when everything was offered.
    """
    note = context.settings.state_dir / "redis-run-id"
    running = run_id(context.redis)
    before, last_seen = _read(note)
    if before == running:
        if context.deps.now() - last_seen > WINDOW / 2:
            note.touch()
        return
    # One process is enough: the others look at the folders meanwhile.
    with acquire_slot(context.settings.state_dir, "offer-again", 1) as held:
        if held is not None:
            _offer(context, note, before, last_seen, running)


def _offer(context: Context, note: Path, before: str, last_seen: datetime, running: str) -> None:
    if _read(note)[0] == running:
        return  # another process was done between our look and our lock
    if before:
        recent = _archived_since(context, last_seen - WINDOW)
        lost = sum(replay(segment, context.deps) for segment in recent)
        said = logger.warning if lost else logger.info
        said("Redis was started anew: what it lost was published again", articles=lost)
    write_durably(note, running.encode("ascii"))


def _archived_since(context: Context, since: datetime) -> Iterator[Segment]:
    # A batch may have waited: its name tells when it was claimed, its head when it was archived.
    first = (since - timedelta(days=1)).strftime("%Y%m%d")
    for segment in context.deps.archive.segments(first):
        if segment.journal_path.stat().st_mtime >= since.timestamp():
            yield segment


def _read(note: Path) -> tuple[str, datetime]:
    """The run id noted, and when it was last seen to be that."""
    try:
        return note.read_text("ascii"), datetime.fromtimestamp(note.stat().st_mtime, UTC)
    except FileNotFoundError:
        return "", datetime.fromtimestamp(0, UTC)
