"""Publish articles in calls of bounded size, and refuse inputs. No state is kept here."""

from collections.abc import Sequence

from worker.escape import printable
from worker.model import Outcome, PublishRequest, Status
from worker.model.times import rfc3339
from worker.pipeline.extract import (
    EntryReader,
    ParsedArticle,
    ParseFailure,
    classify_error,
    entry_source,
    first_seen_at,
)
from worker.pipeline.ports import IngestDeps
from worker.spool.batch import Batch
from worker.spool.manifest import Entry
from worker.spool.quarantine import QuarantineItem, quarantine_id

MAX_ARTICLES = 100
MAX_BYTES = 2_000_000
"""One call's size: beyond it the call would block the server for longer than it saves."""


def publish(
    items: Sequence[ParsedArticle], batch: str, reader: EntryReader, deps: IngestDeps
) -> list[tuple[ParsedArticle, Outcome | ParseFailure]]:
    """Publish articles; the outcome of each, or why its record could not be made.

    Articles that the index holds are sent without their data. The index may forget one between
    the lookup and the call: it is left undecided and sent again with its data.
    """
    published_at = rfc3339(deps.now())
    results: list[tuple[ParsedArticle, Outcome | ParseFailure]] = []
    exists = deps.articles.exists([item.normalized.identity for item in items])
    undecided = list(zip(items, exists, strict=True))
    while undecided:
        requested: list[tuple[ParsedArticle, PublishRequest]] = []
        for item, is_known in undecided:
            try:
                request = reader.request(item, ingested_at=published_at, is_known=is_known)
            except Exception as error:  # a bug, and no other article's fault
                why = classify_error(error, item.entry.path)
                failure = ParseFailure(item.ordinal, *why, item.whole_file)
                results.append((item, failure))
            else:
                requested.append((item, request))
        decisions = deps.articles.publish(batch, [request for _, request in requested])
        undecided = []
        for (item, _), decision in zip(requested, decisions, strict=True):
            if decision is None:
                undecided.append((item, False))
            else:
                outcome = reader.outcome(item, decision, ingested_at=published_at)
                results.append((item, outcome))
    return results


def refuse(batch: Batch, entry: Entry, failure: ParseFailure, deps: IngestDeps) -> Outcome:
    """Quarantine an entry of which something could not be read; the outcome.

    It is kept whole, and once, with the first of its bad parts: the others name the same item. A
    part alone would be read by other rules when it is retried.
    """
    head, origin = batch.manifest.head, entry.origin
    item = QuarantineItem(
        id=quarantine_id(batch.name, entry.number),
        source=entry_source(entry, head),
        path=printable(entry.path),
        reason=failure.reason,
        message=failure.message,
        batch=batch.name,
        entry=entry.number,
        ordinal=None if failure.whole_file else failure.ordinal,
        size=batch.size(entry.number),
        refused_at=rfc3339(deps.now()),
        job=head.job,
        origin=origin,
        strict=head.strict,
    )
    deps.quarantine.put(item, batch.file(entry.number))
    return Outcome(
        entry=entry.number,
        ordinal=failure.ordinal,
        status=Status.REJECTED,
        path=item.path,
        first_seen_at=first_seen_at(entry, head),
        reason=failure.reason,
        message=item.message,
        quarantine=item.id,
        whole_file=failure.whole_file,
    )
