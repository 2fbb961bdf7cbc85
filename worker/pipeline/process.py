"""Deciding: what becomes of each article of a batch.

Read in groups that fit into memory, leave out what is known by its bytes, offer the rest in bounded
calls; every decision is in the journal before the next group is read.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.logs import log_context
from worker.model import IndexEntry, OnChange, Outcome, Status
from worker.model.times import rfc3339
from worker.pipeline.extract import (
    EntryReader,
    ParsedArticle,
    ParseFailure,
    parse_entry,
    raw_mark,
    sha256,
    source_of,
)
from worker.pipeline.feed_documents import (
    FeedArticle,
    FeedDocument,
    open_document,
    read_entry_bundle,
    wanted_page,
)
from worker.pipeline.ports import IngestDeps
from worker.pipeline.publisher import BatchPublisher
from worker.spool.batch import Batch
from worker.spool.manifest import Entry, Form

_LONGEST_UNNOTED = timedelta(seconds=1)
MOST_WANTED = 10_000
"""Pages that may wait to be fetched. Hosts are asked once a second: beyond it a feed's own text now
is better than its page in some hours."""
_PAGES = 100
"""Articles of a feed of which it is asked at once whether their pages are wanted."""


def process(batch: Batch, deps: IngestDeps, over: Callable[[], bool]) -> list[Outcome] | None:
    """Outcomes of every article of the batch, those of earlier runs among them.

    None where the time was `over` before the last entry: what is decided is in the journal, and
    whoever takes the batch next goes on from there.
    """
    work = _Work(batch, deps, BatchPublisher(batch, deps))
    left = [entry for entry in batch.entries() if entry.number not in batch.progress.done]
    # What killed a worker before comes last, so that it holds up nobody else.
    left.sort(key=lambda entry: (batch.progress.deaths.get(entry.number, 0), entry.number))
    for chunk in _chunks(batch, left, deps.settings.spool.batch_bytes):
        for number, _ in enumerate(work.chunk(chunk), 1):
            if number < len(left) and over():
                work.offering.flush()
                return None
        left = left[len(chunk) :]
    return work.offering.outcomes()


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


@dataclass(frozen=True, slots=True)
class _Work:
    """A batch being read; what is read is offered."""

    batch: Batch
    deps: IngestDeps
    offering: BatchPublisher

    @property
    def reader(self) -> EntryReader:
        return self.offering.reader

    def chunk(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        """Read a group of entries, leave out what is known by its bytes, parse the others; each is
        yielded when it is read. What was read is offered once a second at least: a worker that is
        ended in the middle has lost no more, and a slow batch comes to its end all the same."""
        limit = self.deps.settings.limits.file_bytes
        offering = self.offering
        raws: list[tuple[Entry, bytes, str]] = []
        for entry in entries:
            try:
                with self._in_hand(entry):
                    self._check_deaths(entry)
                    data = self.batch.read(entry.number, limit)
            except Rejected as error:
                offering.refuse(entry, 0, error, None)
                offering.finished(entry)
                yield entry
            else:
                digest = sha256(data) if _form(entry) is Form.ANY else ""
                raws.append((entry, data, digest))
        for (entry, data, digest), hit in zip(raws, self._known_files(raws), strict=True):
            if entry.number in self.batch.progress.deaths:
                offering.flush()  # it may end this worker too: what came before is safe then
            with self._in_hand(entry):
                if hit is None:
                    self._read(entry, data, digest)
                else:
                    offering.note(_known(entry, digest, hit))
                offering.finished(entry)
            if self.deps.now() - offering.flushed >= _LONGEST_UNNOTED:
                offering.flush()
            yield entry
        offering.flush()

    def _in_hand(self, entry: Entry) -> AbstractContextManager[None]:
        """What every line says while an entry is read."""
        source = source_of(entry, self.reader.head)
        return log_context(document=printable(entry.path), source=printable(source))

    def _known_files(self, raws: Sequence[tuple[Entry, bytes, str]]) -> list[IndexEntry | None]:
        """What is known of each file by its bytes; for what was fetched that comes later."""
        asked = [
            (entry, raw_mark(digest, self.reader.profile(entry)))
            for entry, _, digest in raws
            if _form(entry) is Form.ANY and self._may_ask(entry)
        ]
        known = self.deps.stream.known([mark for _, mark in asked]) if asked else ()
        found = {entry.number: hit for (entry, _), hit in zip(asked, known, strict=True)}
        return [found.get(entry.number) for entry, *_ in raws]

    def _may_ask(self, entry: Entry) -> bool:
        """Whether to ask what is known of an entry by its bytes. A claim's own earlier offer would
        look like a duplicate: only what was never in hand is asked for."""
        return entry.number not in self.batch.progress.touched and not self.reader.head.force

    def _check_deaths(self, entry: Entry) -> None:
        deaths = self.batch.progress.deaths.get(entry.number, 0)
        if deaths >= self.deps.settings.spool.max_attempts:
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
            self.offering.take(entry, read_entry_bundle(self.reader, entry, data))
        else:
            for item in parse_entry(self.reader, entry, data, digest):
                self.offering.take(entry, item)

    def _read_feed(self, entry: Entry, data: bytes) -> None:
        source = source_of(entry, self.reader.head)

        def unchanged(marks: Sequence[bytes]) -> Sequence[bool]:
            may_ask = marks and self._may_ask(entry)
            return self.deps.stream.unchanged(marks) if may_ask else [False] * len(marks)

        def refused_before() -> frozenset[str]:
            return self.deps.feeds.refused_before(source)

        document = open_document(self.reader, entry, data, unchanged, refused_before)
        if isinstance(document, ParseFailure):
            self.offering.take(entry, document)
            return
        full_text = self.reader.profile(entry).full_text
        document.crowded = full_text and len(self.deps.wanted.names()) >= MOST_WANTED
        for found in self._without_pages(entry, document) if full_text else document:
            self.offering.take(entry, found.item)
        about = document.about()
        self.offering.note(
            Outcome(entry.number, -1, Status.READ, printable(entry.path), feed=about)
        )

    def _without_pages(self, entry: Entry, document: FeedDocument) -> Iterator[FeedArticle]:
        """What is published as the feed has it; for the rest of the new articles their pages are
        sent for, a group at a time."""
        group: list[FeedArticle] = []
        for found in document:
            if found.page is None:
                yield found
                continue
            group.append(found)
            if len(group) >= _PAGES:
                document.known += self._want_pages(entry, group)
                group = []
        document.known += self._want_pages(entry, group)

    def _want_pages(self, entry: Entry, group: Sequence[FeedArticle]) -> int:
        """Send for the pages of articles that are new; how many of them wait already.

        A known article's page is fetched again only where a change of it would be published: what
        its feed says of it is not what was published, so that cannot tell.
        """
        items = [found.item for found in group if isinstance(found.item, ParsedArticle)]
        known = self.deps.stream.marked([item.normalized.identity for item in items])
        again = self.reader.profile(entry).on_change is OnChange.REVISE or self.reader.head.force
        waiting = 0
        for found, item, expected in zip(group, items, known, strict=True):
            status = Status.DUPLICATE
            if found.page is not None and (again or not expected):
                if not self.deps.wanted.add([wanted_page(self.reader, item, found.page)]):
                    waiting += 1
                    continue
                status = Status.DEFERRED
            outcome = self.reader.outcome(item, ingested_at=rfc3339(self.deps.now()))
            self.offering.note(replace(outcome, status=status, ingested_at=None))
        return waiting


def _form(entry: Entry) -> Form:
    return entry.origin.form if entry.origin else Form.ANY


def _known(entry: Entry, digest: str, known: IndexEntry) -> Outcome:
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
