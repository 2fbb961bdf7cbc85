"""Fetching what is due, many at once: the loop that feeds and pages share.

What comes is claimed a batch at a time; only then is it noted what each address answered, so that
an `ETag` is never ahead of what is safe. The loop takes no more work once it was long at it, and
ends when nothing is in the air: what hangs holds up neither others that are due nor what came.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from worker.errors import Retryable
from worker.escape import printable
from worker.fetch import Fetcher
from worker.logs import get_logger
from worker.spool.claim import Incoming
from worker.store.leases import Lease, LeaseResult, TakenLeases

logger = get_logger(__name__)

GATHER_SECONDS = 0.25
"""How long what came may wait for more to share its batch."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one turn: documents to claim first, then what to note of it.

    `answer` is the status of what was asked for, or the trouble that kept it away; empty where
    nothing was asked.
    """

    done: LeaseResult
    documents: tuple[Incoming, ...] = ()
    failed: bool = False
    answer: str = ""


class FetchSource(Protocol):
    """What is fetched, and what an answer means."""

    kind: str

    def take(self, count: int) -> TakenLeases: ...

    async def fetch(self, turn: Lease, fetcher: Fetcher) -> Result: ...

    def failed(self, turn: Lease, error: Exception) -> Result: ...

    def note(self, results: Sequence[Result]) -> None: ...


Count = Callable[[Mapping[tuple[str, str], int]], None]
"""Is told how many fetches were made since it was last called, by kind and answer."""


@dataclass(slots=True)
class FetchTotals:
    """What one run of the loop came to."""

    turns: int = 0
    documents: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """`taking_seconds` is how long new work is taken; `documents` and `size` are of one batch."""

    concurrency: int
    taking_seconds: float
    documents: int
    size: int


@dataclass(slots=True)
class _Loop:
    sources: Sequence[FetchSource]
    fetcher: Fetcher
    bounds: FetchLimits
    claim: Callable[[Sequence[Incoming]], None]
    may_take: Callable[[], bool]
    count: Count
    flying: dict["asyncio.Task[Result]", tuple[FetchSource, Lease]] = field(default_factory=dict)
    landed: list[tuple[FetchSource, Result]] = field(default_factory=list)
    since: float = 0.0
    run: FetchTotals = field(default_factory=FetchTotals)

    def take(self) -> bool:
        """Send off what is due while there is room; False where nothing more is due now."""
        some = False
        for source in self.sources:
            room = self.bounds.concurrency - len(self.flying)
            if room < max(1, self.bounds.concurrency // 4) and self.flying:
                return True
            taken = source.take(room)
            for turn in taken.leases:
                task = asyncio.create_task(source.fetch(turn, self.fetcher))
                self.flying[task] = source, turn
            some |= bool(taken.leases) or taken.has_more
        return some

    async def land(self, seconds: float) -> None:
        """Wait for answers. What a source's own code raises is no other's fault, and counts as a
        failure of what it was about."""
        done, _ = await asyncio.wait(
            self.flying, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if done and not self.landed:
            self.since = time.monotonic()
        for task in done:
            source, turn = self.flying.pop(task)
            try:
                result = task.result()
            except Retryable:
                raise
            except Exception as error:
                logger.error("fetching met a bug", source=printable(turn.name), exc_info=error)
                result = source.failed(turn, error)
            self.landed.append((source, result))

    def is_due(self) -> bool:
        waited = time.monotonic() - self.since >= GATHER_SECONDS
        size = sum(len(one.data) for _, result in self.landed for one in result.documents)
        many = len(self.landed) >= self.bounds.documents or size >= self.bounds.size
        return bool(self.landed) and (many or waited or not self.flying)

    def flush(self) -> None:
        """Claim what came, then note what it came to."""
        results = [result for _, result in self.landed]
        documents = [one for result in results for one in result.documents]
        for batch in _batches(documents, self.bounds):
            self.claim(batch)
        for source in self.sources:
            if mine := [result for owner, result in self.landed if owner is source]:
                source.note(mine)
        self.run.turns += len(results)
        self.run.documents += len(documents)
        self.run.failed += sum(result.failed for result in results)
        if asked := Counter((owner.kind, one.answer) for owner, one in self.landed if one.answer):
            self.count(asked)
        self.landed = []


def _batches(documents: Sequence[Incoming], bounds: FetchLimits) -> Iterator[Sequence[Incoming]]:
    """Batches within their bounds, the largest documents last: what came with one that takes long
    to read need not wait for it."""
    batch: list[Incoming] = []
    size = 0
    for one in sorted(documents, key=lambda one: len(one.data)):
        if batch and (len(batch) >= bounds.documents or size + len(one.data) > bounds.size):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += len(one.data)
    if batch:
        yield batch


async def fetch_due(
    sources: Sequence[FetchSource],
    fetcher: Fetcher,
    bounds: FetchLimits,
    *,
    claim: Callable[[Sequence[Incoming]], None],
    may_take: Callable[[], bool],
    count: Count,
    told: Callable[[int], None] = lambda _: None,
) -> FetchTotals:
    """Fetch all that is due, until nothing is and nothing is in the air.

    `claim` makes documents safe; `may_take` is False while there is no room for more; `told` hears
    how many are in the air, `count` of what was asked, when that is noted: a run that is ended has
    counted what it did. Raises Retryable where the store or the spool is away: what is in hand
    comes back when its lease ends.
    """
    loop = _Loop(sources, fetcher, bounds, claim, may_take, count)
    end = time.monotonic() + bounds.taking_seconds
    try:
        while True:
            more = time.monotonic() < end and loop.may_take() and loop.take()
            told(len(loop.flying))
            if loop.flying:
                await loop.land(GATHER_SECONDS)
            if loop.is_due():
                loop.flush()
            if not loop.flying and not more:
                return loop.run
    finally:
        for task in loop.flying:
            task.cancel()
        await asyncio.gather(*loop.flying, return_exceptions=True)
