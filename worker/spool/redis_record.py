"""What newsdrop last saw of its Redis: to notice a restart, and what that lost."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from worker.model.from_json import dataclass_from
from worker.spool.layout import write_durably

NAME = "redis-run-id"


@dataclass(frozen=True, slots=True)
class RedisRecord:
    """`run_id` is the run of the server and `last_id` the stream's last entry, both as last seen
    ('' if never).

    `lost_since` is set while articles may be missing in the stream: those archived from this time
    on (RFC 3339, UTC), which a restart lost and which are not published again yet.
    """

    run_id: str = ""
    last_id: str = ""
    lost_since: str | None = None


def read(state_dir: Path) -> RedisRecord:
    """The record; an empty one if there is none. Raises OSError."""
    try:
        data = (state_dir / NAME).read_bytes()
    except FileNotFoundError:
        return RedisRecord()
    try:
        values: Any = orjson.loads(data)
        return dataclass_from(RedisRecord, values)
    except (ValueError, TypeError, AttributeError):  # an older version wrote the run id alone
        return RedisRecord(data.decode("ascii", "replace"))


def written_at(state_dir: Path) -> datetime:
    """When the record was written, by the clock of then."""
    return datetime.fromtimestamp((state_dir / NAME).stat().st_mtime, UTC)


def write(state_dir: Path, record: RedisRecord) -> None:
    """Raises OSError."""
    write_durably(state_dir / NAME, orjson.dumps(record))


def replay_command(state_dir: Path) -> str | None:
    """What a person has to run because a restart of Redis lost articles; None if nothing."""
    try:
        since = read(state_dir).lost_since
    except OSError:
        return None
    return f"newsdrop replay --since {since}" if since else None


def clear_loss(state_dir: Path, since: datetime | None) -> None:
    """Record that what was archived since then (None: everything) was published again."""
    record = read(state_dir)
    if record.lost_since and (since is None or since <= datetime.fromisoformat(record.lost_since)):
        write(state_dir, replace(record, lost_since=None))
