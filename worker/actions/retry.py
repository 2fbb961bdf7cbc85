"""Refused inputs accepted again: they become batches, and leave quarantine."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from worker.errors import NotThere, UsageError
from worker.escape import printable
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.spool.claim import AcceptedLog, Candidate, batched, claim
from worker.spool.layout import manual_root
from worker.spool.manifest import Head
from worker.spool.quarantine import Quarantine, QuarantineItem
from worker.store.factory import job_store
from worker.store.jobs import Job, JobKind
from worker.taskqueue.client import notify_ingest

_Found = tuple[QuarantineItem, Path]


@dataclass(frozen=True, slots=True)
class Retried:
    """How many files were accepted again, under which job; `problems` in words."""

    job: str
    files: int = 0
    problems: tuple[str, ...] = ()


def retry(settings: Settings, ids: Iterable[str]) -> Retried:
    """Accept the quarantined inputs `ids` again, as their sources' files.

    Their bytes are moved into a batch before the rest of each is removed, so that a crash in
    between loses nothing. Raises UsageError, before anything is done, where one is not there;
    SpoolUnavailable.
    """
    quarantine = Quarantine(settings.state_dir)
    return _retry(settings, quarantine, [quarantine.get(one) for one in dict.fromkeys(ids)])


def retry_job(settings: Settings, job_id: str) -> Retried:
    """Accept again what is in quarantine of a job, as far as the job lists it
    (`jobs.max_refused`).

    Raises UsageError where there is no such job, or nothing of it is in quarantine any more;
    StoreUnavailable, SpoolUnavailable.
    """
    store = job_store(settings)
    if store.get(job_id) is None:
        raise NotThere(f"no job has the id {printable(job_id, 80)}: see `newsdrop jobs`")
    quarantine = Quarantine(settings.state_dir)
    found = []
    for one in store.refused(job_id, settings.jobs.max_refused):
        with suppress(UsageError):  # retried or discarded meanwhile
            found.append(quarantine.get(one.quarantine or ""))
    if not found:
        raise UsageError("nothing of this job is in quarantine: there is nothing to retry")
    return _retry(settings, quarantine, found)


def _retry(settings: Settings, quarantine: Quarantine, chosen: Sequence[QuarantineItem]) -> Retried:
    now = utc_now()
    job = f"retry-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    by_source: defaultdict[str, list[_Found]] = defaultdict(list)
    for refused in chosen:
        try:
            by_source[refused.source].append((refused, quarantine.raw_path(refused.id)))
        except UsageError:  # an earlier retry took them, killed before it removed the rest
            _removed(quarantine, refused.id)
    files = 0
    for source, all_refused in by_source.items():
        for group in batched(all_refused, max_count=settings.spool.batch_files):
            files += _claim(settings, quarantine, group, source=source, job=job, now=now)
    if not files:
        return Retried(job)
    _note(settings, job, files, ", ".join(sorted(by_source)), now)
    if notify_ingest(settings):
        return Retried(job, files)
    return Retried(job, files, ("Redis does not answer: they wait in the spool until it does",))


def _removed(quarantine: Quarantine, refused_id: str) -> None:
    with suppress(UsageError):  # two people may retry the same at once
        quarantine.discard(refused_id)


def _claim(
    settings: Settings,
    quarantine: Quarantine,
    group: Sequence[_Found],
    *,
    source: str,
    job: str,
    now: datetime,
) -> int:
    claimed = claim(
        manual_root(settings),
        Head.new(source, "retry", now, job),
        [Candidate(str(path), one.path, one.size, one.origin) for one, path in group],
        AcceptedLog(settings.state_dir),
    )
    for refused, _ in group:
        _removed(quarantine, refused.id)
    return claimed.files if claimed else 0


def _note(settings: Settings, job: str, files: int, sources: str, now: datetime) -> None:
    jobs = job_store(settings)
    created = int(now.timestamp() * 1000)
    jobs.open(Job(job, JobKind.RETRY, sources, "retried from quarantine", created))
    jobs.add_files(job, files)
