"""Quarantined inputs: accept them again, discard them, or restore what was discarded."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from worker.errors import NotThere, UsageError
from worker.escape import printable
from worker.settings import POLLED, Settings
from worker.settings.clock import utc_now
from worker.spool.claim import AcceptedLog, batched, claim
from worker.spool.layout import manual_root
from worker.spool.manifest import RETRY, Head
from worker.spool.quarantine import DISCARDED, Quarantine, QuarantineItem
from worker.spool.transfer import Candidate
from worker.store.factory import job_store
from worker.store.jobs import Job, JobKind
from worker.taskqueue.client import notify_ingest
from worker.translation import mark

_RawFile = tuple[QuarantineItem, Path]


@dataclass(frozen=True, slots=True)
class RetryResult:
    """The number of files accepted again, and their job; `problems` in words."""

    job: str
    files: int = 0
    problems: tuple[str, ...] = ()


def retry(settings: Settings, ids: Iterable[str], *, accept_warnings: bool = False) -> RetryResult:
    """Accept the quarantined inputs `ids` again, as files of their sources. With `accept_warnings`
    articles with warnings are published, also where the source or the enqueue is strict.

    The bytes are moved into a batch before the folder of the input is removed, so a crash in
    between loses nothing. Raises UsageError, before anything is done, for an unknown id;
    SpoolUnavailable.
    """
    quarantine = Quarantine(settings.state_dir)
    chosen = [quarantine.get(each) for each in dict.fromkeys(ids)]
    if accept_warnings:
        chosen = [replace(item, strict=False) for item in chosen]
    return _retry(settings, quarantine, chosen)


def retry_job(settings: Settings, job_id: str) -> RetryResult:
    """Accept the quarantined inputs of a job again, as far as the job lists them
    (`jobs.max_refused`).

    Raises UsageError where there is no such job, or none of its inputs is in quarantine any more;
    StoreUnavailable, SpoolUnavailable.
    """
    store = job_store(settings)
    if store.get(job_id) is None:
        raise NotThere(f"no job has the id {printable(job_id, 80)}: see `newsdrop jobs`")
    quarantine = Quarantine(settings.state_dir)
    refused = []
    summaries = store.refused(job_id, settings.jobs.max_refused)
    for name in dict.fromkeys(summary.quarantine for summary in summaries):
        with suppress(UsageError):  # it was retried or discarded in between
            refused.append(quarantine.get(name or ""))
    if not refused:
        raise UsageError("nothing of this job is in quarantine: there is nothing to retry")
    return _retry(settings, quarantine, refused)


def discard(settings: Settings, ids: Iterable[str]) -> int:
    """Remove the quarantined inputs `ids`; returns how many were removed. They can be restored for
    `quarantine.discarded_days`.

    Raises UsageError, before anything is removed, for an unknown id; SpoolUnavailable.
    """
    return _move(ids, Quarantine(settings.state_dir), Quarantine(settings.state_dir, DISCARDED))


def restore(settings: Settings, ids: Iterable[str]) -> int:
    """Bring the discarded inputs `ids` back into quarantine; returns how many came back.

    Raises UsageError, before anything is moved, for an unknown id; SpoolUnavailable.
    """
    return _move(ids, Quarantine(settings.state_dir, DISCARDED), Quarantine(settings.state_dir))


def _move(ids: Iterable[str], source: Quarantine, target: Quarantine) -> int:
    chosen = list(dict.fromkeys(ids))
    for refused_id in chosen:
        source.get(refused_id)
    moved_count = 0
    for refused_id in chosen:
        with suppress(UsageError):  # another person removed or retried it first
            moved_count += source.move(refused_id, target)
    return moved_count


def _retry(
    settings: Settings, quarantine: Quarantine, chosen: Sequence[QuarantineItem]
) -> RetryResult:
    now = utc_now()
    job = f"retry-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    alike: defaultdict[tuple[str, bool | None], list[_RawFile]] = defaultdict(list)
    for refused in chosen:
        try:
            raw = quarantine.raw_path(refused.id)
            alike[_batch_source(refused), refused.strict].append((refused, raw))
        except UsageError:  # an earlier retry was killed after it took the bytes
            _remove(quarantine, refused.id)
    files = 0
    for (source, strict), all_refused in alike.items():
        head = partial(Head.new, source, RETRY, now, job, strict=strict)
        for group in batched(all_refused, max_count=settings.spool.batch_files):
            files += _claim(settings, quarantine, group, head())
    if not files:
        return RetryResult(job)
    sources = ", ".join(sorted({source for source, _ in alike}))
    label, created_ms = mark("retried from quarantine"), int(now.timestamp() * 1000)
    job_store(settings).open(Job(job, JobKind.RETRY, sources, label, created_ms), files)
    if notify_ingest(settings):
        return RetryResult(job, files)
    return RetryResult(
        job, files, ("Redis does not answer; the files wait in the spool until then",)
    )


def _batch_source(refused: QuarantineItem) -> str:
    """As at the first time: all that was polled is counted as one source."""
    return POLLED if refused.origin and refused.origin.feed_url else refused.source


def _remove(quarantine: Quarantine, refused_id: str) -> None:
    with suppress(UsageError):  # another person removed or retried it first
        quarantine.remove(refused_id)


def _claim(
    settings: Settings, quarantine: Quarantine, group: Sequence[_RawFile], head: Head
) -> int:
    claimed = claim(
        manual_root(settings),
        head,
        [Candidate(str(path), one.path, one.size, one.origin) for one, path in group],
        AcceptedLog(settings.state_dir),
    )
    for refused, _ in group:
        _remove(quarantine, refused.id)
    return claimed.files if claimed else 0
