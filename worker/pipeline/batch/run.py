"""One run over a batch: the outcome of each of its articles.

::

    read → look up → parse → publish → journal

A group of entries that fits into memory is read and looked up at once. Its articles are published
in bounded calls; every outcome is in the batch's journal before the next group is read.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import cache
from itertools import islice

from worker.errors import StoreUnavailable
from worker.escape import printable
from worker.logs import log_context
from worker.model import IndexEntry, Outcome
from worker.normalize.identity import file_mark
from worker.pipeline import publisher
from worker.pipeline.batch.files import EntryFile, duplicate_outcome, read_file
from worker.pipeline.batch.warc import WarcDivision
from worker.pipeline.bounds import PROBED_AT_ONCE
from worker.pipeline.extract import EntryReader, ParsedArticle, entry_source
from worker.pipeline.failure import ParseFailure
from worker.pipeline.feeds.documents import read_entry
from worker.pipeline.feeds.run import parse_feed
from worker.pipeline.ports import IngestDeps
from worker.pipeline.revisions import read_again
from worker.spool.batch import Batch, is_postponed
from worker.spool.claim import batched
from worker.spool.manifest import Entry, Form

_MAX_RESTARTS = 5
JOURNAL_INTERVAL = timedelta(seconds=1)
"""A worker that is killed loses no more work than this; a slow batch still comes to its end."""


class BatchRun:
    """Owns all that changes while a batch is ingested: articles not published yet, outcomes not
    written to the journal yet, and the outcomes in the journal, those of earlier runs included."""

    def __init__(self, batch: Batch, deps: IngestDeps, is_over: Callable[[], bool]) -> None:
        self._batch = batch
        self._progress = batch.progress
        self._deps = deps
        self._is_over = is_over
        self._reader = EntryReader(
            deps.settings, deps.sites(), cache(deps.profile), batch.manifest.head, may_refuse=True
        )
        self._pending: list[ParsedArticle] = []
        self._pending_bytes = 0
        self._is_postponed = is_postponed(batch.root, batch.name)
        self._has_suspects = False
        self._unread: dict[int, EntryFile] = {}
        self._slow: set[int] = set()
        self._unwritten: list[Outcome] = []
        self._finished: list[int] = []
        self._written = {outcome.place: outcome for outcome in batch.progress.outcomes}
        self._started = set(batch.progress.started)
        self._was_offered = False
        self._servers = dict(batch.progress.servers)
        self._journal_server = ""
        self._written_at = deps.now()
        self.server = ""
        """The run id of Redis, when it was last looked up."""

    @property
    def was_published(self) -> bool:
        """Whether anything of the batch is in the stream."""
        return any(outcome.status.has_entry for outcome in self._written.values())

    def run(self) -> list[Outcome] | None:
        """The outcome of every article of the batch, in order.

        None if the time was over before the last entry, or the rest may end a process and has to
        wait until nothing else does: the next process continues from the journal. Raises Retryable,
        also if Redis keeps restarting.
        """
        if self._progress.crash_counts:
            self._deps.bounds.raise_alert()
        # The journal is not synced, the server may be: a power cut can leave articles in the stream
        # of whose publishing the journal has no line.
        self._was_offered = self._deps.articles.has_claims(self._batch.name)
        entries = self._remaining()
        for _ in range(_MAX_RESTARTS):
            if not self._run(entries):
                return None
            entries = self._lost_entries()
            if not entries:
                return [self._written[key] for key in sorted(self._written)]
        raise StoreUnavailable(
            "Redis was restarted several times while a batch was published: see its log"
        )

    def _run(self, entries: Sequence[Entry]) -> bool:
        """Ingest `entries`; False if the time was over before the last, or some have to wait."""
        if not self._is_postponed:
            last = self._progress.crash_counts.keys() | self._batch.suspects()
            self._has_suspects = any(entry.number in last for entry in entries)
            entries = [entry for entry in entries if entry.number not in last]
        remaining_count = len(entries)
        for group in self._groups(entries):
            files = [read_file(self._batch, entry, self._deps.settings) for entry in group]
            index_entries = self._look_up(files)
            self._unread = {
                file.entry.number: file
                for file, index_entry in zip(files, index_entries, strict=True)
                if index_entry is None and isinstance(file.content, bytes)
            }
            for file, index_entry in zip(files, index_entries, strict=True):
                self._parse(file, index_entry)
                remaining_count -= 1
                is_over = remaining_count > 0 and self._is_over()
                if is_over or self._deps.now() - self._written_at >= JOURNAL_INTERVAL:
                    self._commit()
                if is_over:
                    return False
            self._commit()
        if self._has_suspects:
            self._batch.postpone()
            return False
        return True

    def _lost_entries(self) -> list[Entry]:
        """Finished entries of which Redis may have lost an article: it was restarted since. They
        are published again under the same claims, which get the same answers if nothing is lost."""
        if not self.was_published:
            return []
        self.server = self._deps.articles.get_run_id()
        lost = {
            key[0]
            for key, outcome in self._written.items()
            if outcome.status.has_entry and self._servers.get(key) != self.server
        }
        self._started |= lost
        return [entry for entry in self._batch.entries() if entry.number in lost]

    def _remaining(self) -> list[Entry]:
        """The entries that are not finished, and those that Redis may have lost; those that killed
        a worker come last, so that they delay no other."""
        done, crash_counts = self._progress.finished, self._progress.crash_counts
        lost = {entry.number for entry in self._lost_entries()}
        entries = [
            entry
            for entry in self._batch.entries()
            if entry.number not in done or entry.number in lost
        ]
        return sorted(entries, key=lambda entry: (crash_counts.get(entry.number, 0), entry.number))

    def _groups(self, entries: Sequence[Entry]) -> Iterator[list[Entry]]:
        """Entries in groups whose bytes fit into memory together."""

        def size_of(entry: Entry) -> int:
            try:
                return self._batch.size(entry.number)
            except OSError:
                return 0  # reading it reports the error

        max_bytes = self._deps.settings.spool.batch_bytes
        return batched(entries, size_of=size_of, max_bytes=max_bytes, may_exceed=False)

    def _look_up(self, files: Sequence[EntryFile]) -> list[IndexEntry | None]:
        """The index entry of each file whose bytes were published before. Fetched documents are
        looked up entry by entry when they are parsed."""
        marks = {
            file.entry.number: file_mark(file.digest, self._reader.profile(file.entry))
            for file in files
            if file.digest and not file.entry.reread and self._may_look_up(file.entry)
        }
        known_entries = self._deps.articles.look_up(list(marks.values())) if marks else ()
        by_number = dict(zip(marks, known_entries, strict=True))
        return [by_number.get(file.entry.number) for file in files]

    def _may_look_up(self, entry: Entry) -> bool:
        """False for an entry that an earlier run may have published: it would look like a duplicate
        of itself."""
        started = self._was_offered or entry.number in self._started
        return not started and not self._reader.head.force

    def _parse(self, file: EntryFile, index_entry: IndexEntry | None) -> None:
        entry = file.entry
        crash_count = self._progress.crash_counts.get(entry.number, 0)
        if crash_count:
            self._commit()  # it may kill this worker too: what came before is safe then
        with self._log_context(entry):
            if isinstance(file.content, ParseFailure):
                self._add(entry, file.content)
            elif file.content is None:
                if not WarcDivision(self._batch, entry, self._deps).run(
                    self._is_over, self._add_outcomes
                ):
                    self._has_suspects = True  # it continues when its pages are read
                    return
            elif index_entry is not None:
                self._add(entry, duplicate_outcome(file, index_entry))
            elif self._must_wait(entry.number):
                return
            else:
                self._batch.journal.start(entry.number)
                items = self._items(file, file.content)
                is_first_try = crash_count + 1 < self._deps.settings.spool.max_attempts
                for item in self._deps.bounds.each(items, is_first_try=is_first_try):
                    self._add(entry, item)
            self._finished.append(entry.number)

    def _must_wait(self, number: int) -> bool:
        """Whether an entry is parsed after the others: after one ended its process, all are
        probed."""
        if number in self._unread and not self._is_postponed and self._deps.bounds.is_alert():
            self._probe(list(islice(self._unread.values(), PROBED_AT_ONCE)))
        self._unread.pop(number, None)
        return number in self._slow

    def _probe(self, files: Sequence[EntryFile]) -> None:
        """Mark those of `files`, the next to be parsed, that a probe does not finish in time."""
        documents = [
            read_entry(self._reader, file.entry, file.content, file.digest)
            for file in files
            if isinstance(file.content, bytes)
        ]
        for file, is_quick in zip(files, self._deps.bounds.are_quick(documents), strict=True):
            del self._unread[file.entry.number]
            if not is_quick:
                self._batch.mark_suspect(file.entry.number)
                self._slow.add(file.entry.number)
                self._has_suspects = True

    def _items(
        self, file: EntryFile, data: bytes
    ) -> Iterator[ParsedArticle | ParseFailure | Outcome]:
        if file.entry.reread:
            return read_again(self._reader, file.entry, file.entry.reread, data, file.digest)
        if file.entry.form is Form.FEED:
            may_look_up = self._may_look_up(file.entry)
            return parse_feed(self._reader, file.entry, data, self._deps, may_look_up=may_look_up)
        return read_entry(self._reader, file.entry, data, file.digest)

    def _add(self, entry: Entry, item: ParsedArticle | ParseFailure | Outcome) -> None:
        """Queue an article for publishing, or an outcome for the journal; refuse what failed."""
        if isinstance(item, Outcome):
            self._unwritten.append(item)
        elif isinstance(item, ParseFailure):
            self._unwritten.append(publisher.refuse(self._batch, entry, item, self._deps))
        else:
            self._pending.append(item)
            self._pending_bytes += item.size
            if (
                len(self._pending) >= publisher.MAX_ARTICLES
                or self._pending_bytes >= publisher.MAX_BYTES
            ):
                self._commit()
                self._batch.journal.start(entry.number)

    def _add_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        self._unwritten.extend(outcomes)
        self._commit()

    def _commit(self) -> None:
        """Publish the pending articles, then write every outcome to the journal."""
        self._batch.journal.start(None)
        self._publish()
        self._write_journal()

    def _publish(self) -> None:
        items, self._pending, self._pending_bytes = self._pending, [], 0
        if items:
            # Before the call: after a restart in between its outcomes are offered again in vain,
            # and none is missed. It takes 0.1 ms.
            run_id = self._deps.articles.get_run_id()
            if run_id != self._journal_server:
                self._batch.journal.write_server(run_id)
            self._journal_server = run_id
        for item, result in publisher.publish(items, self._batch.name, self._reader, self._deps):
            self._add(item.entry, result)

    def _write_journal(self) -> None:
        self._batch.journal.add(self._unwritten, self._finished)
        for outcome in self._unwritten:
            self._written[outcome.place] = outcome
            self._servers[outcome.place] = self._journal_server
        self._unwritten, self._finished = [], []
        self._written_at = self._deps.now()

    def _log_context(self, entry: Entry) -> AbstractContextManager[None]:
        """The fields of every log line while an entry is parsed."""
        source = entry_source(entry, self._reader.head)
        return log_context(document=printable(entry.path), source=printable(source))
