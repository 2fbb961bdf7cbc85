"""Replaying archived segments: publish again, under the same ids, what Redis has lost; and
settling them: add them to the totals, once.

Only what the index no longer holds is published, and a revision only if the index has an older one:
replaying everything changes nothing if nothing was lost. `first_seen_at` and `ingested_at` keep
their first values.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from worker.model import Outcome, PublishRequest, Status, Tally
from worker.model.times import rfc3339
from worker.pipeline.extract import EntryReader, ParsedArticle
from worker.pipeline.feeds.documents import read_entry
from worker.pipeline.ports import IngestDeps
from worker.pipeline.publisher import MAX_ARTICLES
from worker.pipeline.revisions import as_published, compare, find_newest, with_own_alias
from worker.spool.claim import batched
from worker.spool.segment import Segment


def replay(
    segment: Segment, deps: IngestDeps, on_unreadable: Callable[[int], object] = lambda _: None
) -> int:
    """Publish a segment's lost articles again; how many there were. `on_unreadable` receives the
    number of lost articles whose raw files have expired or cannot be read.

    If any was lost, the segment's counts may be lost too: they are settled again, which counts
    them at most once. Raises FileNotFoundError where it has just expired, Retryable.
    """
    # Looked up before anything is unpacked: usually nothing is lost, and reading all of the last
    # minutes again blocked every process for as long as they had taken.
    lost = {each.place: each for each in segment.outcomes() if _is_lost(each, deps)}
    published = read = 0
    for group in batched(read_archived(segment, lost, deps), max_count=MAX_ARTICLES):
        published += _publish(segment, group, deps)
        read += len(group)
    if published:
        settle(segment, deps)
    on_unreadable(len(lost) - read)
    return published


def _is_lost(outcome: Outcome, deps: IngestDeps) -> bool:
    if not outcome.status.has_entry:
        return False
    index_entry = deps.articles.find(outcome.id) if outcome.id else None
    return index_entry is None or index_entry.revision < outcome.revision


def read_archived(
    segment: Segment, wanted: Mapping[tuple[int, int], Outcome], deps: IngestDeps
) -> Iterator[tuple[PublishRequest, Outcome]]:
    """The articles of these outcomes, by their places, parsed again from their raw files; nothing
    of those that have expired."""
    if not wanted:
        return
    head = segment.head()
    reader = EntryReader(deps.settings, deps.sites(), deps.profile, head.batch)
    wanted_entries = {entry for entry, _ in wanted}
    entries = {file.entry: file.entry_of() for file in head.files}
    for number, data in segment.raws():
        for item in read_entry(reader, entries[number], data) if number in wanted_entries else ():
            outcome = wanted.get((number, item.ordinal))
            if isinstance(item, ParsedArticle) and outcome is not None:
                yield _request(as_published(item, outcome.id), outcome, reader, deps), outcome


def _request(
    item: ParsedArticle, outcome: Outcome, reader: EntryReader, deps: IngestDeps
) -> PublishRequest:
    """The request of an archived article: what was a revision is one again."""
    ingested_at = outcome.ingested_at or rfc3339(deps.now())
    newest = find_newest(item, deps.articles) if outcome.status is Status.REVISED else None
    if newest:
        item = with_own_alias(item, newest.index_entry, deps.articles)
    revise = partial(compare, item=item, newest=newest, force=reader.head.force) if newest else None
    story = outcome.story
    request = reader.make_request(item, ingested_at=ingested_at, revise=revise, story=story)
    return replace(request, force=outcome.status is Status.REVISED)


def _publish(
    segment: Segment, pending: Sequence[tuple[PublishRequest, Outcome]], deps: IngestDeps
) -> int:
    decisions = deps.articles.publish(segment.batch, [request for request, _ in pending])
    return sum(
        decision is not None
        and decision.status.has_entry
        and decision.stream_id != outcome.stream_id
        for decision, (_, outcome) in zip(decisions, pending, strict=True)
    )


def settle(segment: Segment, deps: IngestDeps) -> Tally:
    """Add an archived batch to the totals, without stage durations; harmless if it was added
    before."""
    head, outcomes = segment.head(), list(segment.outcomes())
    tally = count_outcomes(outcomes, len(head.files))
    deps.settle(head, tally, outcomes, {})
    return tally


def count_outcomes(outcomes: Sequence[Outcome], file_count: int) -> Tally:
    """The tally of one batch of `file_count` files."""
    by_status = Counter(outcome.status for outcome in outcomes)
    quarantined = sum(outcome.whole_file for outcome in outcomes)
    return Tally(
        archived=file_count - quarantined,
        quarantined=quarantined,
        published=by_status[Status.PUBLISHED],
        revised=by_status[Status.REVISED],
        withdrawn=by_status[Status.WITHDRAWN],
        duplicate=by_status[Status.DUPLICATE],
        rejected=by_status[Status.REJECTED],
        content_differs=sum(outcome.content_differs for outcome in outcomes),
        deferred=by_status[Status.DEFERRED],
        unchanged=sum(outcome.feed.unchanged for outcome in outcomes if outcome.feed),
    )
