"""Replaying archived segments: what Redis has lost is published again, under the same ids.

Only what the index has forgotten is offered, a revision only where it knows an older one: so a
replay of everything changes nothing where nothing was lost. First-seen and ingested times are
those of the first time.
"""

from collections.abc import Iterator

from worker.model import Offer, Outcome, Status
from worker.model.times import rfc3339
from worker.pipeline.extract import Item, Reader
from worker.pipeline.feed_documents import read_entry
from worker.pipeline.ingest import settle
from worker.pipeline.ports import Desk
from worker.spool.archive import Segment
from worker.spool.manifest import Entry

_OFFERS = 100


def replay(segment: Segment, desk: Desk) -> int:
    """Offer a segment's articles again; how many of them Redis did not have.

    If any was lost, the segment's counts were lost with it, or are applied no second time.
    Raises Retryable.
    """
    outcomes = {(one.entry, one.ordinal): one for one in segment.outcomes()}
    lost = 0
    pending: list[tuple[Offer, Outcome]] = []
    for offer, before in _offers(segment, desk, outcomes):
        pending.append((offer, before))
        if len(pending) >= _OFFERS:
            lost += _publish(segment, desk, pending)
            pending = []
    lost += _publish(segment, desk, pending)
    if lost:
        settle(segment, desk)
    return lost


def _publish(segment: Segment, desk: Desk, pending: list[tuple[Offer, Outcome]]) -> int:
    decisions = desk.stream.publish(segment.batch, [offer for offer, _ in pending])
    return sum(
        decision is not None
        and decision.status in (Status.PUBLISHED, Status.REVISED)
        and decision.stream_id != before.stream_id
        for decision, (_, before) in zip(decisions, pending, strict=True)
    )


def _offers(
    segment: Segment, desk: Desk, outcomes: dict[tuple[int, int], Outcome]
) -> Iterator[tuple[Offer, Outcome]]:
    # Asked before anything is unpacked: after most restarts nothing is lost, and reading all of
    # the last minutes again held up every process for as long as they had taken.
    lost = {at: one for at, one in outcomes.items() if _lost(desk, one)}
    if not lost:
        return
    wanted = {entry for entry, _ in lost}
    head = segment.head()
    entries = {one.entry: Entry(one.entry, one.path, origin=one.origin) for one in head.files}
    reader = Reader(desk.settings, desk.sites, desk.profile, head.batch)
    for number, data in segment.raws():
        if number not in wanted:
            continue
        for item in read_entry(reader, entries[number], data):
            before = lost.get((number, item.ordinal))
            if isinstance(item, Item) and before is not None:
                at = before.ingested_at or rfc3339(desk.now())
                yield reader.offer(item, ingested_at=at), before


def _lost(desk: Desk, before: Outcome) -> bool:
    if before.status not in (Status.PUBLISHED, Status.REVISED):
        return False
    known = desk.stream.find(before.id) if before.id else None
    return known is None or known.revision < before.revision
