"""The archive: durable, readable by hand, expiring."""

import subprocess
import tarfile
import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path

import pytest

from worker.errors import Reason, SpoolUnavailable, UsageError
from worker.model import Outcome, Status
from worker.spool import archive as archive_module
from worker.spool.archive import Archive
from worker.spool.layout import Removals, batch_name
from worker.spool.manifest import Head
from worker.spool.quarantine import Quarantine, QuarantineItem, quarantine_id
from worker.spool.segment import ArchivedFile, SegmentHead

NOW = datetime(2021, 11, 26, 12, 26, 4, tzinfo=UTC)
RAW = {0: b"zero" * 5000, 2: "二".encode()}


def written(tmp_path: Path, now: datetime = NOW, source: str = "drop") -> tuple[Archive, str]:
    archive = Archive(tmp_path)
    name = batch_name(now, source)
    head = SegmentHead(
        Head(name, source, "folder", "2021-11-26T12:26:04Z", "job-1"),
        "2021-11-26T12:26:05Z",
        tuple(ArchivedFile(n, f"{n}.md", 4, kept=n != 1) for n in range(3)),
    )
    outcomes = [
        Outcome(0, 0, Status.PUBLISHED, "0.md", id="20211126-aa", warnings=("w",)),
        Outcome(1, 0, Status.REJECTED, "1.md", reason=Reason.EMPTY, whole_file=True),
        Outcome(2, 0, Status.DUPLICATE, "2.md"),
    ]
    archive.write(head, outcomes, RAW.__getitem__)
    return archive, name


def test_a_segment_is_read_as_written(tmp_path: Path) -> None:
    """Head, outcomes and raw files."""
    archive, name = written(tmp_path)
    segment = archive.find(name)
    assert segment is not None
    assert segment.head().batch.job == "job-1"
    assert [file.kept for file in segment.head().files] == [True, False, True]
    outcomes = list(segment.outcomes())
    assert outcomes[0].warnings == ("w",)
    assert outcomes[1].reason is Reason.EMPTY
    assert dict(segment.raws()) == RAW


def test_a_journal_is_written_line_by_line(tmp_path: Path) -> None:
    """The journal of a feed with very many entries is never whole in memory: where it exceeded the
    limit, the process ended again and again."""
    name = batch_name(NOW, "drop")
    head = SegmentHead(Head(name, "drop", "folder", "2021-11-26T12:26:04Z", "job-1"), "", ())
    outcome = Outcome(0, 0, Status.PUBLISHED, "0.xml", id="20211126-aa", title="T" * 1000)
    tracemalloc.start()
    try:
        Archive(tmp_path).write(head, repeat(outcome, 20_000), RAW.__getitem__)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_a_segment_half_written_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before its last step there is no segment: its batch is archived again."""
    write, steps = archive_module.write_durably, 0

    def killed(path: Path, data: bytes) -> None:
        nonlocal steps
        steps += 1
        if steps == 2:
            raise KeyboardInterrupt
        write(path, data)

    monkeypatch.setattr(archive_module, "write_durably", killed)
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path)
    assert list(Archive(tmp_path).segments()) == []


def test_other_files_are_no_segments(tmp_path: Path) -> None:
    """Other names are ignored; a damaged journal is named with advice."""
    archive, batch = written(tmp_path)
    segment = archive.segment(batch)
    for name in ("zzz", "20211126-x", ".a"):
        segment.journal_path.with_name(f"{name}.jsonl").write_text("{}\n")
    assert [one.batch for one in archive.segments()] == [batch]
    assert [one.batch for one in archive.segments_in(segment.journal_path.parent)] == [batch]
    for damaged in ("", "\x00\x00", '{"e":0}\n'):
        segment.journal_path.write_text(damaged)
        with pytest.raises(SpoolUnavailable, match="back-up"):
            segment.head()


def test_tar_reads_a_segment(tmp_path: Path) -> None:
    """The raw files are a plain tar inside zstd, readable without newsdrop."""
    import zstandard

    archive, name = written(tmp_path)
    packed = archive.segment(name).raw_path.read_bytes()
    plain = tmp_path / "plain.tar"
    plain.write_bytes(zstandard.ZstdDecompressor().decompressobj().decompress(packed))
    listing = subprocess.run(["tar", "-tf", plain], capture_output=True, text=True, check=True)
    assert listing.stdout.split() == ["0", "2"]


def test_the_journal_completes_a_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its journal a segment does not exist: raw files alone are half a write."""
    archive, name = written(tmp_path)
    archive.segment(name).journal_path.unlink()
    assert archive.find(name) is None
    assert list(archive.segments()) == []


