"""Deciding: what becomes of each article of a batch.

Read in groups that fit into memory, leave out what is known by its bytes, offer the rest in bounded
calls; every decision is in the journal before the next group is read.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from worker.articles import Item, Reader, Unread, raw_mark, read_items, refusal_of, sha256
from worker.desk import Desk
from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.model import Decision, Known, Offer, Outcome, Status
from worker.spool.batch import Batch
from worker.spool.manifest import Entry
from worker.spool.quarantine import Refused, refused_id
from worker.times import rfc3339

_OFFERS = 100
_OFFER_BYTES = 2_000_000
"""One call's size: beyond it the server is kept from others for longer than it saves."""
_LONGEST_UNNOTED = timedelta(seconds=1)


def decide(batch: Batch, desk: Desk, over: Callable[[], bool]) -> list[Outcome] | None:
    """Outcomes of every article of the batch, those of earlier runs among them.

    None where the time was `over` before the last entry: what is decided is in the journal, and
    whoever takes the batch next goes on from there.
    """
    work = _Work(batch, desk)
    left = [entry for entry in batch.entries() if entry.number not in batch.progress.done]
    # What killed a worker before comes last, so that it holds up nobody else.
    left.sort(key=lambda entry: (batch.progress.deaths.get(entry.number, 0), entry.number))
    for chunk in _chunks(batch, left, desk.settings.spool.batch_bytes):
        for number, _ in enumerate(work.chunk(chunk), 1):
            if number < len(left) and over():
                work.flush()
                return None
        left = left[len(chunk) :]
    return sorted(work.outcomes.values(), key=lambda outcome: (outcome.entry, outcome.ordinal))


def _chunks(batch: Batch, entries: Sequence[Entry], most: int) -> Iterator[list[Entry]]:
    """Entries in groups whose bytes fit into memory together."""
    group: list[Entry] = []
    size = 0
    for entry in entries:
        try:
            length = batch.size(entry.number)
        except OSError:
            length = 0  # reading it says what is wrong
        if group and size + length > most:
            yield group
            group, size = [], 0
        group.append(entry)
        size += length
    if group:
        yield group


