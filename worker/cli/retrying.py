"""What `quarantine retry` does: refused inputs become batches again."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from worker.bell import ring_ingest
from worker.errors import UsageError
from worker.settings import Settings
from worker.spool.accepted import Accepted
from worker.spool.claim import Candidate, claim
from worker.spool.layout import manual_root
from worker.spool.quarantine import Quarantine, Refused
from worker.store.jobs import Job, JobKind
from worker.store.opened import job_store
from worker.times import utc_now


@dataclass(slots=True)
class Retried:
    """What was accepted again, under which job."""

    job: str
    files: int = 0
    problems: list[str] = field(default_factory=list)


def retry(settings: Settings, ids: Sequence[str]) -> Retried:
    """Accept the quarantined inputs `ids` again, as their sources' files.

    Their bytes are moved into a batch before the rest of each is removed, so that a crash in
    between loses nothing. Raises UsageError, SpoolUnavailable.
    """
    quarantine = Quarantine(settings.state_dir)
    now = utc_now()
    report = Retried(f"retry-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}")
    by_source: defaultdict[str, list[Refused]] = defaultdict(list)
    for refused_id in ids:
        refused = quarantine.get(refused_id)
        if _has_bytes(quarantine, refused_id):
            by_source[refused.source].append(refused)
        else:  # an earlier retry took them and was killed before it removed the rest
            quarantine.discard(refused_id)
    most = settings.spool.batch_files
    for source, all_refused in by_source.items():
        for start in range(0, len(all_refused), most):
            group = all_refused[start : start + most]
            report.files += _claim(
                settings, quarantine, group, source=source, job=report.job, now=now
            )
    if report.files:
        sources = ", ".join(sorted(by_source))
        _note(settings, report, sources, now)
        if not ring_ingest(settings):
            report.problems.append("Redis does not answer: they wait in the spool until it does")
    return report


def _has_bytes(quarantine: Quarantine, refused_id: str) -> bool:
    try:
        quarantine.raw_path(refused_id)
    except UsageError:
        return False
    return True


def _claim(
    settings: Settings,
    quarantine: Quarantine,
    group: Sequence[Refused],
    *,
    source: str,
    job: str,
    now: datetime,
) -> int:
    claimed = claim(
        manual_root(settings),
        [Candidate(str(quarantine.raw_path(r.id)), r.path, r.size, r.origin) for r in group],
        Accepted(settings.state_dir),
        source=source,
        kind="retry",
        now=now,
        job=job,
    )
    for refused in group:
        quarantine.discard(refused.id)
    return claimed.files if claimed else 0


def _note(settings: Settings, report: Retried, sources: str, now: datetime) -> None:
    jobs = job_store(settings)
    created = int(now.timestamp() * 1000)
    jobs.open(Job(report.job, JobKind.RETRY, sources, "retried from quarantine", created))
    jobs.add_files(report.job, report.files)