def test_raw_files_expire_before_the_journal(tmp_path: Path) -> None:
    """Raw files go after their source's days, journals after theirs."""
    archive, name = written(tmp_path)
    written(tmp_path, source="other")
    days = {"drop": 10, "other": 50}
    archive.remove_expired(NOW + timedelta(days=20), days.__getitem__, 100, Removals())
    raws = {segment.source: segment.raw_path.exists() for segment in archive.segments()}
    assert raws == {"drop": False, "other": True}
    segment = archive.find(name)
    assert segment is not None
    assert list(segment.raws()) == []
    archive.remove_expired(NOW + timedelta(days=101), days.__getitem__, 100, Removals())
    assert list(archive.segments()) == []


def refused(entry: int = 0, ordinal: int | None = None) -> QuarantineItem:
    batch = batch_name(NOW, "drop")
    return QuarantineItem(
        id=quarantine_id(batch, entry),
        source="drop",
        path="a.md",
        reason=Reason.EMPTY,
        message="it is empty",
        batch=batch,
        entry=entry,
        ordinal=ordinal,
        size=3,
        refused_at="2021-11-26T12:26:05Z",
    )


def test_quarantine_keeps_bytes_and_reason(tmp_path: Path) -> None:
    """Once, however often it is put, until it is discarded."""
    quarantine = Quarantine(tmp_path / "state")
    raw = tmp_path / "raw.md"
    raw.write_bytes(b"raw")
    one, two = refused(), refused(1, 7)
    quarantine.put(one, raw)
    quarantine.put(one, raw)
    quarantine.put(two, b"part")
    assert raw.exists()
    assert {entry.id for entry in quarantine} == {one.id, two.id}
    assert quarantine.get(one.id) == one
    assert quarantine.raw_path(two.id).read_bytes() == b"part"
    quarantine.remove(one.id)
    assert quarantine.ids() == [two.id]
    quarantine.remove_refused_before(NOW + timedelta(days=1), Removals())
    assert quarantine.ids() == []


@pytest.mark.parametrize("name", ["../../etc", "", "a/b", "..", "20211126"])
def test_ids_name_nothing_outside(tmp_path: Path, name: str) -> None:
    """An id that is none of ours is unknown, whatever it points at."""
    quarantine = Quarantine(tmp_path)
    for call in (quarantine.get, quarantine.raw_path, quarantine.remove):
        with pytest.raises(UsageError, match="nothing in quarantine"):
            call(name)


def test_headers_of_members_are_those_of_the_standard_library() -> None:
    """Byte for byte what `tarfile` writes."""
    template = tarfile.TarInfo()
    template.mtime = int(NOW.timestamp())
    empty = template.tobuf(tarfile.USTAR_FORMAT)
    for entry, size in ((0, 0), (7, 511), (99_999, 12_345_678), (12, 8**11 - 1)):
        info = tarfile.TarInfo(str(entry))
        info.size, info.mtime = size, template.mtime
        assert archive_module._header(empty, entry, size) == info.tobuf(tarfile.USTAR_FORMAT)


def test_a_segment_of_many_megabytes_is_whole(tmp_path: Path) -> None:
    """Files in several blocks of the compressor are read back, and `tar` lists them."""
    archive, name = Archive(tmp_path), batch_name(NOW, "drop")
    raw = {number: bytes([number]) * (700_000 + number) for number in range(5)}
    files = tuple(ArchivedFile(number, f"{number}.md", 1) for number in raw)
    head = SegmentHead(Head(name, "drop", "folder", "2021-11-26T12:26:04Z"), "2021", files)
    segment = archive.write(head, [], raw.__getitem__)
    assert dict(segment.raws()) == raw
