"""Jobs: each enqueue, and what the scan found of a source within an hour."""

from dataclasses import asdict, dataclass

from worker.errors import NotThere, SpoolUnavailable
from worker.escape import printable
from worker.settings import Settings
from worker.spool import manifest
from worker.spool.batch import Waiting, look
from worker.spool.layout import roots
from worker.store.jobs import JobState
from worker.store.opened import job_store
from worker.store.tally import Refused
from worker.times import of_ms


@dataclass(frozen=True, slots=True)
class JobFiles:
    """The files of a job by where they are; those worked on are in batches that are held."""

    accepted: int
    waiting: int
    working: int
    archived: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class JobArticles:
    """The articles of a job by outcome."""

    published: int
    revised: int
    duplicate: int
    rejected: int


@dataclass(frozen=True, slots=True)
class JobView:
    """One job. Times are RFC 3339, UTC; `refused` is filled where one job is asked for."""

    id: str
    kind: str
    source: str
    label: str
    created_at: str
    last_at: str | None
    files: JobFiles
    articles: JobArticles
    refused: tuple[Refused, ...] = ()

    @property
    def done(self) -> bool:
        return not self.files.waiting and not self.files.working


def jobs(settings: Settings, count: int) -> tuple[JobView, ...]:
    """The newest jobs first. Raises StoreUnavailable."""
    held = _held_files(settings)
    return tuple(
        _view(state, held.get(state.job.id, 0)) for state in job_store(settings).list(count)
    )


def job(settings: Settings, job_id: str) -> JobView:
    """One job, with what was refused of it. Raises NotThere, StoreUnavailable."""
    store = job_store(settings)
    state = store.get(job_id)
    if state is None:
        raise NotThere(
            f"no job has the id {printable(job_id, 80)}: `newsdrop jobs` lists those of the last "
            f"{settings.jobs.keep_days} days"
        )
    refused = tuple(store.refused(job_id))
    return _view(state, _held_files(settings).get(job_id, 0), refused)


def _held_files(settings: Settings) -> dict[str, int]:
    """Files by job in the batches that a worker holds now."""
    held: dict[str, int] = {}
    for root in roots(settings):
        for batch in look(root):
            if batch.locked and (name := _job_of(batch)):
                held[name] = held.get(name, 0) + batch.files
    return held


def _job_of(batch: Waiting) -> str | None:
    try:
        return manifest.load(batch.root.work / batch.name).head.job
    except SpoolUnavailable:
        return None  # finished meanwhile


def _view(state: JobState, held: int, refused: tuple[Refused, ...] = ()) -> JobView:
    working = min(held, state.open_files)
    counts = asdict(state.tally)
    return JobView(
        id=state.job.id,
        kind=str(state.job.kind),
        source=state.job.source,
        label=state.job.label,
        created_at=of_ms(state.job.created_ms),
        last_at=of_ms(state.last_ms) if state.last_ms else None,
        files=JobFiles(
            # A batch may be settled before its files are added: what is done was accepted.
            accepted=state.open_files + state.tally.archived + state.tally.quarantined,
            waiting=state.open_files - working,
            working=working,
            archived=state.tally.archived,
            quarantined=state.tally.quarantined,
        ),
        articles=JobArticles(
            **{name: counts[name] for name in ("published", "revised", "duplicate", "rejected")}
        ),
        refused=refused,
    )
