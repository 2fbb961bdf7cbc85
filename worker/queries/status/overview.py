"""Everything a person looks at first, in one value: for the status page, its API and the terminal.

One call reads the spool's folders and Redis once, and never waits for a worker. The processes that
work now are found by the locks they hold: the kernel frees the lock of a dead one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from worker.errors import SpoolUnavailable
from worker.model.times import rfc3339
from worker.queries.status.disk import Disk, read_disk
from worker.queries.status.problem import Problem
from worker.queries.status.problems import find_problems
from worker.queries.status.redis_snapshot import take_snapshot
from worker.queries.status.service import Status, build_status
from worker.settings import POLLED, Settings
from worker.spool import manifest
from worker.spool.batch import WaitingBatch
from worker.spool.claim import LOCK
from worker.spool.layout import roots
from worker.spool.lockfile import LockHolder, read_holder, slot_holders
from worker.spool.waiting import list_waiting
from worker.store.counters import Minute
from worker.store.workers import WorkerInfo

__all__ = ["Activity", "Disk", "Memory", "Minute", "Overview", "Problem", "Status", "get_overview"]


FETCHING = "fetch"
INGESTING = "ingest"


@dataclass(frozen=True, slots=True)
class Activity:
    """One active process. `what` is `ingest` or `fetch`.

    `worker` is the name of its worker and `pid` the worker's process; `process_pid` is its own. A
    process that ingests has a `batch` of `files` files and the `job` that brought it; for one that
    fetches, `files` is the number of fetches in progress. `since` is RFC 3339, UTC.
    """

    what: str
    worker: str
    host: str
    pid: int
    process_pid: int
    source: str
    batch: str | None
    job: str | None
    files: int
    since: str


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
        disk=read_disk(settings, listed),
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


def current_activity(
    settings: Settings, batches: Iterable[WaitingBatch], workers: Sequence[WorkerInfo]
) -> tuple[Activity, ...]:
    """The active processes, by worker and process. `batches` are those in the spool."""
    names = {(worker.host, worker.pid): worker.name for worker in workers}
    activities = list(_ingesting(batches, names))
    for process in slot_holders(settings.state_dir, "fetch"):
        activities.append(_activity(FETCHING, process, names, POLLED, process.count))
    return tuple(sorted(activities, key=lambda activity: (activity.worker, activity.process_pid)))


_Names = Mapping[tuple[str, int], str]


def _ingesting(batches: Iterable[WaitingBatch], names: _Names) -> Iterator[Activity]:
    for batch in batches:
        if not batch.is_locked:
            continue
        folder = batch.root.work / batch.name
        try:
            process, head = read_holder(folder / LOCK), manifest.load(folder).head
        except SpoolUnavailable:
            continue  # it was finished in between
        if process is not None:  # otherwise files are still being added
            yield _activity(
                INGESTING, process, names, batch.source, batch.files, batch=batch.name, job=head.job
            )


def _activity(
    what: str,
    process: LockHolder,
    names: _Names,
    source: str,
    files: int,
    *,
    batch: str | None = None,
    job: str | None = None,
) -> Activity:
    host, pid = process.host, process.parent
    worker = names.get((host, pid), f"newsdrop@{host}-{pid}")
    since = rfc3339(process.since)
    return Activity(what, worker, host, pid, process.pid, source, batch, job, files, since)
