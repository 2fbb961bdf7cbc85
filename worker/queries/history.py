"""What the archive tells of an article or a file: the ledger outlives the stream."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import orjson

from worker.errors import Reason
from worker.escape import printable
from worker.model import Outcome, Status
from worker.spool.archive import Archive, Segment


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One decision of the past. Times are RFC 3339, UTC; `path` and `title` as they were noted."""

    at: str
    source: str
    kind: str
    job: str | None
    batch: str
    entry: int
    path: str
    status: Status
    id: str | None
    title: str | None
    stream_id: str | None
    revision: int
    content_differs: bool
    raw_sha256: str | None
    reason: Reason | None
    message: str | None
    quarantine: str | None


def find_by_article(archive: Archive, article_id: str) -> Iterator[HistoryEntry]:
    """Every decision about the article `article_id`, oldest first."""
    wanted = article_id.encode()
    for segment in _holding(archive.segments(), wanted):
        yield from _past(segment, lambda outcome: outcome.id == article_id)


def find_by_path(archive: Archive, path: str) -> Iterator[HistoryEntry]:
    """Every decision about a file of that path, oldest first.

    A path as it was below its source's folder, or one that ends or begins with that.
    """
    shown = printable(path, 1000).removeprefix("./")
    name = orjson.dumps(shown.rsplit("/", 1)[-1])[1:-1]
    for segment in _holding(archive.segments(), name):
        yield from _past(segment, lambda outcome: matches_path(shown, outcome.path))


def find_by_address(archive: Archive, shown: str) -> Iterator[HistoryEntry]:
    """Every decision about what was fetched from an address, oldest first; `shown` is how that is
    shown, without credentials."""
    for segment in _holding(archive.segments(), orjson.dumps(shown)[1:-1]):
        yield from _past(segment, lambda outcome: matches_address(shown, outcome.path))


def matches_path(asked: str, noted: str) -> bool:
    """True if one is the end of the other, by whole names; `!member` is a part of a file."""
    noted = noted.partition("!")[0]
    return asked == noted or asked.endswith(f"/{noted}") or noted.endswith(f"/{asked}")


def matches_address(shown: str, noted: str) -> bool:
    """True if `noted` is that address, or `!member` of what was there."""
    return noted == shown or noted.startswith(f"{shown}!")


def _holding(segments: Iterable[Segment], text: bytes) -> Iterator[Segment]:
    """Those whose journal has `text` in it: one search of bytes is cheaper than any parsing."""
    for segment in segments:
        try:
            if text in segment.journal_path.read_bytes():
                yield segment
        except FileNotFoundError:
            continue  # expired meanwhile


def _past(segment: Segment, wanted: Callable[[Outcome], bool]) -> Iterator[HistoryEntry]:
    head = segment.head()
    origins = {file.entry: file.origin for file in head.files if file.origin is not None}
    for outcome in segment.outcomes():
        if outcome.status is not Status.READ and wanted(outcome):
            origin = origins.get(outcome.entry)
            yield HistoryEntry(
                at=head.archived_at,
                source=origin.source if origin else head.batch.source,
                kind=origin.kind if origin else head.batch.kind,
                job=head.batch.job,
                batch=segment.batch,
                entry=outcome.entry,
                path=outcome.path,
                status=outcome.status,
                id=outcome.id,
                title=outcome.title,
                stream_id=outcome.stream_id,
                revision=outcome.revision,
                content_differs=outcome.content_differs,
                raw_sha256=outcome.raw_sha256,
                reason=outcome.reason,
                message=outcome.message,
                quarantine=outcome.quarantine,
            )
