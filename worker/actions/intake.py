"""One enqueue: files, and what addresses hold, accepted as a job, a batch at a time; the workers
are rung as they come."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from worker.errors import Busy
from worker.settings import MANUAL, Settings
from worker.settings.clock import utc_now
from worker.sources.enqueue import EnqueueOrder, enqueue
from worker.sources.fetch_once import fetch_each, is_address, shown
from worker.sources.registry import require_source
from worker.spool.batch import batch_names
from worker.spool.claim import (
    AcceptedLog,
    Candidate,
    Claimed,
    Incoming,
    batched,
    claim,
    claim_bytes,
)
from worker.spool.filesystem import check_free
from worker.spool.layout import manual_root
from worker.store.factory import job_store
from worker.store.jobs import Job, JobKind
from worker.taskqueue.client import notify_ingest, redis_answers

T = TypeVar("T")

LOOK_EVERY = 0.1
PATIENCE = 5.0
"""Seconds without a batch finished until a person is told that nothing seems to run."""

_RING_EVERY = 16
"""Batches between two bells: about a second of one process's work."""


class Intake:
    """An enqueue under way, of what `paths` names (for people only) as `source`.

    `full()` is called once, when as many batches as may have waited for some seconds. Without
    Redis everything is accepted all the same: `reachable` tells. Raises UsageError where no
    source has that name.
    """

    def __init__(
        self,
        settings: Settings,
        paths: Iterable[str | Path],
        *,
        source: str | None = None,
        move: bool = False,
        force: bool = False,
        full: Callable[[], None] = lambda: None,
    ) -> None:
        require_source(settings, source)
        self.settings = settings
        self.job = _job(source or MANUAL, list(paths))
        self.root = manual_root(settings)
        self.files = 0
        self.batches: list[str] = []
        self._order = EnqueueOrder(self.job.source, self.job.id, move=move, force=force)
        self._accepted = AcceptedLog(settings.state_dir)
        self._full = full
        self._jobs = job_store(settings)
        self.reachable = redis_answers(settings)

    def accept(self, given: Iterable[str | Path]) -> Iterator[Claimed]:
        """Claim files, folders and what addresses hold (a str that begins with http://, https://
        or rsshub://), a batch at a time; wait while too many batches wait.

        Each batch is accepted when it is yielded. Raises before anything is taken: UsageError
        where a path cannot be, FetchFailed where an address cannot be fetched; SpoolUnavailable.
        """
        self._prepare()
        named = list(given)
        urls = [str(one) for one in named if is_address(one)]
        fetched = self.fetch(urls, step=lambda: None)
        files = [Path(one) for one in named if not is_address(one)]
        limits = self.settings.spool
        for claimed in enqueue(files, self.root, limits, self._accepted, self._order, now=utc_now):
            yield self._noted(claimed)
            self._check_disk()
            self._wait_for_room()
        for some in self.batches_of(fetched, size_of=lambda one: len(one.data)):
            yield self.accept_bytes(*some)
            self._wait_for_room()

    def accept_bytes(self, *incoming: Incoming) -> Claimed:
        """Claim bytes that are in memory, as a file each. Raises SpoolUnavailable."""
        self._prepare()
        head = self._order.head(utc_now())
        return self._noted(claim_bytes(self.root, head, incoming, self._accepted))

    def accept_files(self, candidates: Sequence[Candidate], *, copy: bool) -> Claimed | None:
        """Take files into one batch, copied or by rename; None where none is there any more.

        What is renamed must be on disk, durably. Raises SpoolUnavailable.
        """
        self._prepare()
        head = self._order.head(utc_now())
        claimed = claim(self.root, head, candidates, self._accepted, copy=copy)
        return self._noted(claimed) if claimed else None

    def batches_of(self, items: Iterable[T], *, size_of: Callable[[T], int]) -> Iterator[list[T]]:
        """Split what is to be claimed as `spool.batch_files` and `spool.batch_bytes` say."""
        limits = self.settings.spool
        return batched(
            items,
            size_of=size_of,
            max_count=limits.batch_files,
            max_bytes=limits.batch_bytes,
        )

    def check_room(self) -> None:
        """Raises Busy where as many batches wait as may, SpoolUnavailable where the disk is full:
        for whoever cannot wait."""
        self._prepare()
        if self._full_up():
            most = self.settings.spool.max_waiting
            raise Busy(
                f"as many batches wait as may (spool.max_waiting = {most:,}), so nothing was "
                "taken: try again when some are done; does a worker run?"
            )

    def fetch(self, urls: Sequence[str], step: Callable[[], None]) -> Sequence[Incoming]:
        """What is at each address. `step()` is called after each, and may raise."""
        return fetch_each(self.settings, urls, now=utc_now, source=self.job.source, step=step)

    def notify(self) -> None:
        """Ring, unless Redis did not answer before: then beat will, when there is one."""
        if self.files and self.reachable:
            self.reachable = notify_ingest(self.settings)

    def _noted(self, claimed: Claimed) -> Claimed:
        self.files += claimed.files
        self.batches.append(claimed.batch)
        if self.reachable:
            self._jobs.open(self.job)
            self._jobs.add_files(self.job.id, claimed.files)
        if len(self.batches) % _RING_EVERY == 1:
            self.notify()
        return claimed

    def _prepare(self) -> None:
        self.root.prepare()
        self._check_disk()

    def _check_disk(self) -> None:
        check_free(self.settings.state_dir, self.settings.spool.min_free_mb)

    def _wait_for_room(self) -> None:
        """How many batches may wait is bounded, so that copies cannot fill the disk."""
        begun, told = time.monotonic(), False
        while self._full_up():
            if not told and time.monotonic() - begun > PATIENCE:
                told = True
                self._full()
            time.sleep(LOOK_EVERY)

    def _full_up(self) -> bool:
        return len(batch_names(self.root)) >= self.settings.spool.max_waiting


def _job(source: str, paths: list[str | Path]) -> Job:
    now = utc_now()
    first = shown(paths[0], 80) if paths else "nothing"
    return Job(
        id=f"enqueue-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        kind=JobKind.ENQUEUE,
        source=source,
        label=first if len(paths) <= 1 else f"{first} and {len(paths) - 1} more",
        created_ms=int(now.timestamp() * 1000),
    )
