"""A WARC file in a batch: its pages become batches of their own, so that all processes read them,
a page that ends its process ends no other, and each is kept with its address and time.

One call claims pages until its time is over; the next one continues from `<entry>.warc` in the
batch. That file is written before a batch of pages is claimed, with the name of that batch: if the
batch exists, its pages were accepted. The WARC itself is not archived.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from typing import BinaryIO

import orjson
from pydantic import TypeAdapter, ValidationError

from worker.errors import Reason
from worker.escape import printable
from worker.fetch.url import printable_url, public_url
from worker.formats.context import MAX_REFUSALS
from worker.formats.warc import DAMAGED, PAGE, Place, WarcItem, read_warc
from worker.logs import get_logger
from worker.model import Outcome, Status
from worker.model.frozen import dataclass
from worker.model.times import rfc3339
from worker.pipeline.extract import (
    EntryReader,
    ParsedArticle,
    entry_source,
    first_seen_at,
    parse_entry,
)
from worker.pipeline.failure import ParseFailure
from worker.pipeline.ports import IngestDeps
from worker.pipeline.publisher import refuse
from worker.spool.batch import Batch, batch_names
from worker.spool.claim import Incoming
from worker.spool.filesystem import check_free
from worker.spool.layout import translate_errors, write_durably
from worker.spool.manifest import WARC, Entry, Head, Origin
from worker.translation import mark

logger = get_logger(__name__)

_RECORDS_AT_ONCE = 1000
MAX_KINDS, OTHER = 50, "other"
"""Kinds of records that are counted by name: a status can be any number."""


@dataclass(frozen=True, slots=True)
class _Progress:
    """The progress in a WARC: `kinds` counts the records before `place`. `batch` has the last of
    their pages. If that batch was not made, `before` holds instead. `attempts` were ended without
    any progress."""

    place: Place = Place()
    kinds: dict[str, int] = field(default_factory=dict)
    batch: str = ""
    before: "_Progress | None" = None
    attempts: int = 0


_PROGRESS = TypeAdapter(_Progress)


def is_divided(outcome: Outcome) -> bool:
    """Whether an outcome says that its file was divided into pages."""
    return outcome.status is Status.READ and outcome.feed is None


def read_pages(
    reader: EntryReader, entry: Entry, file: BinaryIO, on_counted: Callable[[str], None]
) -> Iterator[ParsedArticle | ParseFailure]:
    """Every article and every refused record of a WARC, as workers read them; at the end
    `on_counted` gets what the WARC holds, in words."""
    kinds: Counter[str] = Counter()
    for item in read_warc(file, reader.settings.limits.file_bytes):
        _count(kinds, item)
        if item.page:
            page = _incoming(item, entry, reader.head)
            inner = replace(entry, path=page.path, origin=page.origin)
            yield from parse_entry(reader, inner, page.data)
        elif item.refusal:
            failure = _failure(item, kinds.total() - 1)
            yield replace(failure, message=f"{printable_url(item.url)}: {failure.message}")
    on_counted(describe(kinds))


def _count(kinds: Counter[str], item: WarcItem) -> None:
    """Count an item by its kind; those beyond the first MAX_KINDS share one."""
    is_named = item.kind in kinds or len(kinds) < MAX_KINDS or item.kind in (PAGE, DAMAGED)
    kinds[item.kind if is_named else OTHER] += 1


def describe(kinds: Counter[str]) -> str:
    """The content of a WARC, in words."""
    page_count, damaged_count = kinds[PAGE], kinds[DAMAGED]
    others = [
        f"{printable(kind, 40)} {count:,}"
        for kind, count in kinds.most_common()
        if kind not in (PAGE, DAMAGED)
    ]
    others_text = ", ".join(others) or "-"
    return mark(
        f"{page_count:,} pages and {damaged_count:,} damaged records in the WARC; not read: "
        f"{others_text}"
    )


class WarcDivision:
    """The division of one entry of a locked batch, which is a WARC."""

    def __init__(self, batch: Batch, entry: Entry, deps: IngestDeps) -> None:
        self._batch, self._entry, self._deps = batch, entry, deps
        self._path = batch.folder / f"{entry.number}.warc"
        self._pages: list[Incoming] = []
        self._outcomes: list[Outcome] = []
        self._progress = self._load()

    def run(self, is_over: Callable[[], bool], commit: Callable[[Sequence[Outcome]], None]) -> bool:
        """Go on until the end (True), or until the time is over or many batches wait. `commit`
        writes outcomes to the journal."""
        deps, limits = self._deps, self._deps.settings.spool
        if self._progress.attempts >= limits.max_attempts:
            self._refuse(_WORKER_KILLED)
            commit(self._outcomes)
            return True
        with self._attempt(), self._batch.open(self._entry.number) as file:
            kinds, place, size = Counter(self._progress.kinds), self._progress.place, 0
            items = read_warc(file, deps.settings.limits.file_bytes, place)
            for item in deps.bounds.each(items, is_first_try=False):
                place = item.place
                _count(kinds, item)
                size += self._add(item, kinds)
                is_due = len(self._pages) >= limits.batch_files or size >= limits.batch_bytes
                if is_due or kinds.total() % _RECORDS_AT_ONCE == 0:
                    self._save(place, kinds, commit)
                    size = 0
                    if is_over() or len(batch_names(self._batch.root)) >= limits.max_waiting:
                        return False
            self._save(place, kinds, commit)
        self._finish(kinds)
        commit(self._outcomes)
        return True

    def _add(self, item: WarcItem, kinds: Counter[str]) -> int:
        """Keep a page for the next batch, or refuse a record; the bytes that are kept."""
        incoming = _incoming(item, self._entry, self._batch.manifest.head)
        if item.page:
            self._pages.append(incoming)
            return len(incoming.data)
        if item.refusal and kinds[DAMAGED] <= MAX_REFUSALS:
            part = None if item.refusal.raw is None else incoming
            self._refuse(_failure(item, kinds.total() - 1), part)
        return 0

    def _finish(self, kinds: Counter[str]) -> None:
        number, message = self._entry.number, describe(kinds)
        logger.info("WARC divided into pages", **kinds)
        if kinds[PAGE] or kinds[DAMAGED]:
            path = printable(self._entry.path)
            self._outcomes.append(Outcome(number, -1, Status.READ, path, message=message))
            return
        why = mark(f"{message}: enqueue WARC files with the answers of web servers")
        self._refuse(ParseFailure(0, Reason.NO_CONTENT, why, whole_file=True))

    def _refuse(self, failure: ParseFailure, part: Incoming | None = None) -> None:
        self._outcomes.append(refuse(self._batch, self._entry, failure, self._deps, part))

    def _save(
        self, place: Place, kinds: Counter[str], commit: Callable[[Sequence[Outcome]], None]
    ) -> None:
        """Claim the pages as a batch, and record that everything before `place` is done."""
        commit(self._outcomes)
        self._outcomes = []
        if not self._pages:
            self._write(_Progress(place, dict(kinds)))
            return
        settings, old = self._deps.settings, self._batch.manifest.head
        check_free(settings.state_dir, settings.spool.min_free_mb)
        source, now = entry_source(self._entry, old), self._deps.now()
        head = Head.new(source, old.kind, now, old.job, force=old.force, strict=old.strict)
        before = _Progress(self._progress.place, self._progress.kinds)
        self._write(_Progress(place, dict(kinds), head.batch, before))
        self._deps.claim(self._batch.root, head, self._pages)
        self._pages = []

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        """One run. It counts if it ends the process, or needs more memory than there is."""
        start = self._progress
        self._write(replace(start, attempts=start.attempts + 1))
        try:
            yield
        except MemoryError:
            raise
        except BaseException:
            if self._progress.attempts:  # nothing was saved
                self._write(start)
            raise

    def _load(self) -> _Progress:
        try:
            progress = _PROGRESS.validate_json(self._path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return _Progress()
        is_made = (self._batch.root.work / progress.batch).is_dir() or (
            self._deps.archive.find(progress.batch) is not None
        )
        if progress.batch and not is_made:
            return replace(progress.before or _Progress(), attempts=progress.attempts)
        return progress

    def _write(self, progress: _Progress) -> None:
        with translate_errors(self._path):
            write_durably(self._path, orjson.dumps(progress))
        self._progress = progress


_WORKER_KILLED = ParseFailure(
    0,
    Reason.KILLS_WORKER,
    mark("reading this WARC ended its worker several times: check it, or report it as a bug"),
    whole_file=True,
)


def _incoming(item: WarcItem, entry: Entry, head: Head) -> Incoming:
    """A page, with its address and the time of its capture; or the bytes of a refused record."""
    part = f"!{printable_url(item.url)}" if item.url else ""
    path = entry.path.removesuffix(part) + part  # a refused record that is read again has it
    if item.page is None:
        raw = item.refusal.raw if item.refusal else None
        return Incoming(raw or b"", path, entry.origin)
    at, page = item.page.fetched_at, item.page
    seen_at = first_seen_at(entry, head)
    origin = Origin(
        source=entry_source(entry, head),
        kind=WARC,
        url=public_url(page.url),
        fetched_at=rfc3339(at) if at else seen_at,
        charset=page.charset,
        seen_at=seen_at,
    )
    return Incoming(page.data, path, origin)


def _failure(item: WarcItem, number: int) -> ParseFailure:
    assert item.refusal is not None
    return ParseFailure(number, item.refusal.reason, item.refusal.message, whole_file=False)
