"""Publish articles in calls of bounded size, and refuse inputs. No state is kept here."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from worker.errors import Retryable
from worker.escape import printable
from worker.model import Decision, Outcome, PublishRequest, Status
from worker.model.times import rfc3339
from worker.pipeline.extract import EntryReader, ParsedArticle, entry_source, first_seen_at
from worker.pipeline.failure import ParseFailure, classify_error
from worker.pipeline.feeds.edits import divide_by_guid, find_edits
from worker.pipeline.ports import IngestDeps
from worker.pipeline.revisions import compare, find_newest, may_revise, with_own_alias
from worker.spool.batch import Batch
from worker.spool.claim import Incoming
from worker.spool.manifest import Entry, Form
from worker.spool.quarantine import QuarantineItem, quarantine_id
from worker.translation import mark

MAX_ARTICLES = 50
_MAX_ROUNDS = 20
"""Calls for the same articles: each follows an alias, and only damaged ones have no end."""
MAX_BYTES = 2_000_000
"""The articles that a process holds until they are published: 100 articles took 7 MB more."""


def publish(
    items: Sequence[ParsedArticle], batch: str, reader: EntryReader, deps: IngestDeps
) -> list[tuple[ParsedArticle, Outcome | ParseFailure]]:
    """Publish articles; the outcome of each, or why its record could not be made."""
    groups = divide_by_guid(items)
    return [result for group in groups for result in _publish(group, batch, reader, deps)]


def _publish(
    items: Sequence[ParsedArticle], batch: str, reader: EntryReader, deps: IngestDeps
) -> list[tuple[ParsedArticle, Outcome | ParseFailure]]:
    """Articles that the index holds are sent without their data. The index may forget one between
    the lookup and the call: it is left undecided and sent again with its data.
    """
    published_at = rfc3339(deps.now())
    results: list[tuple[ParsedArticle, Outcome | ParseFailure]] = []
    exists = deps.articles.exists([item.identity for item in items])
    undecided = find_edits(items, exists, deps.articles)
    for attempt in range(_MAX_ROUNDS):
        requested: list[tuple[ParsedArticle, PublishRequest]] = []
        for item, is_known in undecided:
            try:
                request = prepare_request(
                    item, reader, deps, published_at, is_known=is_known, is_sure=attempt > 0
                )
            except Exception as error:  # a bug, and no other article's fault
                why = classify_error(error, item.entry.path)
                results.append((item, ParseFailure(item.ordinal, *why, item.whole_file)))
                continue
            if request is not None:
                requested.append((item, request))
            else:
                outcome = reader.make_outcome(item, Decision(Status.DUPLICATE))
                results.append((item, replace(outcome, message=_FORGOTTEN)))
        decisions = deps.articles.publish(batch, [request for _, request in requested])
        undecided = []
        for (item, _), decision in zip(requested, decisions, strict=True):
            if decision is None:
                undecided.append((item, False))
            elif decision.target:
                undecided.append((replace(item, article=decision.target), True))
            else:
                outcome = reader.make_outcome(item, decision, ingested_at=published_at)
                results.append((item, outcome))
        if not undecided:
            return results
    raise Retryable(
        "newsdrop's keys in Redis hold values that this version cannot read: check whether "
        "another program or version writes to the same database"
    )


def prepare_request(
    item: ParsedArticle,
    reader: EntryReader,
    deps: IngestDeps,
    published_at: str,
    *,
    is_known: bool,
    is_sure: bool,
) -> PublishRequest | None:
    """The publish request of an article, compared with what is published of it.

    `is_known`: the index probably holds it; with `is_sure` that is looked up in any case. None for
    an article that is read again although the index does not hold it any more.
    """
    newest = None
    withdraws = item.entry.form is Form.TOMBSTONE
    is_compared = may_revise(item, reader) and (is_known or is_sure or item.entry.reread)
    if is_compared or withdraws:
        newest = find_newest(item, deps.articles)
    if withdraws:
        story = newest.story if newest else None
        return reader.make_request(item, ingested_at=published_at, story=story)
    if newest is None:
        if item.entry.reread:
            return None
        is_omitted = is_known and not may_revise(item, reader)
        return reader.make_request(item, ingested_at=published_at, is_known=is_omitted)
    if item.entry.reread:
        item = with_own_alias(item, newest.index_entry, deps.articles)
    revise = partial(compare, item=item, newest=newest, force=reader.head.force)
    story = newest.story
    return reader.make_request(
        item, ingested_at=published_at, is_known=is_known, revise=revise, story=story
    )


_FORGOTTEN = mark(
    "it was read again, and the index does not hold the article any more: nothing changed"
)


def refuse(
    batch: Batch,
    entry: Entry,
    failure: ParseFailure,
    deps: IngestDeps,
    part: Incoming | None = None,
) -> Outcome:
    """Quarantine an entry of which something could not be read; the outcome.

    It is kept whole, and once, with the first of its bad parts: the others name the same item. A
    part alone would be read by other rules when it is retried. Only a `part` that is read as the
    entry is, a record of a WARC, is kept alone.
    """
    head, origin = batch.manifest.head, entry.origin
    item_id, size = quarantine_id(batch.name, entry.number), batch.size(entry.number)
    if part is not None:
        item_id, size = f"{item_id}.{failure.ordinal}", len(part.data)
    item = QuarantineItem(
        id=item_id,
        source=entry_source(entry, head),
        path=printable(part.path if part else entry.path),
        reason=failure.reason,
        message=failure.message,
        batch=batch.name,
        entry=entry.number,
        ordinal=None if failure.whole_file else failure.ordinal,
        size=size,
        refused_at=rfc3339(deps.now()),
        job=head.job,
        origin=origin,
        strict=head.strict,
    )
    deps.quarantine.put(item, part.data if part else batch.file(entry.number))
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
