"""A segment of the archive: reading one finished batch, its journal and its raw files."""

import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.logs import get_logger
from worker.model import Outcome
from worker.model.from_json import dataclass_from
from worker.model.frozen import dataclass
from worker.spool.copy_record import OpenCopy, copied_batches, copy_key
from worker.spool.journal import parse_lines, read_outcome
from worker.spool.layout import source_of, translate_errors
from worker.spool.manifest import Entry, Head, Origin, Reread, load_origin, load_reread
from worker.translation import mark

logger = get_logger(__name__)


class DamagedSegment(SpoolUnavailable):
    """A journal cannot be read; trying again does not help."""


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """One accepted file of a segment. `path` is escaped; `kept` is False if its bytes are in
    quarantine, or in the batches of its pages (a WARC); `origin` is None unless it was fetched,
    `reread` unless it was read again."""

    entry: int
    path: str
    size: int
    kept: bool = True
    origin: Origin | None = None
    reread: Reread | None = None

    def entry_of(self) -> Entry:
        """The entry as it was in its batch."""
        return Entry(self.entry, self.path, origin=self.origin, reread=self.reread)


@dataclass(frozen=True, slots=True)
class SegmentHead:
    """The first line of a segment's journal. `archived_at` is RFC 3339, UTC."""

    batch: Head
    archived_at: str
    files: tuple[ArchivedFile, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """One archived batch. `raw_path` may be gone: raw files expire; then `open_copy` opens their
    copy."""

    batch: str
    journal_path: Path
    raw_path: Path
    open_copy: OpenCopy | None = None

    @property
    def source(self) -> str:
        return source_of(self.batch)

    def has_raws(self) -> bool:
        """Whether raw files are there, or copies of them."""
        return self.raw_path.exists() or (
            self.open_copy is not None and self.batch in copied_batches(self.raw_path.parent)
        )

    def is_whole(self) -> bool:
        """Whether the raw files are there: a power cut while a segment is written may take their
        name and leave the journal's."""
        return self.raw_path.exists() or not any(file.kept for file in self.head().files)

    def head(self) -> SegmentHead:
        """The first line. Raises DamagedSegment, SpoolUnavailable, FileNotFoundError where it has
        just expired."""
        with self._open_journal() as file:
            return self.parse_head(file)

    @contextmanager
    def _open_journal(self) -> Iterator[BinaryIO]:
        try:
            with translate_errors(self.journal_path), self.journal_path.open("rb") as file:
                yield file
        except SpoolUnavailable as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise error.__cause__ from None
            raise

    def parse_head(self, lines: Iterable[bytes]) -> SegmentHead:
        """The first of a journal's lines. Raises DamagedSegment."""
        try:
            head = _head_of(next(parse_lines(lines), {}))
            datetime.fromisoformat(head.archived_at)
            return head
        except (KeyError, TypeError, ValueError) as error:
            journal_path = printable(self.journal_path)
            why = mark(
                f"the journal {journal_path} is damaged: restore it from a back-up, or move it out "
                "of the archive"
            )
            raise DamagedSegment(why) from error

    def outcomes(self) -> Iterator[Outcome]:
        """The outcome of each article, in the order of the decisions; a damaged line is left out,
        with a warning. Raises SpoolUnavailable, FileNotFoundError."""
        with self._open_journal() as file:
            next(file, None)
            damaged_count = 0
            for line in file:
                outcome = next(map(read_outcome, parse_lines((line,))), None)
                if outcome is None:
                    damaged_count += 1
                else:
                    yield outcome
        if damaged_count:
            logger.warning(
                "a journal has damaged lines: restore it from a back-up",
                journal=printable(self.journal_path),
                lines=damaged_count,
            )

    def raws(self) -> Iterator[tuple[int, bytes]]:
        """(entry, bytes) of every raw file; nothing if they have expired. Where they are damaged,
        they end. Raises SpoolUnavailable; FetchFailed where a copy cannot be read."""
        try:
            with translate_errors(self.raw_path):
                yield from self._unpack()
        except (EOFError, ValueError, zstandard.ZstdError, tarfile.TarError) as error:
            logger.warning(damaged_raws(self), error=printable(str(error)))

    def _unpack(self) -> Iterator[tuple[int, bytes]]:
        try:
            raw: BinaryIO | None = self.raw_path.open("rb")
        except FileNotFoundError:
            raw = self.open_copy(copy_key(self.raw_path)) if self.open_copy else None
        if raw is None:
            return
        with (
            raw,
            zstandard.ZstdDecompressor().stream_reader(raw) as plain,
            tarfile.open(fileobj=plain, mode="r|") as tar,
        ):
            for member in tar:
                content = tar.extractfile(member)
                if content is None:  # only regular files are written
                    raise ValueError(f"the member {member.name} is not a file")
                yield int(member.name), content.read()


def damaged_raws(segment: Segment) -> str:
    """Advice for raw files that cannot be read."""
    return mark(
        f"the archived files {printable(segment.raw_path)} are damaged: restore a back-up of them"
    )


def _head_of(line: dict[str, Any]) -> SegmentHead:
    return SegmentHead(
        batch=dataclass_from(Head, line["batch"]),
        archived_at=line["archived_at"],
        files=tuple(
            dataclass_from(
                ArchivedFile,
                {
                    **file,
                    "origin": load_origin(file.get("origin")),
                    "reread": load_reread(file.get("reread")),
                },
            )
            for file in line["files"]
        ),
    )
