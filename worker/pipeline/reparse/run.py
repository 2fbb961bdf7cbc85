"""One reparse: what would differ from what is published if it was read by the present rules.

Only the newest revision of an article is compared, with the record in the stream. A run of the
command line is recorded after every second in `<state>/reparse.json`; one with the same parameters
continues there.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from worker.errors import SpoolUnavailable
from worker.model import Change, Outcome, Revision, RevisionReason
from worker.model.times import rfc3339
from worker.pipeline.context import Context
from worker.pipeline.extract import EntryReader, ParsedArticle
from worker.pipeline.reparse.state import (
    Example,
    ReparseOrder,
    ReparseResult,
    RunState,
    load_run,
    save_run,
)
from worker.pipeline.revisions import NewestRevision, compare, find_newest, read_again
from worker.sites import Sites
from worker.spool.batch import POSTPONED_FILE, batch_names
from worker.spool.claim import Incoming, batched, claim_bytes
from worker.spool.layout import manual_root
from worker.spool.manifest import Entry, Head, Reread
from worker.spool.segment import Segment

MAX_EXAMPLES = 20
_SAVE_SECONDS, _WAIT_SECONDS = 1.0, 0.5


@dataclass(slots=True)
class _Run:
    context: Context
    order: ReparseOrder
    sites: Sites
    result: ReparseResult

    def read(self, segment: Segment) -> list[Incoming]:
        """The files of a segment of which something differs, to be read again by the workers."""
        wanted = dict(self._newest(segment))
        if not wanted:
            return []
        head = segment.head()
        deps = self.context.deps
        reader = EntryReader(deps.settings, self.sites, deps.profile, head.batch)
        files = {file.entry: file for file in head.files}
        changed: list[Incoming] = []
        for number, data in _raws(segment):
            articles = wanted.pop(number, ())
            if articles:
                ids = tuple((one.ordinal, one.id or "") for one in articles)
                seen_at = articles[0].first_seen_at or head.batch.claimed_at
                reread = Reread(RevisionReason.REPARSE, ids, seen_at)
                entry = replace(files[number].entry_of(), reread=reread)
                if differing := tuple(self._differing(reader, entry, data)):
                    reread = replace(reread, articles=differing)
                    changed.append(Incoming(data, entry.path, entry.origin, reread))
        self.result.expired += sum(map(len, wanted.values()))
        return changed

    def _newest(self, segment: Segment) -> Iterator[tuple[int, list[Outcome]]]:
        """The outcomes that are the newest revision of their article, by entry."""
        by_entry: dict[int, list[Outcome]] = {}
        for outcome in segment.outcomes():
            if not outcome.status.has_record or not outcome.id:
                continue
            index_entry = self.context.articles.find(outcome.id)
            if index_entry is not None and outcome.revision < index_entry.revision:
                continue  # a later segment has the newest one
            self.result.articles += 1
            if index_entry is None or index_entry.is_withdrawn:
                self.result.other += 1
            else:
                by_entry.setdefault(outcome.entry, []).append(outcome)
        yield from by_entry.items()

    def _differing(
        self, reader: EntryReader, entry: Entry, data: bytes
    ) -> Iterator[tuple[int, str]]:
        """Ordinal and id of each article of an entry that differs from what is published."""
        assert entry.reread is not None
        for item in read_again(reader, entry, entry.reread, data):
            newest = None
            if isinstance(item, ParsedArticle):
                newest = find_newest(item, self.context.articles)
            if not isinstance(item, ParsedArticle) or newest is None or _is_another(item, newest):
                self.result.failed += 1
                continue
            self.result.trimmed += newest.record is None
            _, revision = compare(item.record(""), item, newest, force=False)
            if revision is None:
                self.result.unchanged += 1
            else:
                self._count(item, newest, revision)
                yield item.ordinal, item.identity.id

    def _count(self, item: ParsedArticle, newest: NewestRevision, revision: Revision) -> None:
        self.result.changed += 1
        for name in revision.fields:
            self.result.fields[name] = self.result.fields.get(name, 0) + 1
        if len(self.result.examples) < MAX_EXAMPLES:
            title = str((newest.record or {}).get("title", item.normalized.title))
            changes = revision.changes[:5] if newest.record else ()
            self.result.examples.append(
                Example(item.identity.id, title, revision.fields, tuple(map(_short, changes)))
            )


def _raws(segment: Segment) -> Iterator[tuple[int, bytes]]:
    """The raw files, as far as they can be read: the disk may have lost some."""
    with suppress(SpoolUnavailable):
        yield from segment.raws()


def _short(change: Change) -> Change:
    old, new = (None if text is None else text[:200] for text in (change.old, change.new))
    return replace(change, old=old, new=new)


def _is_another(item: ParsedArticle, newest: NewestRevision) -> bool:
    """Whether an article of a file with several is not the one at its place any more: neither its
    key nor its content is."""
    own = item.normalized.identity
    return (
        not item.whole_file
        and own.key != newest.index_entry.identity.key
        and not own.content.startswith(newest.index_entry.identity.content)
    )


def reparse(
    context: Context,
    order: ReparseOrder,
    sites: Sites,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
    on_claimed: Callable[[], object] = lambda: None,
    pause: Callable[[float], None] = time.sleep,
) -> ReparseResult:
    """Compare the archive with what is published; claim what differs, if that is ordered.

    `on_progress` receives the number of batches that were read; `on_claimed` wakes the workers. The
    number of its waiting batches is bounded, and all other batches come first. Raises Retryable;
    the same call then continues where it stopped.
    """
    path = context.settings.state_dir / "reparse.json"
    key = {**asdict(order), "since": None, "rules": sites.revision}
    state = load_run(path, key, rfc3339(context.deps.now()))
    saved_at = context.deps.clock()
    try:
        for _ in read_segments(context, order, sites, state, on_claimed=on_claimed):
            if context.deps.clock() - saved_at >= _SAVE_SECONDS:
                save_run(path, key, state)
                saved_at = context.deps.clock()
            on_progress(state.result.segments)
            while order.publish and is_full(context):
                on_claimed()
                pause(_WAIT_SECONDS)
    except BaseException:
        save_run(path, key, state)
        raise
    path.unlink(missing_ok=True)
    return state.result


def read_segments(
    context: Context,
    order: ReparseOrder,
    sites: Sites,
    state: RunState,
    *,
    on_claimed: Callable[[], object],
) -> Iterator[None]:
    """Go on from `state`, one segment a step, and keep it up to date. Raises Retryable.

    A step never waits: it may run in the only process that works on what is claimed.
    """
    run = _Run(context, order, sites, state.result)
    for segment, is_wanted in _segments(context, order, state):
        if is_wanted:
            documents = run.read(segment)
            if order.publish and documents:
                _claim(context, segment, documents, on_claimed)
            state.result.segments += 1
        state.last = segment.batch
        yield


def is_full(context: Context) -> bool:
    """Whether a reparse has to wait: its batches take half of spool.max_waiting."""
    waiting = len(batch_names(manual_root(context.settings)))
    return waiting * 2 >= context.settings.spool.max_waiting


def _segments(
    context: Context, order: ReparseOrder, state: RunState
) -> Iterator[tuple[Segment, bool]]:
    """The segments behind the last one, oldest first, and whether the run has to read each; none
    that came after it began."""
    for segment in context.deps.archive.segments(after=state.last):
        try:
            head = segment.head()
        except (FileNotFoundError, SpoolUnavailable):
            continue  # it has expired since its folder was listed, or is damaged
        archived = datetime.fromisoformat(head.archived_at)
        is_wanted = order.since is None or archived >= order.since
        if order.source and not any(
            source == order.source
            for source in (head.batch.source, *(f.origin.source for f in head.files if f.origin))
        ):
            is_wanted = False
        yield segment, is_wanted and head.archived_at <= state.begun_at


def _claim(
    context: Context,
    segment: Segment,
    documents: Sequence[Incoming],
    on_claimed: Callable[[], object],
) -> None:
    settings, root = context.settings, manual_root(context.settings)
    head = segment.head().batch
    for group in batched(
        documents,
        size_of=lambda one: len(one.data),
        max_count=settings.spool.batch_files,
        max_bytes=settings.spool.batch_bytes,
    ):
        new = Head.new(head.source, head.kind, context.deps.now())
        claim_bytes(root, new, group, context.accepted)
        with suppress(FileNotFoundError):  # a worker was quick
            (root.work / new.batch / POSTPONED_FILE).touch()
        on_claimed()
