"""Deciding: what becomes of each article of a batch.

Read in groups that fit into memory, leave out what is known by its bytes, offer the rest in bounded
calls; every decision is in the journal before the next group is read.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

from worker.articles import (
    Item,
    Reader,
    Unread,
    first_seen,
    raw_mark,
    read_items,
    refusal_of,
    sha256,
    source_of,
)
from worker.desk import Desk
from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.fetched import FeedDocument, read_capsule, read_document, wanted_page
from worker.model import Decision, Known, Offer, OnChange, Outcome, RawArticle, Status
from worker.spool.batch import Batch
from worker.spool.manifest import Entry, Form, Origin
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
    pending: list[Item] = field(default_factory=list)
    decided: list[Outcome] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    size: int = 0
    flushed: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.flushed = self.desk.now()
        settings, head = self.desk.settings, self.batch.manifest.head
        self.reader = Reader(settings, self.desk.sites, cache(self.desk.profile), head)
        known = self.batch.progress.outcomes
        self.outcomes = {(outcome.entry, outcome.ordinal): outcome for outcome in known}

    def chunk(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        """Read a group of entries, leave out what is known by its bytes, parse the others; each is
        yielded when it is read. What was read is offered once a second at least: a worker that is
        ended in the middle has lost no more, and a slow batch comes to its end all the same."""
        limit = self.desk.settings.limits.file_bytes
        raws: list[tuple[Entry, bytes, str]] = []
        for entry in entries:
            try:
                self._check_deaths(entry)
                data = self.batch.read(entry.number, limit)
            except Rejected as error:
                self._refuse(entry, 0, error, None)
                self.done.append(entry.number)
                yield entry
            else:
                digest = sha256(data) if _form(entry) is Form.ANY else ""
                raws.append((entry, data, digest))
        for (entry, data, digest), hit in zip(raws, self._known_files(raws), strict=True):
            if entry.number in self.batch.progress.deaths:
                self.flush()  # it may end this worker too: what came before is safe then
            if hit is None:
                self._read(entry, data, digest)
            else:
                self.decided.append(_known(entry, digest, hit))
                self.done.append(entry.number)
            if self.desk.now() - self.flushed >= _LONGEST_UNNOTED:
                self.flush()
            yield entry
        self.flush()

    def _known_files(self, raws: Sequence[tuple[Entry, bytes, str]]) -> list[Known | None]:
        """What is known of each file by its bytes; for what was fetched that comes later."""
        asked = [
            (entry, raw_mark(digest, self.reader.profile(entry)))
            for entry, _, digest in raws
            if _form(entry) is Form.ANY and self._may_ask(entry)
        ]
        known = self.desk.stream.known([mark for _, mark in asked]) if asked else ()
        found = {entry.number: hit for (entry, _), hit in zip(asked, known, strict=True)}
        return [found.get(entry.number) for entry, *_ in raws]

    def _may_ask(self, entry: Entry) -> bool:
        """Whether to ask what is known of an entry by its bytes. A claim's own earlier offer would
        look like a duplicate: only what was never in hand is asked for."""
        return entry.number not in self.batch.progress.touched and not self.reader.head.force

    def flush(self) -> None:
        """Offer what is pending, and write the outcomes to the journal."""
        self.batch.journal.hand(None)
        items, at = self.pending, rfc3339(self.desk.now())
        known = self.desk.stream.marked([item.normalized.identity for item in items])
        left = self._offer(items, at, known)
        self._offer(left, at, [False] * len(left))  # forgotten since it was asked for
        self.batch.journal.decided(self.decided, self.done)
        self.outcomes.update({(one.entry, one.ordinal): one for one in self.decided})
        self.pending, self.decided, self.done, self.size = [], [], [], 0
        self.flushed = self.desk.now()

    def _offer(self, items: Sequence[Item], at: str, known: Sequence[bool]) -> list[Item]:
        """Offer `items`, those `known` without their data; which of these need it after all."""
        offered: list[Item] = []
        offers: list[Offer] = []
        for item, expected in zip(items, known, strict=True):
            try:
                offers.append(self.reader.offer(item, ingested_at=at, known=expected))
            except Exception as error:
                # What making the record raises is a bug, and no other article's fault.
                refusal = Rejected(*refusal_of(error, item.entry.path))
                raw = None if item.alone else item.normalized.title.encode()
                self._refuse(item.entry, item.ordinal, refusal, raw)
            else:
                offered.append(item)
        left = []
        decisions = self.desk.stream.publish(self.batch.name, offers)
        for item, decision in zip(offered, decisions, strict=True):
            if decision is None:
                left.append(item)
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

    def _read(self, entry: Entry, data: bytes, digest: str) -> None:
        self.batch.journal.hand(entry.number)
        form = _form(entry)
        if form is Form.FEED:
            self._read_feed(entry, data)
        elif form is Form.CAPSULE:
            self._take(entry, read_capsule(self.reader, entry, data))
        else:
            for item in read_items(self.reader, entry, data, digest):
                self._take(entry, item)
        self.done.append(entry.number)

    def _take(self, entry: Entry, item: Item | Unread) -> None:
        """Let an article wait to be offered, or refuse it."""
        if isinstance(item, Unread):
            raw = None if item.whole_file else item.raw
            self._refuse(entry, item.ordinal, Rejected(item.reason, item.message), raw)
            return
        self.pending.append(item)
        self.size += item.weight
        if len(self.pending) >= _OFFERS or self.size >= _OFFER_BYTES:
            self.flush()
            self.batch.journal.hand(entry.number)

    def _read_feed(self, entry: Entry, data: bytes) -> None:
        source = source_of(entry, self.reader.head)

        def unchanged(marks: Sequence[bytes]) -> Sequence[bool]:
            may_ask = marks and self._may_ask(entry)
            return self.desk.stream.unchanged(marks) if may_ask else [False] * len(marks)

        found = read_document(
            self.reader, entry, data, unchanged, lambda: self.desk.feeds.refused_before(source)
        )
        if isinstance(found, Unread):
            self._take(entry, found)
            return
        self.decided.append(
            Outcome(entry.number, -1, Status.READ, printable(entry.path), feed=found.read)
        )
        wait = self._want_pages(entry, found) if self.reader.profile(entry).full_text else set()
        for item in found.items:
            if item.ordinal not in wait:
                self._take(entry, item)

    def _want_pages(self, entry: Entry, found: FeedDocument) -> set[int]:
        """Send for the pages of articles that are new; the ordinals of all that is decided by that.

        A known article's page is fetched again only where a change of it would be published: what
        its feed says of it is not what was published, so that cannot tell.
        """
        profile = self.reader.profile(entry)
        asked = [
            (item, raw)
            for item, raw in zip(found.items, found.raws, strict=True)
            if isinstance(item, Item) and raw is not None and _has_page(raw)
        ]
        known = self.desk.stream.marked([item.normalized.identity for item, _ in asked])
        again = profile.on_change is OnChange.REVISE or self.reader.head.force
        wanted = []
        for (item, raw), expected in zip(asked, known, strict=True):
            if not expected or again:
                wanted.append(wanted_page(self.reader, item, raw))
            status = Status.DEFERRED if not expected or again else Status.DUPLICATE
            outcome = self.reader.outcome(item, ingested_at=rfc3339(self.desk.now()))
            self.decided.append(replace(outcome, status=status, ingested_at=None))
        self.desk.wanted.add(wanted)
        return {item.ordinal for item, _ in asked}

    def _refuse(self, entry: Entry, ordinal: int, error: Rejected, raw: bytes | None) -> None:
        """Quarantine an entry (`raw` None) or one article of it, and note the outcome."""
        head = self.batch.manifest.head
        whole = raw is None
        refused = Refused(
            id=refused_id(self.batch.name, entry.number, None if whole else ordinal),
            source=source_of(entry, head),
            path=printable(entry.path),
            reason=error.reason,
            message=str(error),
            batch=self.batch.name,
            entry=entry.number,
            ordinal=None if whole else ordinal,
            size=self.batch.size(entry.number) if raw is None else len(raw),
            refused_at=rfc3339(self.desk.now()),
            job=head.job,
            origin=_origin_of(entry, part=not whole),
        )
        self.desk.quarantine.put(refused, self.batch.file(entry.number) if raw is None else raw)
        self.decided.append(
            Outcome(
                entry=entry.number,
                ordinal=ordinal,
                status=Status.REJECTED,
                path=refused.path,
                first_seen_at=first_seen(entry, head),
                reason=error.reason,
                message=refused.message,
                quarantine=refused.id,
                whole_file=whole,
            )
        )


def _form(entry: Entry) -> Form:
    return entry.origin.form if entry.origin else Form.ANY


def _origin_of(entry: Entry, *, part: bool) -> Origin | None:
    """What is kept of a refused entry's origin: a part of a feed is no feed when it is retried."""
    if entry.origin is None or not part:
        return entry.origin
    return replace(entry.origin, form=Form.ANY)


def _has_page(raw: RawArticle) -> bool:
    return (raw.url or "").startswith(("http://", "https://"))


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
