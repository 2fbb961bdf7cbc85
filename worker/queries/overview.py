"""Everything a person looks at first, in one value: the status page, its API and the terminal.

One call costs one look at the spool, one conversation with Redis, and no wait for a worker.
"""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from worker.errors import SpoolUnavailable
from worker.queries.activity import Activity, current_activity
from worker.queries.disk import Disk, disk
from worker.queries.problems import Problem, find_problems
from worker.queries.redis_snapshot import take_snapshot
from worker.queries.status import Status, build_status, exclude_settled
from worker.settings import Settings
from worker.spool.batch import Waiting
from worker.spool.layout import roots
from worker.spool.waiting import list_waiting
from worker.store.measures import Minute
from worker.store.server import ServerInfo

__all__ = ["Activity", "Disk", "Memory", "Minute", "Overview", "Problem", "Status", "get_overview"]


@dataclass(frozen=True, slots=True)
class Memory:
    """Redis' memory in bytes; `max` 0 is no limit."""

    used: int
    max: int


@dataclass(frozen=True, slots=True)
class Overview:
    """How everything stands. `problems` has the gravest first; `minutes` the oldest, and is empty
    where Redis does not answer; `working` holds those of this machine's spool."""

    status: Status
    problems: tuple[Problem, ...]
    minutes: tuple[Minute, ...]
    working: tuple[Activity, ...]
    disk: Disk
    memory: Memory | None

    def plain(self) -> dict[str, Any]:
        """As JSON has it: the status' fields, and the others beside them."""
        others = {field.name: getattr(self, field.name) for field in fields(self)}
        plain: dict[str, Any] = asdict(others.pop("status"))
        for name, value in others.items():
            many = isinstance(value, tuple)
            plain[name] = [asdict(one) for one in value] if many else value and asdict(value)
        return plain


def get_overview(settings: Settings, now: datetime, minutes: int = 180) -> Overview:
    """How everything stands at `now` (aware), with the articles of the last `minutes`.

    What is wrong is among its problems. Raises ConfigError.
    """
    listed, unreadable = _list_batches(settings)
    told, why = take_snapshot(settings, [batch.name for batch in listed], minutes)
    batches = exclude_settled(listed, told)
    status = build_status(settings, now, batches, told, why)
    server = told.server if told else None
    return Overview(
        status=status,
        problems=find_problems(settings, status, server, unreadable),
        minutes=told.minutes if told else (),
        working=current_activity(settings, batches, told.workers if told else ()),
        disk=disk(settings, listed),
        memory=_memory(server),
    )


def _list_batches(settings: Settings) -> tuple[list[Waiting], list[str]]:
    """(batches in the spool, one message for each spool folder that cannot be read)."""
    batches: list[Waiting] = []
    unreadable: list[str] = []
    for root in roots(settings):
        try:
            batches += list_waiting(root)
        except SpoolUnavailable as error:
            unreadable.append(str(error))
    return batches, unreadable


def _memory(server: ServerInfo | None) -> Memory | None:
    return Memory(server.used_memory, server.max_memory) if server else None
