"""What `enqueue` does: accept, ring, and with `--wait` follow the batches to their end."""

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from worker.cli.bell import answers, ring_ingest
from worker.cli.inputs import STDIN, known_source, read_input
from worker.cli.output import notes, say
from worker.escape import printable
from worker.model import Status
from worker.settings import MANUAL, Settings
from worker.sources.enqueue import Order, count, enqueue
from worker.spool.accepted import Accepted
from worker.spool.archive import Archive
from worker.spool.batch import names
from worker.spool.claim import Claimed, claim_bytes
from worker.spool.disk import check_free
from worker.spool.layout import Root, manual_root
from worker.store.jobs import Job, JobKind
from worker.store.opened import job_store
from worker.store.tally import Refused, refused_of
from worker.times import utc_now

_RING_EVERY = 16
"""Batches between two bells: about a second of one process's work."""

_LOOK_EVERY = 0.1
_PATIENCE = 5.0
"""Seconds without a batch finished until a person is told that nothing seems to run."""


@dataclass(slots=True)
class Report:
    """What became of an `enqueue`. `done` and `articles` are of those waited for."""

    job: str
    source: str
    files: int = 0
    batches: int = 0
    waited: bool = False
    done: bool = False
    articles: dict[str, int] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def run(
    settings: Settings,
    paths: Sequence[str],
    source: str | None,
    *,
    move: bool,
    force: bool,
    wait: bool,
) -> Report:
    """Accept `paths` (`-`: standard input) as one job.

    Raises UsageError before anything is taken if one cannot be; SpoolUnavailable.
    """
    known_source(settings, source)
    job = _job(source or MANUAL, paths)
    order = Order(job.source, job.id, move=move, force=force)
    report = Report(job.id, job.source)
    intake = _Intake(settings, order, manual_root(settings), report, job)
    files = [Path(path) for path in paths if path != STDIN]
    total = count(path for path in files if path.exists()) if notes().is_terminal else None
    try:
        with _progress("accepting", total) as step:
            for claimed in intake.accept(files, with_stdin=STDIN in paths):
                step(claimed.files)
    except KeyboardInterrupt:
        say(f"stopped: {report.files:,} files are accepted and stay so (job {job.id})")
        raise
    finally:
        intake.ring()
        intake.close()
    if wait and report.files:
        report.waited = True
        intake.follow()
    return report


def _job(source: str, paths: Sequence[str]) -> Job:
    now = utc_now()
    first = printable(paths[0], 80)
    label = first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"
    job_id = f"enqueue-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    return Job(
        id=job_id,
        kind=JobKind.ENQUEUE,
        source=source,
        label=label,
        created_ms=int(now.timestamp() * 1000),
    )


class _Intake:
    """One enqueue under way."""

    def __init__(
        self, settings: Settings, order: Order, root: Root, report: Report, job: Job
    ) -> None:
        self._settings = settings
        self._order = order
        self._root = root
        self._report = report
        self._job = job
        self._batches: list[str] = []
        self._jobs = job_store(settings)
        self._reachable = answers(settings)

    def accept(self, files: Iterable[Path], *, with_stdin: bool) -> Iterator[Claimed]:
        """Claim everything, a batch at a time; wait while too many batches wait."""
        settings, order = self._settings, self._order
        accepted = Accepted(settings.state_dir)
        root, limits = self._root, settings.spool
        root.prepare()
        self._check_disk()
        for claimed in enqueue(files, root, limits, accepted, order, now=utc_now):
            yield self._noted(claimed)
            self._check_disk()
            self._wait_for_room()
        if with_stdin:
            data, name = read_input(STDIN, settings.limits.file_bytes)
            yield self._noted(
                claim_bytes(
                    root,
                    data,
                    name,
                    accepted,
                    source=order.source,
                    kind=order.kind,
                    now=utc_now(),
                    job=order.job,
                    force=order.force,
                )
            )

    def ring(self) -> None:
        """Ring, unless Redis did not answer before: then beat will, when there is one."""
        if self._report.files and self._reachable:
            self._reachable = ring_ingest(self._settings)

    def close(self) -> None:
        """Nothing more is accepted: say so if the work has to wait for Redis."""
        if self._report.files and not self._reachable:
            self._report.problems.append(
                "Redis does not answer: the files are accepted and wait in the spool; "
                "`newsdrop up` starts the work"
            )

    def follow(self) -> None:
        """Wait until every batch is archived and settled, then read what became of each article.

        Nothing is asked of Redis: the archive tells. Gives up if Redis did not answer at first.
        """
        self._report.articles = {status.value: 0 for status in Status}
        if not self._reachable:
            return
        archive = Archive(self._settings.state_dir)
        left = list(self._batches)
        quiet_since = time.monotonic()
        told = False
        with _progress("working", self._report.batches, "batches") as step:
            while left:
                for batch in [name for name in left if not (self._root.work / name).exists()]:
                    left.remove(batch)
                    step(1)
                    quiet_since = time.monotonic()
                    self._read_outcomes(archive, batch)
                if left and not told and time.monotonic() - quiet_since > _PATIENCE:
                    told = True
                    say("nothing has been finished for some seconds: does `newsdrop up` run?")
                    self.ring()
                if left:
                    time.sleep(_LOOK_EVERY)
        self._report.done = True

    def _read_outcomes(self, archive: Archive, batch: str) -> None:
        segment = archive.find(batch)
        for outcome in segment.outcomes() if segment else ():
            self._report.articles[outcome.status] += 1
            if outcome.status is Status.REJECTED:
                self._report.refused.append(refused_of(outcome))

    def _noted(self, claimed: Claimed) -> Claimed:
        report = self._report
        report.files += claimed.files
        report.batches += 1
        self._batches.append(claimed.batch)
        if self._reachable:
            self._jobs.open(self._job)
            self._jobs.add_files(self._job.id, claimed.files)
        if report.batches % _RING_EVERY == 1:
            self.ring()
        return claimed

    def _check_disk(self) -> None:
        check_free(self._settings.state_dir, self._settings.spool.min_free_mb)

    def _wait_for_room(self) -> None:
        """How many batches may wait is bounded, so that copies cannot fill the disk."""
        begun, told = time.monotonic(), False
        while len(names(self._root)) >= self._settings.spool.max_waiting:
            if not told and time.monotonic() - begun > _PATIENCE:
                told = True
                say(
                    "as many batches wait as may (spool.max_waiting) and none is finished: "
                    "does `newsdrop up` run? Ctrl-C stops here; what is accepted stays so"
                )
            time.sleep(_LOOK_EVERY)


@contextmanager
def _progress(what: str, total: int | None, unit: str = "files") -> Iterator["_Step"]:
    """A progress bar on standard error; nothing where that is no terminal."""
    bar = Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        console=notes(),
        transient=True,
        disable=not notes().is_terminal,
    )
    with bar:
        yield _Step(bar, bar.add_task(what, total=total))


@dataclass(frozen=True, slots=True)
class _Step:
    bar: Progress
    task: TaskID

    def __call__(self, done: int) -> None:
        self.bar.advance(self.task, done)