@dataclass(slots=True)
class _Work:
    """A batch being decided: what is offered next, and what is decided so far."""

    batch: Batch
    desk: Desk
    outcomes: dict[tuple[int, int], Outcome] = field(init=False)
    reader: Reader = field(init=False)
    pending: list[tuple[Item, bytes]] = field(default_factory=list)
    decided: list[Outcome] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    size: int = 0
    flushed: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.flushed = self.desk.now()
        settings, head = self.desk.settings, self.batch.manifest.head
        self.reader = Reader(settings, self.desk.sites, settings.profile(head.source), head)
        known = self.batch.progress.outcomes
        self.outcomes = {(outcome.entry, outcome.ordinal): outcome for outcome in known}

    def chunk(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        """Read a group of entries, leave out what is known by its bytes, parse the others; each is
        yielded when it is read. What was read is offered once a second at least: a worker that is
        ended in the middle has lost no more, and a slow batch comes to its end all the same."""
        limit = self.desk.settings.limits.file_bytes
        raws: list[tuple[Entry, bytes, str, bytes]] = []
        for entry in entries:
            try:
                self._check_deaths(entry)
                data = self.batch.read(entry.number, limit)
            except Rejected as error:
                self._refuse(entry, 0, error, None)
                self.done.append(entry.number)
                yield entry
            else:
                digest = sha256(data)
                raws.append((entry, data, digest, raw_mark(digest, self.reader.profile)))
        # A claim's own earlier offer would look like a duplicate here: only fresh batches ask.
        ask = self.batch.progress.fresh and not self.reader.head.force
        known = self.desk.stream.known([mark for *_, mark in raws]) if ask and raws else []
        for (entry, data, digest, mark), hit in zip(raws, known or [None] * len(raws), strict=True):
            if entry.number in self.batch.progress.deaths:
                self.flush()  # it may end this worker too: what came before is safe then
            if hit is None:
                self._read(entry, data, digest, mark)
            else:
                self.decided.append(_known(entry, digest, hit))
                self.done.append(entry.number)
            if self.desk.now() - self.flushed >= _LONGEST_UNNOTED:
                self.flush()
            yield entry
        self.flush()

    def flush(self) -> None:
        """Offer what is pending, and write the outcomes to the journal."""
        self.batch.journal.hand(None)
        items, at = self.pending, rfc3339(self.desk.now())
        known = self.desk.stream.marked([item.normalized.identity for item, _ in items])
        left = self._offer(items, at, known)
        self._offer(left, at, [False] * len(left))  # forgotten since it was asked for
        self.batch.journal.decided(self.decided, self.done)
        self.outcomes.update({(one.entry, one.ordinal): one for one in self.decided})
        self.pending, self.decided, self.done, self.size = [], [], [], 0
        self.flushed = self.desk.now()

    def _offer(
        self, items: Sequence[tuple[Item, bytes]], at: str, known: Sequence[bool]
    ) -> list[tuple[Item, bytes]]:
        """Offer `items`, those `known` without their data; which of these need it after all."""
        offered: list[tuple[Item, bytes]] = []
        offers: list[Offer] = []
        for (item, mark), expected in zip(items, known, strict=True):
            try:
                offers.append(self.reader.offer(item, mark, ingested_at=at, known=expected))
            except Exception as error:
                # What making the record raises is a bug, and no other article's fault.
                refusal = Rejected(*refusal_of(error, item.entry.path))
                raw = None if item.alone else item.normalized.title.encode()
                self._refuse(item.entry, item.ordinal, refusal, raw)
            else:
                offered.append((item, mark))
        left = []
        decisions = self.desk.stream.publish(self.batch.name, offers)
        for (item, mark), decision in zip(offered, decisions, strict=True):
            if decision is None:
                left.append((item, mark))
            else:
                outcome = self.reader.outcome(item, ingested_at=at)
                self.decided.append(_with_decision(outcome, decision))
        return left

    def _check_deaths(self, entry: Entry) -> None:
        deaths = self.batch.progress.deaths.get(entry.number, 0)
        if deaths >= self.desk.settings.spool.max_attempts:
            raise Rejected(
                Reason.KILLS_WORKER,
                f"reading this file ended its worker {deaths} times (time or memory ran out): "
                "look at it for extreme size or nesting, or report it as a bug",
            )

    def _read(self, entry: Entry, data: bytes, digest: str, mark: bytes) -> None:
        self.batch.journal.hand(entry.number)
        for item in read_items(self.reader, entry, data, digest):
            if isinstance(item, Unread):
                raw = None if item.whole_file else item.raw
                self._refuse(entry, item.ordinal, Rejected(item.reason, item.message), raw)
                continue
            self.pending.append((item, mark))
            self.size += item.weight
            if len(self.pending) >= _OFFERS or self.size >= _OFFER_BYTES:
                self.flush()
                self.batch.journal.hand(entry.number)
        self.done.append(entry.number)

    def _refuse(self, entry: Entry, ordinal: int, error: Rejected, raw: bytes | None) -> None:
        """Quarantine an entry (`raw` None) or one article of it, and note the outcome."""
        head = self.batch.manifest.head
        whole = raw is None
        refused = Refused(
            id=refused_id(self.batch.name, entry.number, None if whole else ordinal),
            source=head.source,
            path=printable(entry.path),
            reason=error.reason,
            message=str(error),
            batch=self.batch.name,
            entry=entry.number,
            ordinal=None if whole else ordinal,
            size=self.batch.size(entry.number) if raw is None else len(raw),
            refused_at=rfc3339(self.desk.now()),
            job=head.job,
        )
        self.desk.quarantine.put(refused, self.batch.file(entry.number) if raw is None else raw)
        self.decided.append(
            Outcome(
                entry=entry.number,
                ordinal=ordinal,
                status=Status.REJECTED,
                path=refused.path,
                first_seen_at=head.claimed_at,
                reason=error.reason,
                message=refused.message,
                quarantine=refused.id,
                whole_file=whole,
            )
        )


def _known(entry: Entry, digest: str, known: Known) -> Outcome:
    """The same bytes were published before: nothing has to be parsed to say so."""
    return Outcome(
        entry=entry.number,
        ordinal=0,
        status=Status.DUPLICATE,
        path=printable(entry.path),
        id=known.identity.id,
        date=known.identity.date,
        raw_sha256=digest,
        revision=known.revision,
        message="the same bytes were published before",
    )


def _with_decision(outcome: Outcome, decision: Decision) -> Outcome:
    message = None
    if decision.content_differs and decision.status is Status.DUPLICATE:
        message = (
            "its title and date are known, but its content differs: "
            'set on_change = "revise" for the source, or enqueue it with --force'
        )
    return replace(
        outcome,
        status=decision.status,
        stream_id=decision.stream_id,
        revision=decision.revision,
        content_differs=decision.content_differs,
        message=message,
    )
