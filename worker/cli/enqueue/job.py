"""Runs an enqueue: accepts the files, wakes the workers, and with `--wait` follows the batches."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from worker.actions.intake import LOOK_SECONDS, PATIENCE_SECONDS, Intake
from worker.cli.input import STDIN, read_input
from worker.cli.output import error_console, print_note
from worker.cli.progress import FileProgress, show_progress
from worker.errors import Retryable
from worker.model import DECISIONS, Status
from worker.settings import Settings
from worker.sources.enqueue import EnqueueOptions, count_files
from worker.sources.fetch_once import is_address
from worker.spool import manifest
from worker.spool.archive import Archive
from worker.spool.batch import batch_names
from worker.spool.claim import ClaimedBatch, Incoming
from worker.store.counters import RefusedSummary, summarize_refusal
from worker.translation import mark


@dataclass(slots=True)
class EnqueueReport:
    """The result of an `enqueue`, and the fields of its `--json`.

    `waited`, `done`, `articles` and `refused` are set with `--wait`; without Redis nothing is
    waited for. `stopped`: by Ctrl-C; accepted files stay accepted. `seconds` is the time until all
    files were processed.
    """

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


def run_enqueue(
    settings: Settings, paths: Sequence[str], options: EnqueueOptions, *, wait: bool
) -> EnqueueReport:
    """Accept `paths` (`-`: standard input; addresses are fetched first) as one job.

    Ctrl-C ends the command, not the processing: see `stopped`. Raises UsageError or FetchFailed,
    before anything is accepted, if a path cannot be; SpoolUnavailable.
    """
    labels = [mark("standard input") if path == STDIN else path for path in paths]
    intake = Intake(settings, labels, options, _note_full)
    report = EnqueueReport(intake.job.id, intake.job.source)
    batches = _Batches(intake, report)
    start = time.monotonic()
    try:
        _accept(intake, paths, batches if wait and intake.is_reachable else None)
    except KeyboardInterrupt:
        report.stopped = True
    finally:
        intake.notify()
    report.files, report.batches = intake.files, len(intake.batches)
    if report.files and not intake.is_reachable:
        report.problems.append(
            mark(
                "Redis does not answer: the files are accepted and wait in the spool; "
                "start the processing with `newsdrop up`"
            )
        )
    if wait and report.files and not report.stopped:
        report.waited = True
        if intake.is_reachable:
            try:
                batches.follow()
            except KeyboardInterrupt:
                report.stopped = True
            else:
                report.seconds = round(time.monotonic() - start, 3)
    return report


def _accept(intake: Intake, paths: Sequence[str], batches: "_Batches | None") -> None:
    """Accept all paths; meanwhile `batches`, with `--wait`, reads what is finished already."""
    named = [path for path in paths if path != STDIN]
    progress = FileProgress(total=_count_files(named) if error_console().is_terminal else None)

    with show_progress(progress, mark("accepting")) as update:

        def on_claimed(claimed: ClaimedBatch) -> None:
            progress.count += claimed.files
            if batches is not None:
                batches.add(claimed)
            update()

        for claimed in intake.accept(named):
            on_claimed(claimed)
        if STDIN in paths:
            data, name = read_input(STDIN, intake.settings.limits.file_bytes)
            on_claimed(intake.accept_bytes(Incoming(data, name)))


def _count_files(named: Sequence[str]) -> int:
    files = [Path(path) for path in named if not is_address(path)]
    return len(named) - len(files) + count_files(path for path in files if path.exists())


class _Batches:
    """The batches that `--wait` follows. It reads the archive, and needs no Redis for that."""

    def __init__(self, intake: Intake, report: EnqueueReport) -> None:
        self._intake, self._report = intake, report
        self._archive = Archive(intake.settings.state_dir)
        self._file_counts: dict[str, int] = {}
        """Batch that is not finished -> its files."""
        self._finished: set[str] = set()
        self._progress = FileProgress()

    def add(self, claimed: ClaimedBatch) -> None:
        self._file_counts[claimed.batch] = claimed.files
        self._read_finished()

    def follow(self) -> None:
        """Wait until every batch is archived and settled, and read each article's outcome."""
        progress, report = self._progress, self._report
        report.articles = {status.value: 0 for status in DECISIONS} | report.articles
        progress.total = self._intake.files
        last_change = time.monotonic()
        is_noted = False
        with show_progress(progress, mark("processing")) as update:
            while self._file_counts:
                if self._read_finished():
                    last_change = time.monotonic()
                update()
                if not self._file_counts:
                    break
                if not is_noted and time.monotonic() - last_change > PATIENCE_SECONDS:
                    is_noted = True
                    seconds = f"{PATIENCE_SECONDS:.0f}"
                    print_note(f"no batch was finished for {seconds} s: is `newsdrop up` running?")
                    self._intake.notify()
                time.sleep(LOOK_SECONDS)
        report.done = True

    def _read_finished(self) -> bool:
        """Read the outcomes of batches that are finished by now; whether there were any."""
        work = self._intake.root.work
        finished = [batch for batch in self._file_counts if not (work / batch).exists()]
        self._finished.update(finished)
        for batch in finished:
            self._progress.count += self._file_counts.pop(batch)
            if self._read_outcomes(batch):
                self._add_pages(batch)
        return bool(finished)

    def _read_outcomes(self, batch: str) -> bool:
        """Add up a finished batch; whether it had a WARC, whose pages are batches of their own."""
        report, has_pages = self._report, False
        segment = self._archive.find(batch)
        for outcome in segment.outcomes() if segment else ():
            report.articles[outcome.status] = report.articles.get(outcome.status, 0) + 1
            has_pages |= outcome.status is Status.READ and outcome.feed is None
            if outcome.status is Status.REJECTED:
                report.refused.append(summarize_refusal(outcome))
        self._progress.refused = len(report.refused)
        return has_pages

    def _add_pages(self, warc_batch: str) -> None:
        """Follow the batches into which the WARC files of a finished batch were divided."""
        for batch, count in self._later_batches(warc_batch):
            if batch not in self._finished and batch not in self._file_counts:
                self._file_counts[batch] = count
                self._progress.total = (self._progress.total or 0) + count

    def _later_batches(self, warc_batch: str) -> Iterator[tuple[str, int]]:
        """(batch, files) of this job, waiting or archived: a batch in between is found twice."""
        root, job = self._intake.root, self._intake.job.id
        for name in batch_names(root):
            if name > warc_batch:
                with suppress(Retryable):  # finished in between
                    waiting = manifest.load(root.work / name)
                    if waiting.head.job == job:
                        yield name, len(waiting.entries)
        for segment in self._archive.segments(warc_batch[:8]):
            if segment.batch > warc_batch:
                with suppress(Retryable, FileNotFoundError):  # damaged, or it has just expired
                    head = segment.head()
                    if head.batch.job == job:
                        yield segment.batch, len(head.files)


def _note_full() -> None:
    print_note(
        "the maximum number of batches waits (spool.max_waiting) and none was finished: "
        "is `newsdrop up` running? Ctrl-C stops here; accepted files stay accepted"
    )
