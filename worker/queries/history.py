"""Past decisions about an article or a file, from the archive: it outlives the stream."""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass

import orjson

from worker.errors import Reason, SpoolUnavailable
from worker.escape import printable
from worker.logs import get_logger
from worker.model import Outcome, Status, Story
from worker.readmodel.database import ReadModelUnavailable, open_reader
from worker.readmodel.search import list_other_batches
from worker.settings import Settings
from worker.sources.archive_bucket import open_archive
from worker.spool.archive import Archive
from worker.spool.segment import Segment

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One past decision. Times are RFC 3339, UTC: `at` is when its batch was archived; `path` and
    `title` are as recorded then. `has_raw` says whether the archive has the file's bytes."""

    at: str
    claimed_at: str
    has_raw: bool
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
    first_seen_at: str | None
    ingested_at: str | None
    warnings: tuple[str, ...]
    story: Story | None


def find_by_article(settings: Settings, article_id: str) -> Iterator[HistoryEntry]:
    """Every decision about the article `article_id`, oldest first.

    The read model says which journals need not be read; those that are not in it yet are.
    """
    others: Collection[str] = ()
    with suppress(ReadModelUnavailable), open_reader(settings.state_dir) as db:
        others = list_other_batches(db, article_id)
    archive = open_archive(settings)
    return _decisions(archive, article_id.encode(), lambda it: it.id == article_id, others)


def find_by_path(archive: Archive, path: str) -> Iterator[HistoryEntry]:
    """Every decision about a file with the path `path`, oldest first: the path below its source's
    folder, or one of which either is the end of the other."""
    shown = printable(path, 1000).removeprefix("./")
    name = orjson.dumps(shown.rsplit("/", 1)[-1])[1:-1]
    return _decisions(archive, name, lambda outcome: matches_path(shown, outcome.path))


def find_by_address(archive: Archive, shown: str) -> Iterator[HistoryEntry]:
    """Every decision about a document fetched from an address, oldest first; `shown` is the address
    without credentials."""
    text = orjson.dumps(shown)[1:-1]
    return _decisions(archive, text, lambda outcome: matches_address(shown, outcome.path))


def matches_path(path: str, recorded: str) -> bool:
    """Whether one is the end of the other, by whole names; `!member` is a part of a file."""
    recorded = recorded.partition("!")[0]
    return path == recorded or path.endswith(f"/{recorded}") or recorded.endswith(f"/{path}")


def matches_address(shown: str, recorded: str) -> bool:
    """Whether `recorded` is that address, or a `!member` of the document there."""
    return recorded == shown or recorded.startswith(f"{shown}!")


_FROM_OUTCOME = [name for name in HistoryEntry.__slots__ if name in Outcome.__slots__]


def _decisions(
    archive: Archive,
    text: bytes,
    is_wanted: Callable[[Outcome], bool],
    others: Collection[str] = (),
) -> Iterator[HistoryEntry]:
    """The wanted decisions in the segments whose journal contains `text`, without the batches
    `others`: one search of bytes is cheaper than parsing."""
    for segment in archive.segments():
        if segment.batch in others:
            continue
        try:
            if text in segment.journal_path.read_bytes():
                yield from _decisions_in(segment, is_wanted)
        except FileNotFoundError:
            continue  # it has just expired
        except (OSError, SpoolUnavailable) as error:
            logger.warning("an archived batch is left out", error=printable(str(error)))


def _decisions_in(segment: Segment, is_wanted: Callable[[Outcome], bool]) -> Iterator[HistoryEntry]:
    head = segment.head()
    files = {file.entry: file for file in head.files}
    has_raw = segment.has_raws()
    for outcome in segment.outcomes():
        if (outcome.status is not Status.READ or outcome.message) and is_wanted(outcome):
            file = files.get(outcome.entry)
            origin = file.origin if file else None
            yield HistoryEntry(
                at=head.archived_at,
                claimed_at=head.batch.claimed_at,
                has_raw=has_raw and file is not None and file.kept,
                source=origin.source if origin else head.batch.source,
                kind=origin.kind if origin else head.batch.kind,
                job=head.batch.job,
                batch=segment.batch,
                **{name: getattr(outcome, name) for name in _FROM_OUTCOME},
            )
