"""Everything a person looks at first, in one value: the status page, its API and the terminal.

One call costs one look at the spool, one conversation with Redis, and no wait for a worker.
"""

import shutil
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from worker.errors import SpoolUnavailable
from worker.queries.cache import kept
from worker.queries.problems import Problem, problems
from worker.queries.redis_snapshot import ask
from worker.queries.status import Status, status_of, unsettled
from worker.queries.working import Working, working
from worker.settings import MEGABYTE, Settings
from worker.spool.batch import Waiting
from worker.spool.disk_usage import archive_folders
from worker.spool.layout import roots
from worker.store.measures import Minute
from worker.store.server import ServerInfo

__all__ = ["Disk", "Memory", "Minute", "Overview", "Problem", "Status", "Working", "overview"]


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of the state directory, in bytes; intake pauses below `least`.

    `spool` and `archive` are what waits and what is kept; with `whole` False they are at least so
    much: a large archive is added up in several looks. `total` is None where the disk cannot be
    asked.
    """

    free: int | None
    total: int | None
    least: int
    spool: int
    archive: int
    whole: bool


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
    working: tuple[Working, ...]
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


def overview(settings: Settings, now: datetime, minutes: int = 180) -> Overview:
    """How everything stands at `now` (aware), with the articles of the last `minutes`.

    What is wrong is among its problems. Raises ConfigError.
    """
    batches, unreadable = _listed(settings)
    told, why = ask(settings, [batch.name for batch in batches], minutes)
    batches = unsettled(batches, told)
    status = status_of(settings, now, batches, told, why)
    server = told.server if told else None
    return Overview(
        status=status,
        problems=problems(settings, status, server, unreadable),
        minutes=told.minutes if told else (),
        working=working(settings, batches, told.workers if told else ()),
        disk=_disk(settings),
        memory=_memory(server),
    )


def _listed(settings: Settings) -> tuple[list[Waiting], list[str]]:
    """What waits, and why some of it cannot be told."""
    batches: list[Waiting] = []
    unreadable: list[str] = []
    for root in roots(settings):
        try:
            batches += kept(settings.state_dir).waits.look(root)
        except SpoolUnavailable as error:
            unreadable.append(str(error))
    return batches, unreadable


def _disk(settings: Settings) -> Disk:
    known = kept(settings.state_dir)
    spool = known.waits.used()
    archive = known.archive.of(archive_folders(settings.state_dir))
    try:
        disk = shutil.disk_usage(settings.state_dir)
    except OSError:
        disk = None
    return Disk(
        free=disk.free if disk else None,
        total=disk.total if disk else None,
        least=settings.spool.min_free_mb * MEGABYTE,
        spool=spool.bytes,
        archive=archive.bytes,
        whole=spool.whole and archive.whole,
    )


def _memory(server: ServerInfo | None) -> Memory | None:
    return Memory(server.used_memory, server.max_memory) if server else None
