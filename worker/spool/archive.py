"""The archive: one segment a batch, with every decision that was ever made.

`<state>/archive/<day>/<source>/<batch>.tar.zst` holds the raw files, named by their number in
the batch; `<batch>.jsonl` beside it has a head line and one line an article. The journal is renamed
into place last: where it exists, the segment is complete. Raw files are removed after their
source's `keep_days`; journals stay as long as the index entries. Where segments are copied to a
bucket, files are removed only after that (:mod:`worker.spool.copy_record`), and read from there.
"""

import io
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import orjson
import zstandard

from worker.model import Outcome
from worker.spool.copy_record import OpenCopy, copied_batches
from worker.spool.layout import (
    Removals,
    day_of,
    fsync_dir,
    is_batch,
    make_folder,
    source_of,
    time_of,
    translate_errors,
    write_durably,
)
from worker.spool.segment import ArchivedFile, Segment, SegmentHead

_LEVEL = 3  # zstd's default: 8 KB of HTML in 30 µs; level 9 saved 6 % more for four times that
_JOINED_BYTES = 1_000_000


class Archive:
    def __init__(self, state_dir: Path, open_copy: OpenCopy | None = None) -> None:
        """`open_copy` opens the copy of a file by its key; None where there is none, or where
        nothing is copied."""
        self._dir = state_dir / "archive"
        self._open_copy = open_copy

    def segment(self, batch: str) -> Segment:
        """The segment of `batch`, which may not exist."""
        folder = self._dir / day_of(batch) / source_of(batch)
        journal_path, raw_path = folder / f"{batch}.jsonl", folder / f"{batch}.tar.zst"
        return Segment(batch, journal_path, raw_path, self._open_copy)

    def find(self, batch: str) -> Segment | None:
        """The finished segment of `batch`; None if there is none."""
        segment = self.segment(batch)
        return segment if segment.journal_path.exists() else None

    def write(
        self, head: SegmentHead, outcomes: Iterable[Outcome], read: Callable[[int], bytes]
    ) -> Segment:
        """Write the segment durably: raw files first, then the journal, which completes it.

        `read` returns the bytes of a kept entry. Raises SpoolUnavailable; then there is no segment.
        """
        segment = self.segment(head.batch.batch)
        folder = segment.journal_path.parent
        with translate_errors(folder):
            make_folder(folder)
            files = [file for file in head.files if file.kept]
            if files:
                write_durably(segment.raw_path, _tar(files, read, time_of(segment.batch)))
            write_durably(segment.journal_path, _journal(head, outcomes))
            fsync_dir(folder)
        return segment

    def segments(self, first_day: str = "", *, after: str = "") -> Iterator[Segment]:
        """All finished segments from `first_day` (`YYYYMMDD`) on, the oldest first; those of later
        batches than `after`."""
        if not self._dir.is_dir():
            return
        first_day = max(first_day, day_of(after))
        for day in sorted(path for path in self._dir.iterdir() if path.name >= first_day):
            for path in sorted(day.glob("*/*.jsonl"), key=lambda path: path.name):
                # Another program's file may be beside them.
                if is_batch(path.stem) and path.stem > after:
                    yield self.segment(path.stem)

    def folders(self) -> list[Path]:
        """The folders of segments, one for each day and source, the oldest day first."""
        return sorted(self._dir.glob("*/*"))

    def segments_in(self, folder: Path) -> list[Segment]:
        """The finished segments in one of :meth:`folders`; none if it has just expired."""
        try:
            names = [entry.name for entry in os.scandir(folder)]
        except FileNotFoundError:
            return []
        journals = (name.removesuffix(".jsonl") for name in names if name.endswith(".jsonl"))
        return [self.segment(name) for name in sorted(journals) if is_batch(name)]

    def last_write(self, first_day: str, latest: datetime) -> datetime | None:
        """When a segment of `first_day` (`YYYYMMDD`) or a later day was last written. Times after
        `latest` are of a clock that was ahead and do not count. None if there is none."""
        folders = (path for path in self._dir.glob("*/*") if path.parent.name >= first_day)
        times = (path.stat().st_mtime for path in folders)
        return max(
            (time for time in (datetime.fromtimestamp(t, UTC) for t in times) if time <= latest),
            default=None,
        )

    def remove_expired(
        self, now: datetime, keep_days: Callable[[str], int], journal_days: int, removals: Removals
    ) -> None:
        """Remove raw files older than the days of their source, and journals older than theirs;
        where segments are copied, only of those that were."""
        copied = cache(copied_batches)
        for segment in self.segments():
            age = now - time_of(segment.batch)
            is_expired = age > timedelta(days=journal_days)
            if is_expired or age > timedelta(days=keep_days(segment.source)):
                if self._open_copy and segment.batch not in copied(segment.raw_path.parent):
                    continue
                removals.remove(segment.raw_path, Path.unlink)
            if is_expired:
                removals.remove(segment.journal_path, Path.unlink)


def _tar(files: Iterable[ArchivedFile], read: Callable[[int], bytes], modified: datetime) -> bytes:
    """A tar file of `files`, compressed. A call of the compressor for each block costs more than
    compressing does (80 µs a file of 11 kB against 45), so blocks go to it a megabyte at a time."""
    archive = io.BytesIO()
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    template = tarfile.TarInfo()
    template.mtime = int(modified.timestamp())
    empty = template.tobuf(tarfile.USTAR_FORMAT)
    blocks: list[bytes] = []
    joined_size = 0
    with compressor.stream_writer(archive, closefd=False) as stream:
        for file in files:
            data = read(file.entry)
            blocks += (_header(empty, file.entry, len(data)), data)
            blocks.append(bytes(-len(data) % tarfile.BLOCKSIZE))
            joined_size += len(data)
            if joined_size >= _JOINED_BYTES:
                stream.write(b"".join(blocks))
                blocks, joined_size = [], 0
        stream.write(b"".join((*blocks, bytes(2 * tarfile.BLOCKSIZE))))
    return archive.getvalue()


def _header(empty: bytes, entry: int, size: int) -> bytes:
    """A member's header: `empty` (POSIX ustar, 512 bytes) with its name, size and checksum. That is
    the sum of all bytes: what differs is added to the sum in `empty` (all 512 took 3 µs)."""
    name, octal = b"%d" % entry, b"%011o\0" % size
    total = int(empty[148:154], 8) - sum(empty[124:136]) + sum(name) + sum(octal)
    start = b"".join((name, empty[len(name) : 124], octal, empty[136:148]))
    return b"%b%06o\0 %b" % (start, total, empty[156:])


def _journal(head: SegmentHead, outcomes: Iterable[Outcome]) -> Iterator[bytes]:
    """The lines, one by one: all of a feed with 60,000 entries are as large as the feed, and where
    they exceed `limits.memory_mb` the serializer ends the process."""
    yield orjson.dumps(head, option=orjson.OPT_APPEND_NEWLINE)
    for outcome in outcomes:
        yield orjson.dumps(outcome, option=orjson.OPT_APPEND_NEWLINE)
