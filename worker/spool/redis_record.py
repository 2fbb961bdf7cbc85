"""The record of the Redis that newsdrop last saw: to notice a restart, and what that lost."""

import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from worker.errors import SpoolUnavailable
from worker.model.from_json import dataclass_from
from worker.spool.layout import translate_errors, write_durably

NAME = "redis-run-id"
_STREAM_ID = re.compile(r"([0-9]{1,19}-[0-9]{1,19})?")


@dataclass(frozen=True, slots=True)
class RedisRecord:
    """`run_id` is the run of the server with the id of its data, `last_id` the stream's last entry,
    both as last seen ('' if never).

    `lost_since` is set while articles may be missing in the stream: those archived from this time
    on (RFC 3339, UTC), which a restart lost and which are not published again yet.
    """

    run_id: str = ""
    last_id: str = ""
    lost_since: str | None = None


def read(state_dir: Path) -> RedisRecord:
    """The record; an empty one if there is none. Raises SpoolUnavailable."""
    path = state_dir / NAME
    if not os.path.lexists(path):
        return RedisRecord()
    with translate_errors(path):
        data = path.read_bytes()
    try:
        values: Any = orjson.loads(data)
        record = dataclass_from(RedisRecord, values)
        datetime.fromisoformat(record.lost_since or "2000-01-01")
        if not _STREAM_ID.fullmatch(record.last_id):
            raise ValueError("this is no entry of a stream")
        return record
    except (ValueError, TypeError, AttributeError):  # an older version wrote the run id alone
        return RedisRecord(data.decode("ascii", "replace"))


def written_at(state_dir: Path) -> datetime:
    """When the record was written, by the clock of then. Raises SpoolUnavailable."""
    with translate_errors(state_dir / NAME):
        return datetime.fromtimestamp((state_dir / NAME).stat().st_mtime, UTC)


def write(state_dir: Path, record: RedisRecord) -> None:
    """Raises SpoolUnavailable."""
    with translate_errors(state_dir / NAME):
        write_durably(state_dir / NAME, orjson.dumps(record))


def replay_command(state_dir: Path) -> str | None:
    """The command to run because a restart of Redis lost articles; None if there is none."""
    try:
        since = read(state_dir).lost_since
    except SpoolUnavailable:
        return None  # scans fail by it, and say so
    return f"newsdrop replay --since {since}" if since else None


def clear_loss(state_dir: Path, since: datetime | None) -> None:
    """Record that what was archived since then (None: everything) was published again."""
    record = read(state_dir)
    if record.lost_since and (since is None or since <= datetime.fromisoformat(record.lost_since)):
        write(state_dir, replace(record, lost_since=None))
