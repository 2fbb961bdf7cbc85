"""`newsdrop archive export --warc`: everything that was fetched, and the way back."""

import gzip
import io
from collections import Counter
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator
from warcio.archiveiterator import ArchiveIterator as Oracle
from warcio.checker import Checker

from tests.http_server import Reply, Web
from tests.newsroom import item, newsroom, page, rss
from tests.servers import Server
from tests.warcs import digest, gzipped, html
from tests.warcs import page as captured
from tests.world import World, article
from worker.actions.warc_export import WarcExport, export_warc
from worker.errors import AlreadyThere, UsageError
from worker.formats.page.entry_bundle import unpack
from worker.model.times import parse_moment
from worker.readmodel.filters import Filters
from worker.spool.archive import Archive
from worker.spool.manifest import Form


@pytest.fixture
def world(tmp_path: Path, redis_server: Server, web: Web) -> World:
    """A feed, two pages of its entries, a WARC with two pages, and a file that was dropped."""
    world = newsroom(tmp_path, redis_server, web)
    entries = [item(n, link=web.url(f"/{n}.html?q=[{n}]")) for n in (1, 2)]
    web.pages["/rss"] = Reply(body=rss(entries))
    for number in (1, 2):
        web.pages[f"/{number}.html"] = page(f"港口第{number}号公告", f"全文{number}。")
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    world.poll()
    world.poll()
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(gzipped([captured(1), captured(2)]))
    world.enqueue(path)
    world.put("a.md", article())
    world.run()
    world.drain()
    return world


def archived(world: World) -> Counter[str]:
    """The digests of every answer of a server in the archive."""
    found: Counter[str] = Counter()
    for segment in Archive(world.settings.state_dir).segments():
        origins = {file.entry: file.origin for file in segment.head().files}
        for number, data in segment.raws():
            origin = origins[number]
            if origin and origin.form is Form.ENTRY_BUNDLE:
                found.update(digest(each.data, "sha256") for each in unpack(data).pages)
            elif origin:
                found[digest(data, "sha256")] += 1
    return found


def export(world: World, path: Path, since: str = "", **filters: str) -> WarcExport:
    now = world.context.deps.now()
    begin = parse_moment(since, now) if since else None
    return export_warc(world.settings, path, Filters(**filters), begin, now=now)


def test_an_export_has_every_fetched_answer(
    world: World, tmp_path: Path, redis_server: Server
) -> None:
    """Each is a record with the same digest, address and time, valid for other programs and read
    back byte for byte."""
    path = tmp_path / "export.warc.gz"
    result = export(world, path)
    wanted = archived(world)
    assert result.records == wanted.total() == 5  # a feed, two pages and two more
    found: Counter[str] = Counter()
    for record in ArchiveIterator(io.BytesIO(path.read_bytes()), parse_http=False):
        assert record.verify_block_digest()
        if str(record.record_type) == "resource":
            found[digest(record.reader.read(), "sha256")] += 1
            assert record.record_date is not None
    assert found == wanted
    with path.open("rb") as file:
        records = [(each.rec_type, dict(each.rec_headers.headers)) for each in Oracle(file)]
    assert [kind for kind, _ in records] == ["warcinfo", *["resource"] * 5]
    types = Counter(headers["Content-Type"].partition(";")[0] for _, headers in records)
    assert types["text/html"] == 4
    assert types["application/xml"] == 1
    captures = [h for _, h in records if "news.example" in h.get("WARC-Target-URI", "")]
    assert {h["WARC-Date"] for h in captures} == {"2024-05-01T10:00:00.000Z"}
    checker = Checker(type("Options", (), {"verbose": False, "inputs": [str(path)]})())
    checker.process_all()
    assert checker.exit_value == 0

    other = World(tmp_path / "other", redis_server.url, **{"stream.name": "other"})
    other.enqueue(path)
    other.drain()
    pages = {digest(html(n), "sha256") for n in (1, 2)} | {
        digest(page(f"港口第{n}号公告", f"全文{n}。").body, "sha256") for n in (1, 2)
    }
    assert set(archived(other)) == pages
    assert len(other.entries()) == 4
    again = tmp_path / "again.warc.gz"
    assert export(other, again).records == 4


def test_filters_choose_what_is_exported(world: World, tmp_path: Path) -> None:
    """By source, by the date of the fetch, and by the time of archiving."""
    counts = [
        export(world, tmp_path / f"{number}.warc.gz", **given).records
        for number, given in enumerate(
            (
                {"source": "harbour"},
                {"source": "nobody"},
                {"date": "2024-05"},
                {"date": "1999"},
                {"since": "1h"},
                {"since": "2100-01-01"},
            )
        )
    ]
    assert counts == [3, 0, 2, 0, 5, 0]


def test_an_export_is_complete_or_absent(world: World, tmp_path: Path) -> None:
    """Files are never overwritten, missing raw files are counted, and equal archives give equal
    records."""
    path = tmp_path / "a.warc.gz"
    export(world, path)
    with pytest.raises(AlreadyThere, match="name a new file"):
        export(world, path)
    with pytest.raises(UsageError, match=r"name the file \*\.warc\.gz"):
        export(world, tmp_path / "a.zip")
    second = tmp_path / "b.warc.gz"
    export(world, second)
    first, other = (gzip.decompress(each.read_bytes()) for each in (path, second))
    assert first.partition(b"resource")[2] == other.partition(b"resource")[2]
    for segment in Archive(world.settings.state_dir).segments():
        segment.raw_path.unlink(missing_ok=True)
    result = export(world, tmp_path / "c.warc.gz")
    assert (result.records, result.expired) == (0, 5)
    assert not [each for each in tmp_path.iterdir() if each.name.endswith(".tmp")]


def test_damaged_batches_are_left_out_and_named(world: World, tmp_path: Path) -> None:
    """A bundle, raw files and journals that cannot be read end no export: the rest is written."""
    segments = list(Archive(world.settings.state_dir).segments())
    whole = export(world, tmp_path / "whole.warc.gz")
    assert whole.damaged == []
    with_pages = [
        segment
        for segment in segments
        for file in segment.head().files
        if file.origin and file.origin.form is Form.ENTRY_BUNDLE
    ]
    segment = with_pages[0]
    head = segment.head()
    archive = Archive(world.settings.state_dir)
    archive.write(head, list(segment.outcomes()), lambda _: b"no bundle")
    result = export(world, tmp_path / "1.warc.gz")
    assert 0 < result.records < whole.records
    assert result.damaged
    assert all(str(segment.raw_path) in why for why in result.damaged)
    segment.raw_path.write_bytes(b"noise")
    (why,) = export(world, tmp_path / "2.warc.gz").damaged
    assert why.startswith(f"the archived files {segment.raw_path} are damaged")
    segment.journal_path.write_bytes(b"noise")
    (why,) = export(world, tmp_path / "3.warc.gz").damaged
    assert str(segment.journal_path) in why
    assert (tmp_path / "3.warc.gz").stat().st_size > 0
