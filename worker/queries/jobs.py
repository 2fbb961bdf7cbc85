"""Jobs: what each enqueue, or one source within an hour, brought in."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from worker.errors import NotThere, SpoolUnavailable
from worker.escape import printable
from worker.model import DECISIONS
from worker.model.times import rfc3339_from_ms
from worker.readmodel.decision import date_facets
from worker.readmodel.filters import Filters
from worker.settings import Settings
from worker.spool import batch, manifest
from worker.spool.layout import roots
from worker.store.counters import DecisionCounts, RefusedSummary
from worker.store.factory import job_store
from worker.store.jobs import FetchCounts, JobKind, JobState


@dataclass(frozen=True, slots=True)
class JobFiles:
    """The files of a job by place; `working` are those in batches that a worker holds."""

    accepted: int
    waiting: int
    working: int
    archived: int
    quarantined: int

    @property
    def open_count(self) -> int:
        return self.waiting + self.working

    @property
    def finished_count(self) -> int:
        return self.archived + self.quarantined


@dataclass(frozen=True, slots=True)
class JobView:
    """One job. Times are RFC 3339, UTC; only :func:`get_job` fills `refused`.

    `started_by` is `person`, `scan`, `feed`, `retry`, or `unknown` where Redis did not answer then.
    `waited_seconds` is the time until a worker took the first batch, `ran_seconds` from then to the
    end of the last finished batch; both are None where unknown, and for an hour of one source,
    whose files arrive at any time in it. `warnings` counts published articles with a
    warning, by its kind. `fetching` counts the objects or addresses of a back-fill, which takes
    `seconds_left` at its present rate; None for other jobs, or where that is unknown.
    """

    id: str
    kind: str
    source: str
    label: str
    created_at: str
    last_at: str | None
    files: JobFiles
    articles: DecisionCounts
    started_by: str
    waited_seconds: float | None
    ran_seconds: float | None
    refused: tuple[RefusedSummary, ...] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)
    fetching: FetchCounts | None = None
    seconds_left: float | None = None

    @property
    def is_done(self) -> bool:
        is_fetched = self.fetching is None or self.fetching.is_done
        return is_fetched and not self.files.open_count


FILTERS = ("q", "source", "date", "outcome")
"""The filters of jobs; `date` is the day of its start in UTC, `outcome` one that an article had;
`rejected` has jobs that could not fetch something, too."""

_MAX_READ, _READ_AT_ONCE = 2_000, 200
STARTED_BY = {
    JobKind.ENQUEUE: "person",
    JobKind.SCAN: "scan",
    JobKind.POLL: "feed",
    JobKind.RETRY: "retry",
    JobKind.UNKNOWN: "unknown",
}


def list_jobs(settings: Settings, count: int, cursor: int = 0) -> tuple[JobView, ...]:
    """Newest first, after the first `cursor` jobs. Raises StoreUnavailable."""
    states = job_store(settings).list(count, cursor)
    held_files = _held_files(settings) if any(state.open_files for state in states) else {}
    return tuple(_view(state, held_files.get(state.job.id, 0)) for state in states)


def find_jobs(
    settings: Settings, filters: Filters, count: int, cursor: int = 0
) -> tuple[tuple[JobView, ...], int | None]:
    """The newest jobs after the first `cursor` that pass `filters`; the cursor of the next page,
    None at the end. At most 2,000 are read for one page. Raises StoreUnavailable."""
    matches: list[JobView] = []
    for begin in range(cursor, cursor + _MAX_READ, _READ_AT_ONCE):
        views = list_jobs(settings, _READ_AT_ONCE, begin)
        for position, view in enumerate(views, begin):
            if len(matches) == count:
                return tuple(matches), position
            if filters.accept(_facets(view), view.label, view.id):
                matches.append(view)
        if len(views) < _READ_AT_ONCE:
            return tuple(matches), None
    return tuple(matches), cursor + _MAX_READ


def get_job(settings: Settings, job_id: str) -> JobView:
    """One job with its refused inputs. Raises NotThere, StoreUnavailable."""
    store = job_store(settings)
    state = store.get(job_id)
    if state is None:
        raise NotThere(
            f"no job has the id {printable(job_id, 80)}: `newsdrop jobs` lists those of the last "
            f"{settings.jobs.keep_days} days"
        )
    refused = tuple(store.refused(job_id))
    return _view(state, _held_files(settings).get(job_id, 0), refused)


def group_refused(refused: Sequence[RefusedSummary]) -> list[tuple[RefusedSummary, int]]:
    """The first of each file with each reason, and their number: a file of many articles may have
    hundreds that are refused."""
    groups: dict[tuple[str, str, str | None], list[RefusedSummary]] = {}
    for each in refused:
        groups.setdefault((each.path, each.reason, each.quarantine), []).append(each)
    return [(group[0], len(group)) for group in groups.values()]


def _facets(view: JobView) -> Iterator[tuple[str, str]]:
    yield "source", view.source
    yield from date_facets(view.created_at)
    yield from (("outcome", name) for name, count in asdict(view.articles).items() if count)
    if view.fetching and view.fetching.unfetchable and not view.articles.rejected:
        yield "outcome", "rejected"


def _held_files(settings: Settings) -> Mapping[str, int]:
    """Files by job in the batches that a worker holds now. Only the locks of the others are looked
    at: thousands may wait."""
    held_files: Counter[str] = Counter()
    for root in roots(settings):
        for name in batch.batch_names(root):
            folder = root.work / name
            if batch.is_free(folder):
                continue
            try:
                loaded = manifest.load(folder)
            except SpoolUnavailable:
                continue  # it was finished in between
            if loaded.head.job:
                held_files[loaded.head.job] += len(loaded.entries)
    return held_files


def _view(state: JobState, held_files: int, refused: tuple[RefusedSummary, ...] = ()) -> JobView:
    working = min(held_files, state.open_files)
    tally = state.tally
    # The files of such a job arrive at any time within the hour: between its first and its last
    # batch there may be no work.
    hourly = state.job.kind in (JobKind.SCAN, JobKind.POLL)
    return JobView(
        id=state.job.id,
        kind=str(state.job.kind),
        source=state.job.source,
        label=state.job.label,
        created_at=rfc3339_from_ms(state.job.created_ms),
        last_at=rfc3339_from_ms(state.last_ms) if state.last_ms else None,
        files=JobFiles(
            # A batch may be settled before its files are added: finished files were accepted.
            accepted=state.open_files + tally.archived + tally.quarantined,
            waiting=state.open_files - working,
            working=working,
            archived=tally.archived,
            quarantined=tally.quarantined,
        ),
        articles=DecisionCounts(*(getattr(tally, status) for status in DECISIONS)),
        started_by=STARTED_BY[state.job.kind],
        waited_seconds=None if hourly else _seconds(state.job.created_ms, state.began_ms),
        ran_seconds=None if hourly else _seconds(state.began_ms, state.last_ms),
        refused=refused,
        warnings=state.warnings,
        fetching=state.fetching,
        seconds_left=state.fetching.seconds_left if state.fetching else None,
    )


def _seconds(since_ms: int | None, until_ms: int | None) -> float | None:
    """Seconds between two times, which may be from the clocks of two machines."""
    return max(0, until_ms - since_ms) / 1000 if since_ms and until_ms else None
