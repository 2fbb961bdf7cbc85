"""What `enqueue` does: accept, ring, and with `--wait` follow the batches to their end."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from worker.actions.intake import LOOK_EVERY, PATIENCE, Intake
from worker.cli.inputs import STDIN, read_input
from worker.cli.output import notes, say
from worker.cli.progress import Course, shown
from worker.model import DECISIONS, Status
from worker.settings import Settings
from worker.sources.enqueue import count_files
from worker.sources.fetch_once import is_address
from worker.spool.archive import Archive
from worker.spool.claim import Claimed, Incoming
from worker.store.tally import RefusedSummary, refused_of


@dataclass(slots=True)
class Report:
    """What became of an `enqueue`. `done` and `articles` are of those waited for; without Redis
    nothing is waited for. `stopped`: by Ctrl-C; what was accepted stays so. `seconds` is how long
    it took until all were done."""

    job: str
    source: str
    files: int = 0
    batches: int = 0
    waited: bool = False
    done: bool = False
    stopped: bool = False
    seconds: float | None = None
    articles: dict[str, int] = field(default_factory=dict)
    refused: list[RefusedSummary] = field(default_factory=list)
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

    Ctrl-C ends it, not the work: `stopped` tells. Raises UsageError or FetchFailed before anything
    is taken if one cannot be; SpoolUnavailable.
    """
    intake = Intake(settings, paths, source=source, move=move, force=force, full=_tell_full)
    report = Report(intake.job.id, intake.job.source)
    work = _Work(intake, report)
    begun = time.monotonic()
    try:
        _accept(intake, paths, work if wait and intake.reachable else None)
    except KeyboardInterrupt:
        report.stopped = True
    finally:
        intake.notify()
    report.files, report.batches = intake.files, len(intake.batches)
    if report.files and not intake.reachable:
        report.problems.append(
            "Redis does not answer: the files are accepted and wait in the spool; "
            "`newsdrop up` starts the work"
        )
    if wait and report.files and not report.stopped:
        report.waited = True
        if intake.reachable:
            try:
                work.follow()
            except KeyboardInterrupt:
                report.stopped = True
            else:
                report.seconds = round(time.monotonic() - begun, 3)
    return report


def _accept(intake: Intake, paths: Sequence[str], work: "_Work | None") -> None:
    """Accept all; meanwhile `work`, where it is waited for, reads what is done already."""
    named = [path for path in paths if path != STDIN]
    course = Course(total=_count(named) if notes().is_terminal else None)

    def took(claimed: Claimed) -> None:
        course.accepted += claimed.files
        if work is not None:
            work.took(claimed)
        step()

    with shown(course, "accepting") as step:
        for claimed in intake.accept(named):
            took(claimed)
        if STDIN in paths:
            data, name = read_input(STDIN, intake.settings.limits.file_bytes)
            took(intake.accept_bytes(Incoming(data, name)))


def _count(named: Sequence[str]) -> int:
    files = [Path(one) for one in named if not is_address(one)]
    return len(named) - len(files) + count_files(path for path in files if path.exists())


class _Work:
    """The batches that are waited for. Nothing is asked of Redis: the archive tells."""

    def __init__(self, intake: Intake, report: Report) -> None:
        self._intake, self._report = intake, report
        self._archive = Archive(intake.settings.state_dir)
        self._left: dict[str, int] = {}
        self._course = Course(waiting=True)

    def took(self, claimed: Claimed) -> None:
        self._left[claimed.batch] = claimed.files
        self._look()

    def follow(self) -> None:
        """Wait until every batch is archived and settled, and read what became of each article."""
        course, report = self._course, self._report
        report.articles = {status.value: 0 for status in DECISIONS} | report.articles
        course.total = self._intake.files
        quiet_since = time.monotonic()
        told = False
        with shown(course, "working") as step:
            while self._left:
                if self._look():
                    quiet_since = time.monotonic()
                step()
                if self._left and not told and time.monotonic() - quiet_since > PATIENCE:
                    told = True
                    say("nothing has been finished for some seconds: does `newsdrop up` run?")
                    self._intake.notify()
                if self._left:
                    time.sleep(LOOK_EVERY)
        report.done = True

    def _look(self) -> int:
        """Read what is done by now; how many batches that are."""
        work = self._intake.root.work
        done = [batch for batch in self._left if not (work / batch).exists()]
        for batch in done:
            self._read_outcomes(batch)
            self._course.done += self._left.pop(batch)
        return len(done)

    def _read_outcomes(self, batch: str) -> None:
        report = self._report
        segment = self._archive.find(batch)
        for outcome in segment.outcomes() if segment else ():
            report.articles[outcome.status] = report.articles.get(outcome.status, 0) + 1
            if outcome.status is Status.REJECTED:
                report.refused.append(refused_of(outcome))
        self._course.refused = len(report.refused)


def _tell_full() -> None:
    say(
        "as many batches wait as may (spool.max_waiting) and none is finished: "
        "does `newsdrop up` run? Ctrl-C stops here; what is accepted stays so"
    )
