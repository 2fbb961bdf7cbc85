"""One article: its newest revision, its history, what the revision changed, and its raw files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from worker.errors import NotThere, StoreUnavailable
from worker.escape import printable
from worker.feeds.catalog import CatalogReader
from worker.model import Change
from worker.model.times import rfc3339
from worker.normalize.changes import Version, changes
from worker.pipeline.extract import EntryReader, ParsedArticle
from worker.pipeline.feeds.documents import read_entry
from worker.pipeline.revisions import as_published
from worker.queries.articles import read_data
from worker.queries.explain import Explanation, explain_id
from worker.queries.history import HistoryEntry
from worker.queries.story import StoryView, read_story
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.sites import open_sites
from worker.sources.archive_bucket import open_archive
from worker.spool.layout import is_batch
from worker.store.connection import connect, redis_url
from worker.store.factory import article_store
from worker.store.groups.deliveries import Delivery, read_deliveries

_REPARSE_BYTES = 8_000_000
"""Maximum bytes of a file that is parsed again to show one of its articles."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes of a revision to the revision `previous`; `changes` is None where neither the
    stream nor the archive has that one any more."""

    previous: int
    changes: tuple[Change, ...] | None


@dataclass(frozen=True, slots=True)
class ArticleView:
    """One article. `record` is its newest revision, and `record_from` `stream`, or `archive` where
    the entry was trimmed and the file was parsed again; both are None where neither has it.
    `problem` says in words what could not be looked up, `deliveries` what each consumer group did
    with the newest entry that is still in the stream, `difference` how a revision differs from the
    one before it. `story` are the articles of its story, None if there is no other one."""

    id: str
    record: dict[str, Any] | None
    record_from: str | None
    explained: Explanation
    problem: str | None = None
    deliveries: tuple[Delivery, ...] = ()
    difference: Difference | None = None
    story: StoryView | None = None


def get_article(settings: Settings, article_id: str) -> ArticleView:
    """One article with its history. Raises NotThere where neither the index nor the archive has it,
    StoreUnavailable where the archive has not and Redis does not answer."""
    result = explain_id(settings, article_id)
    explained = result.articles[0]
    if not explained.known and not explained.past:
        if result.problem is not None:
            raise StoreUnavailable(result.problem)
        raise NotThere(
            f"no article has the id {printable(article_id, 80)}: search for its title and date, or "
            "for words in it"
        )
    record, origin = None, None
    deliveries: tuple[Delivery, ...] = ()
    if explained.in_stream is not None:
        at = explained.in_stream.stream_id
        record, origin = _from_stream(settings, at), "stream"
        client = connect(redis_url(settings))
        deliveries = tuple(read_deliveries(client, settings.stream.name, at))
    if record is None:
        record, origin = _from_archive(settings, article_id, explained.past), "archive"
    record_from = origin if record else None
    difference = _find_difference(settings, article_id, explained, record) if record else None
    story = read_story(settings, explained.story.id) if explained.story else None
    return ArticleView(
        article_id, record, record_from, explained, result.problem, deliveries, difference, story
    )


def _find_difference(
    settings: Settings, article_id: str, explained: Explanation, record: Mapping[str, Any]
) -> Difference | None:
    """The changes of `record`, the newest revision; None for the first one, and for a tombstone."""
    published = [it for it in explained.past if it.status.has_record]
    at = explained.in_stream
    newest = at.revision if at else max(it.revision for it in published)
    before = next((it for it in reversed(published) if it.revision < newest), None)
    if before is None or "content_text" not in record:
        return None
    old = _from_stream(settings, before.stream_id) if before.stream_id and at else None
    old = old or _from_archive(settings, article_id, [before])
    differences = changes(Version.of(old), Version.of(record)) if old else None
    return Difference(before.revision, differences)


def _from_stream(settings: Settings, stream_id: str) -> dict[str, Any] | None:
    """The record of an entry; None where it was trimmed, another program wrote it, or it is nested
    too deeply to be written as JSON."""
    entries = article_store(settings).read(stream_id, 1, end=stream_id)
    record = read_data(entries[0]) if entries else {}
    try:
        orjson.dumps({"record": [record]})
    except TypeError:
        return None
    return record or None


def _from_archive(
    settings: Settings, article_id: str, past: Sequence[HistoryEntry]
) -> dict[str, Any] | None:
    """The record from the archived file, parsed by today's rules; None where the raw file has
    expired, or today's rules find no article there."""
    published = [entry for entry in past if entry.status.has_record]
    if not published:
        return None
    last = max(published, key=lambda entry: entry.revision)
    archive = open_archive(settings)
    if (segment := archive.find(last.batch)) is None:
        return None
    head = segment.head()
    file = next(file for file in head.files if file.entry == last.entry)
    data = next((raw for entry, raw in segment.raws() if entry == last.entry), None)
    if data is None or len(data) > _REPARSE_BYTES:
        return None
    get_profile = CatalogReader(settings).profile
    reader = EntryReader(settings, open_sites(settings), get_profile, head.batch)
    outcomes = {each.ordinal: each for each in segment.outcomes() if each.entry == last.entry}
    for item in read_entry(reader, file.entry_of(), data):
        outcome = outcomes.get(item.ordinal)
        if isinstance(item, ParsedArticle) and outcome and outcome.id == article_id:
            at = outcome.ingested_at or rfc3339(utc_now())
            published_item = as_published(item, article_id)
            record = orjson.loads(orjson.dumps(published_item.record(at)))
            return record if isinstance(record, dict) else None
    return None


_BATCH = re.compile(r"[A-Za-z0-9._-]{1,150}")


def read_raw(settings: Settings, article_id: str, batch: str, entry: str) -> tuple[str, bytes]:
    """(path, bytes) of the file `entry` of a finished batch, which decided about the article.

    Nothing leads out of the archive: a batch's name has no slash.
    Raises NotThere, SpoolUnavailable.
    """
    is_name = is_batch(batch) and _BATCH.fullmatch(batch)
    segment = open_archive(settings).find(batch) if is_name else None
    outcomes = segment.outcomes() if segment else ()
    outcome = next((it for it in outcomes if it.id == article_id and str(it.entry) == entry), None)
    if segment is None or outcome is None:
        raise NotThere(
            f"no file of {printable(article_id, 80)} has the batch {printable(batch, 80)} and the "
            f"number {printable(entry, 20)}: the article's page lists its files"
        )
    data = next((raw for number, raw in segment.raws() if number == outcome.entry), None)
    if data is None:
        raise NotThere(
            "the archive does not have the file any more: raw files are kept for `keep_days` of "
            "their source"
        )
    return outcome.path, data
