"""What each worker process is doing now, by the locks that it holds.

The kernel frees a lock when its holder dies, so no dead process is shown as active.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from worker.errors import SpoolUnavailable
from worker.model.times import rfc3339
from worker.settings import POLLED, Settings
from worker.spool import manifest
from worker.spool.batch import WaitingBatch
from worker.spool.claim import LOCK
from worker.spool.lockfile import LockHolder, read_holder, slot_holders
from worker.store.workers import WorkerInfo

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
