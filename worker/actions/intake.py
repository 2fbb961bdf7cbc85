"""One enqueue: files and fetched documents become a job, one batch at a time, and the workers are
woken up."""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from worker.errors import Busy
from worker.settings import MANUAL, Settings
from worker.settings.clock import utc_now
from worker.sources.enqueue import EnqueueOptions, enqueue
from worker.sources.fetch_once import display_name, fetch_each, is_address
from worker.sources.registry import require_source
from worker.spool.batch import batch_names
from worker.spool.claim import AcceptedLog, ClaimedBatch, Incoming, batched, claim, claim_bytes
from worker.spool.filesystem import check_free
from worker.spool.layout import manual_root
from worker.spool.transfer import Candidate
from worker.store.factory import job_store
from worker.store.jobs import Job, JobKind
from worker.taskqueue.client import notify_ingest, redis_answers
from worker.translation import mark

T = TypeVar("T")

LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 5.0
"""Without a finished batch for so long a command reports that no worker seems to run."""

MAX_FETCHES = 3
_fetch_slots = threading.BoundedSemaphore(MAX_FETCHES)

_BY_HAND = EnqueueOptions()

_BATCHES_PER_WAKE_UP = 16
"""Batches between two wake-ups: about one second of work of one process."""


@contextmanager
def fetch_slot() -> Iterator[None]:
    """One of MAX_FETCHES slots of this process for what a client has fetched: each holds a thread
    and documents in memory. Raises Busy where none is free."""
    if not _fetch_slots.acquire(blocking=False):
        raise Busy(
            f"addresses of {MAX_FETCHES} requests are being fetched: try again when one is done"
        )
    try:
        yield
    finally:
        _fetch_slots.release()


class Intake:
    """An enqueue in progress. `paths` only label the job, for people.

    `on_full` is called once, after the maximum number of batches has waited for PATIENCE_SECONDS.
    Without Redis everything is accepted too: see `reachable`. Raises UsageError where there is no
    such source.
    """

    def __init__(
        self,
        settings: Settings,
        paths: Iterable[str | Path],
        options: EnqueueOptions = _BY_HAND,
        on_full: Callable[[], None] = lambda: None,
    ) -> None:
        require_source(settings, options.source)
        self.settings = settings
        self.job = new_job(options.source, options, list(paths))
        self.root = manual_root(settings)
        self.files = 0
        self.batches: list[str] = []
        self._options = replace(options, job=self.job.id)
        self._accepted = AcceptedLog(settings.state_dir)
        self._on_full = on_full
        self._jobs = job_store(settings)
        self.is_reachable = redis_answers(settings)

    def accept(self, arguments: Iterable[str | Path]) -> Iterator[ClaimedBatch]:
        """Claim files, folders and addresses (a str that begins with http://, https:// or
        rsshub://), one batch at a time; wait while too many batches wait.

        Each batch is accepted when it is yielded. Raises, before anything is accepted, UsageError
        for a path that does not exist, FetchFailed for an address that cannot be fetched;
        SpoolUnavailable.
        """
        self._prepare()
        inputs = list(arguments)
        fetched = self.fetch([str(each) for each in inputs if is_address(each)], step=lambda: None)
        files = [Path(each) for each in inputs if not is_address(each)]
        limits = self.settings.spool
        for claimed in enqueue(
            files, self.root, limits, self._accepted, self._options, now=utc_now
        ):
            yield self._record(claimed)
            self._check_disk()
            self._wait_for_room()
        for group in self.batches_of(fetched, size_of=lambda document: len(document.data)):
            yield self.accept_bytes(*group)
            self._wait_for_room()

    def accept_bytes(self, *incoming: Incoming) -> ClaimedBatch:
        """Claim bytes in memory, each as a file. Raises SpoolUnavailable."""
        self._prepare()
        head = self._options.head(utc_now())
        return self._record(claim_bytes(self.root, head, incoming, self._accepted))

    def accept_files(self, candidates: Sequence[Candidate], *, copy: bool) -> ClaimedBatch | None:
        """Claim files as one batch, by copy or by rename; None where none of them exists any more.

        Files to rename must be synced to disk already. Raises SpoolUnavailable.
        """
        self._prepare()
        head = self._options.head(utc_now())
        claimed = claim(self.root, head, candidates, self._accepted, copy=copy)
        return self._record(claimed) if claimed else None

    def batches_of(self, items: Iterable[T], *, size_of: Callable[[T], int]) -> Iterator[list[T]]:
        """Groups for one batch each, by `spool.batch_files` and `spool.batch_bytes`."""
        limits = self.settings.spool
        return batched(
            items, size_of=size_of, max_count=limits.batch_files, max_bytes=limits.batch_bytes
        )

    def check_room(self) -> None:
        """For callers that cannot wait: raises Busy where the maximum number of batches waits,
        SpoolUnavailable where the disk is full."""
        self._prepare()
        if self._is_full():
            most = self.settings.spool.max_waiting
            raise Busy(
                f"too many batches wait (spool.max_waiting = {most:,}), so nothing was accepted: "
                "try again later, and check that a worker is running"
            )

    def fetch(self, urls: Sequence[str], step: Callable[[], None]) -> Sequence[Incoming]:
        """The documents at `urls`. `step()` is called after each, and may raise."""
        return fetch_each(self.settings, urls, now=utc_now, source=self.job.source, on_fetched=step)

    def notify(self) -> None:
        """Wake the workers up; where Redis did not answer, the scheduler does it later."""
        if self.files and self.is_reachable:
            self.is_reachable = notify_ingest(self.settings)

    def _record(self, claimed: ClaimedBatch) -> ClaimedBatch:
        self.files += claimed.files
        self.batches.append(claimed.batch)
        if self.is_reachable:
            self._jobs.open(self.job, claimed.files)
        if len(self.batches) % _BATCHES_PER_WAKE_UP == 1:
            self.notify()
        return claimed

    def _prepare(self) -> None:
        self.root.prepare()
        self._check_disk()

    def _check_disk(self) -> None:
        check_free(self.settings.state_dir, self.settings.spool.min_free_mb)

    def _wait_for_room(self) -> None:
        """The number of waiting batches is bounded, so that copies cannot fill the disk."""
        start, is_reported = time.monotonic(), False
        while self._is_full():
            if not is_reported and time.monotonic() - start > PATIENCE_SECONDS:
                is_reported = True
                self._on_full()
            time.sleep(LOOK_SECONDS)

    def _is_full(self) -> bool:
        return len(batch_names(self.root)) >= self.settings.spool.max_waiting


def new_job(source: str | None, options: EnqueueOptions, paths: list[str | Path]) -> Job:
    """The job of an enqueue of `paths`, which label it; of files by hand without a source."""
    now = utc_now()
    first = display_name(paths[0], 80) if paths else "nothing"
    return Job(
        id=options.job or f"enqueue-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        kind=JobKind.ENQUEUE,
        source=source or MANUAL,
        label=first if len(paths) <= 1 else mark(f"{first} and {len(paths) - 1} more"),
        created_ms=int(now.timestamp() * 1000),
    )
