"""Offering: what was read of a batch, in calls of bounded size, and what became of it.

Every decision is in the batch's journal before more is read.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

from worker.errors import Rejected
from worker.escape import printable
from worker.model import Decision, Outcome, PublishRequest, Status
from worker.model.times import rfc3339
from worker.pipeline.extract import (
    EntryReader,
    ParsedArticle,
    ParseFailure,
    first_seen,
    refusal_of,
    source_of,
)
from worker.pipeline.ports import IngestDeps
from worker.spool.batch import Batch
from worker.spool.manifest import Entry, Form, Origin
from worker.spool.quarantine import QuarantineItem, refused_id

_OFFERS = 100
_OFFER_BYTES = 2_000_000
"""One call's size: beyond it the server is kept from others for longer than it saves."""


class BatchPublisher:
    """What of a batch is offered next, and what is decided so far, by earlier runs too.

    `flushed` is when everything was last in the journal.
    """

    def __init__(self, batch: Batch, deps: IngestDeps) -> None:
        head = batch.manifest.head
        self.reader = EntryReader(deps.settings, deps.sites, cache(deps.profile), head)
        self.flushed: datetime = deps.now()
        self._batch = batch
        self._desk = deps
        known = batch.progress.outcomes
        self._outcomes = {(outcome.entry, outcome.ordinal): outcome for outcome in known}
        self._pending: list[ParsedArticle] = []
        self._decided: list[Outcome] = []
        self._done: list[int] = []
        self._size = 0

    def outcomes(self) -> list[Outcome]:
        """All that is in the journal, in order."""
        return sorted(self._outcomes.values(), key=lambda outcome: (outcome.entry, outcome.ordinal))

    def take(self, entry: Entry, item: ParsedArticle | ParseFailure) -> None:
        """Let an article wait to be offered, or refuse it."""
        if isinstance(item, ParseFailure):
            raw = None if item.whole_file else item.raw
            self.refuse(entry, item.ordinal, Rejected(item.reason, item.message), raw)
            return
        self._pending.append(item)
        self._size += item.weight
        if len(self._pending) >= _OFFERS or self._size >= _OFFER_BYTES:
            self.flush()
            self._batch.journal.hand(entry.number)

    def note(self, outcome: Outcome) -> None:
        """Something is decided without an offer."""
        self._decided.append(outcome)

    def finished(self, entry: Entry) -> None:
        """An entry was read to its end."""
        self._done.append(entry.number)

    def flush(self) -> None:
        """Offer what is pending, and write the outcomes to the journal."""
        self._batch.journal.hand(None)
        items, at = self._pending, rfc3339(self._desk.now())
        known = self._desk.stream.marked([item.normalized.identity for item in items])
        left = self._offer(items, at, known)
        self._offer(left, at, [False] * len(left))  # forgotten since it was asked for
        self._batch.journal.decided(self._decided, self._done)
        self._outcomes.update({(one.entry, one.ordinal): one for one in self._decided})
        self._pending, self._decided, self._done, self._size = [], [], [], 0
        self.flushed = self._desk.now()

    def _offer(
        self, items: Sequence[ParsedArticle], at: str, known: Sequence[bool]
    ) -> list[ParsedArticle]:
        """Offer `items`, those `known` without their data; which of these need it after all."""
        offered: list[ParsedArticle] = []
        offers: list[PublishRequest] = []
        for item, expected in zip(items, known, strict=True):
            try:
                offers.append(self.reader.offer(item, ingested_at=at, known=expected))
            except Exception as error:
                # What making the record raises is a bug, and no other article's fault.
                refusal = Rejected(*refusal_of(error, item.entry.path))
                raw = None if item.alone else item.normalized.title.encode()
                self.refuse(item.entry, item.ordinal, refusal, raw)
            else:
                offered.append(item)
        left = []
        decisions = self._desk.stream.publish(self._batch.name, offers)
        for item, decision in zip(offered, decisions, strict=True):
            if decision is None:
                left.append(item)
            else:
                outcome = self.reader.outcome(item, ingested_at=at)
                self._decided.append(_with_decision(outcome, decision))
        return left

    def refuse(self, entry: Entry, ordinal: int, error: Rejected, raw: bytes | None) -> None:
        """Quarantine an entry (`raw` None) or one article of it, and note the outcome."""
        head = self._batch.manifest.head
        whole = raw is None
        refused = QuarantineItem(
            id=refused_id(self._batch.name, entry.number, None if whole else ordinal),
            source=source_of(entry, head),
            path=printable(entry.path),
            reason=error.reason,
            message=str(error),
            batch=self._batch.name,
            entry=entry.number,
            ordinal=None if whole else ordinal,
            size=self._batch.size(entry.number) if raw is None else len(raw),
            refused_at=rfc3339(self._desk.now()),
            job=head.job,
            origin=_origin_of(entry, part=not whole),
        )
        self._desk.quarantine.put(refused, self._batch.file(entry.number) if raw is None else raw)
        self._decided.append(
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


def _origin_of(entry: Entry, *, part: bool) -> Origin | None:
    """What is kept of a refused entry's origin: a part of a feed is no feed when it is retried."""
    if entry.origin is None or not part:
        return entry.origin
    return replace(entry.origin, form=Form.ANY)


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
