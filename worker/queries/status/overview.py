"""Everything a person looks at first, in one value: for the status page, its API and the terminal.

One call reads the spool's folders and Redis once, and never waits for a worker.
"""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from worker.errors import SpoolUnavailable
from worker.queries.status.activity import Activity, current_activity
from worker.queries.status.disk import Disk, disk
from worker.queries.status.problem import Problem
from worker.queries.status.problems import find_problems
from worker.queries.status.redis_snapshot import take_snapshot
from worker.queries.status.service import Status, build_status
from worker.settings import Settings
from worker.spool.batch import WaitingBatch
from worker.spool.layout import roots
from worker.spool.waiting import list_waiting
from worker.store.counters import Minute

__all__ = ["Activity", "Disk", "Memory", "Minute", "Overview", "Problem", "Status", "get_overview"]


@dataclass(frozen=True, slots=True)
class Memory:
    """Redis' memory in bytes; a `max` of 0 means no limit."""

    used: int
    max: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The overview. `problems` begins with the most severe, `minutes` with the oldest; `minutes` is
    empty where Redis does not answer. `working` holds the active processes of this machine's spool.
    """

    status: Status
    problems: tuple[Problem, ...]
    minutes: tuple[Minute, ...]
    working: tuple[Activity, ...]
    disk: Disk
    memory: Memory | None

    def plain(self) -> dict[str, Any]:
        """As in JSON: the fields of the status, and the other fields beside them."""
        others = {field.name: getattr(self, field.name) for field in fields(self)}
        plain: dict[str, Any] = asdict(others.pop("status"))
        for name, value in others.items():
            is_list = isinstance(value, tuple)
            plain[name] = [asdict(item) for item in value] if is_list else value and asdict(value)
        return plain


def get_overview(settings: Settings, now: datetime, minutes: int = 180) -> Overview:
    """The overview at `now` (aware), with the articles of the last `minutes`. What cannot be read
    is among its problems. Raises ConfigError."""
    listed, unreadable = _list_batches(settings)
    snapshot, why = take_snapshot(settings, [batch.name for batch in listed], minutes)
    settled = snapshot.counters.settled if snapshot else ()
    batches = [batch for batch in listed if batch.name not in settled]
    status = build_status(settings, now, batches, snapshot, why)
    server = snapshot.server if snapshot else None
    return Overview(
        status=status,
        problems=find_problems(settings, status, server, unreadable),
        minutes=snapshot.minutes if snapshot else (),
        working=current_activity(settings, batches, snapshot.workers if snapshot else ()),
        disk=disk(settings, listed),
        memory=Memory(server.used_memory, server.max_memory) if server else None,
    )


def _list_batches(settings: Settings) -> tuple[list[WaitingBatch], list[str]]:
    """(batches in the spool, one message for each spool folder that cannot be read)."""
    batches: list[WaitingBatch] = []
    unreadable: list[str] = []
    for root in roots(settings):
        try:
            batches += list_waiting(root)
        except SpoolUnavailable as error:
            unreadable.append(str(error))
    return batches, unreadable
