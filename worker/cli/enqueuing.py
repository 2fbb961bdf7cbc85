"""What `enqueue` does: accept, ring, and with `--wait` follow the batches to their end."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from worker.cli.inputs import STDIN, read_input
from worker.cli.output import notes, say
from worker.intake import LOOK_EVERY, PATIENCE, Intake
from worker.model import DECISIONS, Status
from worker.settings import Settings
from worker.sources.enqueue import count
from worker.sources.once import is_address
from worker.spool.archive import Archive
from worker.spool.claim import Incoming
from worker.store.tally import Refused, refused_of


@dataclass(slots=True)
class Report:
    """What became of an `enqueue`. `done` and `articles` are of those waited for; without Redis
    nothing is waited for."""

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
    """Accept `paths` (`-`: standard input; addresses are fetched first) as one job.

    Raises UsageError or FetchFailed before anything is taken if one cannot be; SpoolUnavailable.
    """
    intake = Intake(settings, paths, source=source, move=move, force=force, full=_tell_full)
    report = Report(intake.job.id, intake.job.source)
    try:
        _accept(intake, paths)
    except KeyboardInterrupt:
        say(f"stopped: {intake.files:,} files are accepted and stay so (job {report.job})")
        raise
    finally:
        intake.ring()
    report.files, report.batches = intake.files, len(intake.batches)
    if report.files and not intake.reachable:
        report.problems.append(
            "Redis does not answer: the files are accepted and wait in the spool; "
            "`newsdrop up` starts the work"
        )
    if wait and report.files:
        report.waited = True
        if intake.reachable:
            report.articles = {status.value: 0 for status in DECISIONS}
            _follow(intake, report)
    return report


def _accept(intake: Intake, paths: Sequence[str]) -> None:
    named = [path for path in paths if path != STDIN]
    total = _count(named) if notes().is_terminal else None
    with _progress("accepting", total) as step:
        for claimed in intake.accept(named):
            step(claimed.files)
        if STDIN in paths:
            data, name = read_input(STDIN, intake.settings.limits.file_bytes)
            step(intake.accept_bytes(Incoming(data, name)).files)


def _count(named: Sequence[str]) -> int:
    files = [Path(one) for one in named if not is_address(one)]
    return len(named) - len(files) + count(path for path in files if path.exists())


def _follow(intake: Intake, report: Report) -> None:
    """Wait until every batch is archived and settled, then read what became of each article.

    Nothing is asked of Redis: the archive tells.
    """
    archive = Archive(intake.settings.state_dir)
    left = list(intake.batches)
    quiet_since = time.monotonic()
    told = False
    with _progress("working", report.batches, "batches") as step:
        while left:
            for batch in [name for name in left if not (intake.root.work / name).exists()]:
                left.remove(batch)
                step(1)
                quiet_since = time.monotonic()
                _read_outcomes(archive, batch, report)
            if left and not told and time.monotonic() - quiet_since > PATIENCE:
                told = True
                say("nothing has been finished for some seconds: does `newsdrop up` run?")
                intake.ring()
            if left:
                time.sleep(LOOK_EVERY)
    report.done = True


def _read_outcomes(archive: Archive, batch: str, report: Report) -> None:
    segment = archive.find(batch)
    for outcome in segment.outcomes() if segment else ():
        report.articles[outcome.status] += 1
        if outcome.status is Status.REJECTED:
            report.refused.append(refused_of(outcome))


def _tell_full() -> None:
    say(
        "as many batches wait as may (spool.max_waiting) and none is finished: "
        "does `newsdrop up` run? Ctrl-C stops here; what is accepted stays so"
    )


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
