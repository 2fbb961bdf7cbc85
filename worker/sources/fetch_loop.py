"""Fetching what is due, many at once: the loop that feeds and pages share.

Documents are claimed a batch at a time. Only then the answers are saved, so that an `ETag` is never
newer than what is safe. The loop starts no new fetches after `taking_seconds` and ends when nothing
is in flight: a fetch that hangs delays neither others that are due nor documents that are there.
Where the next fetch is due soon, mostly because its host is not free yet, the loop waits for it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from worker.errors import Retryable
from worker.escape import printable
from worker.fetch import Fetcher
from worker.logs import get_logger
from worker.spool.claim import Incoming, batched
from worker.store.leases import Lease, LeaseResult, TakenLeases

logger = get_logger(__name__)

GATHER_SECONDS = 0.25
"""How long a document may wait for others to share its batch."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one fetch: documents to claim first, then what to save with its lease.

    `answer` is the status, or the trouble that prevented an answer; empty if nothing was requested.
    """

    lease_result: LeaseResult
    documents: tuple[Incoming, ...] = ()
    failed: bool = False
    answer: str = ""


class FetchSource(Protocol):
    """What is fetched, and what an answer means."""

    kind: str

    def take_leases(self, count: int) -> TakenLeases: ...

    async def fetch(self, lease: Lease, fetcher: Fetcher) -> Result: ...

    def result_of_bug(self, lease: Lease, error: Exception) -> Result:
        """The result where :meth:`fetch` raised an unexpected error."""
        ...

    def save(self, results: Sequence[Result]) -> None: ...


OnCounted = Callable[[Mapping[tuple[str, str], int]], None]
"""Receives the number of fetches since the last call, by kind and answer."""


@dataclass(slots=True)
class FetchTotals:
    """The totals of one run of the loop."""

    turns: int = 0
    documents: int = 0
    failed: int = 0
    has_more: bool = False
    """Something is due soon: another run should continue."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """New fetches are started for `taking_seconds`; `documents` and `size` limit a batch. With
    nothing in flight, the loop waits for what is due within `soon_seconds`, in the first
    `waiting_seconds` of its run only: a worker that stops waits for its end."""

    concurrency: int
    taking_seconds: float
    documents: int
    size: int
    soon_seconds: float = 0.0
    waiting_seconds: float = 10.0


@dataclass(slots=True)
class _Loop:
    sources: Sequence[FetchSource]
    fetcher: Fetcher
    limits: FetchLimits
    claim: Callable[[Sequence[Incoming]], None]
    may_take: Callable[[], bool]
    on_counted: OnCounted
    in_flight: dict["asyncio.Task[Result]", tuple[FetchSource, Lease]] = field(default_factory=dict)
    results: list[tuple[FetchSource, Result]] = field(default_factory=list)
    gathering_since: float = 0.0
    totals: FetchTotals = field(default_factory=FetchTotals)
    idle_until: dict[str, float] = field(default_factory=dict)
    """Time of the next request to a source with nothing due, by its kind. Cleared when results are
    saved, which frees hosts."""

    def start_due(self) -> float | None:
        """Start what is due while there is room; return in how many seconds more is due (0: now),
        None where nothing is scheduled."""
        soonest: float | None = None
        for source in self.sources:
            room = self.limits.concurrency - len(self.in_flight)
            if room < max(1, self.limits.concurrency // 4) and self.in_flight:
                return 0.0
            now = time.monotonic()
            idle_seconds = self.idle_until.get(source.kind, now) - now
            if idle_seconds > 0 and self.in_flight:  # a call of Redis for each answer otherwise
                soonest = idle_seconds if soonest is None else min(soonest, idle_seconds)
                continue
            leases = source.take_leases(room)
            for lease in leases.leases:
                task = asyncio.create_task(source.fetch(lease, self.fetcher))
                self.in_flight[task] = source, lease
            seconds = 0.0 if leases.leases or leases.has_more else leases.next_seconds
            idle_seconds = GATHER_SECONDS if seconds is None else min(seconds, GATHER_SECONDS)
            self.idle_until[source.kind] = now + idle_seconds
            if seconds is not None:
                soonest = seconds if soonest is None else min(soonest, seconds)
        return soonest

    async def collect(self, seconds: float) -> None:
        """Wait for answers. An error in one source's code does not affect others: it counts as a
        failed fetch."""
        done, _ = await asyncio.wait(
            self.in_flight, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if done and not self.results:
            self.gathering_since = time.monotonic()
        for task in done:
            source, lease = self.in_flight.pop(task)
            self.idle_until.pop(source.kind, None)  # it may have room for another now
            try:
                result = task.result()
            except Retryable:
                raise
            except Exception as error:
                logger.error("fetch failed by a bug", source=printable(lease.name), exc_info=error)
                result = source.result_of_bug(lease, error)
            self.results.append((source, result))

    def is_batch_due(self) -> bool:
        size = sum(len(doc.data) for _, result in self.results for doc in result.documents)
        is_full = len(self.results) >= self.limits.documents or size >= self.limits.size
        is_late = time.monotonic() - self.gathering_since >= GATHER_SECONDS
        return bool(self.results) and (is_full or is_late or not self.in_flight)

    def flush(self) -> None:
        """Claim the documents, then save the results."""
        results = [result for _, result in self.results]
        documents = [document for result in results for document in result.documents]
        # The largest last: documents need not wait for one that takes long to read.
        for batch in batched(
            sorted(documents, key=_size_of),
            size_of=_size_of,
            max_count=self.limits.documents,
            max_bytes=self.limits.size,
            may_exceed=False,
        ):
            self.claim(batch)
        for source in self.sources:
            if own := [result for owner, result in self.results if owner is source]:
                source.save(own)
        self.totals.turns += len(results)
        self.totals.documents += len(documents)
        self.totals.failed += sum(result.failed for result in results)
        answers = Counter((source.kind, r.answer) for source, r in self.results if r.answer)
        if answers:
            self.on_counted(answers)
        self.results = []
        self.idle_until.clear()


def _size_of(document: Incoming) -> int:
    return len(document.data)


async def fetch_due(
    sources: Sequence[FetchSource],
    fetcher: Fetcher,
    limits: FetchLimits,
    *,
    claim: Callable[[Sequence[Incoming]], None],
    may_take: Callable[[], bool],
    on_counted: OnCounted,
    on_progress: Callable[[int], None] = lambda _: None,
) -> FetchTotals:
    """Fetch all that is due, until nothing is due and nothing is in flight.

    `claim` makes documents safe; `may_take` is False while there is no room for more;
    `on_progress(n)` receives the number of fetches in flight, at most four times a second;
    `on_counted` the numbers per answer, after the results are saved. Raises Retryable where the
    store or the spool is unavailable: what was in flight is due again when its lease ends.
    """
    loop = _Loop(sources, fetcher, limits, claim, may_take, on_counted)
    begin = time.monotonic()
    next_report = 0.0
    try:
        while True:
            seconds = time.monotonic() - begin
            may_start = seconds < limits.taking_seconds and loop.may_take()
            next_seconds = loop.start_due() if may_start else None
            if (now := time.monotonic()) >= next_report:
                on_progress(len(loop.in_flight))
                next_report = now + GATHER_SECONDS
            is_soon = next_seconds is not None and next_seconds <= limits.soon_seconds
            pause = min(GATHER_SECONDS, next_seconds if next_seconds else GATHER_SECONDS)
            if loop.in_flight:
                await loop.collect(pause)
            elif is_soon and next_seconds and seconds < limits.waiting_seconds:
                await asyncio.sleep(pause)
            elif next_seconds != 0:
                loop.totals.has_more = is_soon
                return loop.totals
            if loop.is_batch_due():
                loop.flush()
    finally:
        for task in loop.in_flight:
            task.cancel()
        await asyncio.gather(*loop.in_flight, return_exceptions=True)
