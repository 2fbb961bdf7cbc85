"""What each worker's process does now, told by the locks that it holds.

A lock is free the moment its holder dies, so nobody is shown at work who is not there.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from worker.errors import SpoolUnavailable
from worker.model.times import rfc3339
from worker.settings import POLLED, Settings
from worker.sources.semaphore import holders
from worker.spool import manifest
from worker.spool.batch import Waiting
from worker.spool.claim import LOCK
from worker.spool.lockfile import LockHolder, holder
from worker.store.workers import WorkerInfo

FETCHING = "fetch"
INGESTING = "ingest"


@dataclass(frozen=True, slots=True)
class Activity:
    """One process at work. `what` is `ingest` or `fetch`.

    `worker` is the name of its worker and `pid` that one's process, `process_pid` its own. Where it
    ingests there is a `batch` of so many `files`, and the `job` that brought it; where it fetches,
    `files` is how many feeds and pages are in the air. `since` is RFC 3339, UTC.
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
    settings: Settings, batches: Iterable[Waiting], workers: Sequence[WorkerInfo]
) -> tuple[Activity, ...]:
    """Who is at work, by worker and process. `batches` are those in the spool."""
    names = {(one.host, one.pid): one.name for one in workers}
    found = [*_ingesting(batches), *_fetching(settings)]
    shown = (
        Activity(
            what=what,
            worker=names.get((who.host, who.parent), f"newsdrop@{who.host}-{who.parent}"),
            host=who.host,
            pid=who.parent,
            process_pid=who.pid,
            source=source,
            batch=batch,
            job=job,
            files=files,
            since=rfc3339(who.since),
        )
        for what, who, source, batch, job, files in found
    )
    return tuple(sorted(shown, key=lambda one: (one.worker, one.process_pid)))


_Found = tuple[str, LockHolder, str, str | None, str | None, int]


def _ingesting(batches: Iterable[Waiting]) -> Iterator[_Found]:
    for batch in batches:
        if not batch.locked:
            continue
        folder = batch.root.work / batch.name
        try:
            who, head = holder(folder / LOCK), manifest.load(folder).head
        except SpoolUnavailable:
            continue  # finished meanwhile
        if who is not None:  # else it is just being filled
            yield INGESTING, who, batch.source, batch.name, head.job, batch.files


def _fetching(settings: Settings) -> Iterator[_Found]:
    for who in holders(settings.state_dir, "fetch"):
        yield FETCHING, who, POLLED, None, None, who.count
