"""Replaying archived segments: what Redis has lost is published again, under the same ids.

Only what the index has forgotten is offered, a revision only where it knows an older one: so a
replay of everything changes nothing where nothing was lost. First-seen and ingested times are
those of the first time.
"""

from collections.abc import Iterator

from worker.model import Outcome, PublishRequest, Status
from worker.model.times import rfc3339
from worker.pipeline.extract import EntryReader, ParsedArticle
from worker.pipeline.feed_documents import read_entry
from worker.pipeline.ingest import settle
from worker.pipeline.ports import IngestDeps
from worker.spool.archive import Segment
from worker.spool.manifest import Entry

_OFFERS = 100


def replay(segment: Segment, deps: IngestDeps) -> int:
    """Offer a segment's articles again; how many of them Redis did not have.

    If any was lost, the segment's counts were lost with it, or are applied no second time.
    Raises Retryable.
    """
    outcomes = {(one.entry, one.ordinal): one for one in segment.outcomes()}
    lost = 0
    pending: list[tuple[PublishRequest, Outcome]] = []
    for offer, before in _offers(segment, deps, outcomes):
        pending.append((offer, before))
        if len(pending) >= _OFFERS:
            lost += _publish(segment, deps, pending)
            pending = []
    lost += _publish(segment, deps, pending)
    if lost:
        settle(segment, deps)
    return lost


def _publish(
    segment: Segment, deps: IngestDeps, pending: list[tuple[PublishRequest, Outcome]]
) -> int:
    decisions = deps.articles.publish(segment.batch, [offer for offer, _ in pending])
    return sum(
        decision is not None
        and decision.status in (Status.PUBLISHED, Status.REVISED)
        and decision.stream_id != before.stream_id
        for decision, (_, before) in zip(decisions, pending, strict=True)
    )


def _offers(
    segment: Segment, deps: IngestDeps, outcomes: dict[tuple[int, int], Outcome]
) -> Iterator[tuple[PublishRequest, Outcome]]:
    # Asked before anything is unpacked: after most restarts nothing is lost, and reading all of
    # the last minutes again held up every process for as long as they had taken.
    lost = {at: one for at, one in outcomes.items() if _lost(deps, one)}
    if not lost:
        return
    wanted = {entry for entry, _ in lost}
    head = segment.head()
    entries = {one.entry: Entry(one.entry, one.path, origin=one.origin) for one in head.files}
    reader = EntryReader(deps.settings, deps.sites, deps.profile, head.batch)
    for number, data in segment.raws():
        if number not in wanted:
            continue
        for item in read_entry(reader, entries[number], data):
            before = lost.get((number, item.ordinal))
            if isinstance(item, ParsedArticle) and before is not None:
                at = before.ingested_at or rfc3339(deps.now())
                yield reader.request(item, ingested_at=at), before


def _lost(deps: IngestDeps, before: Outcome) -> bool:
    if before.status not in (Status.PUBLISHED, Status.REVISED):
        return False
    known = deps.articles.find(before.id) if before.id else None
    return known is None or known.revision < before.revision
