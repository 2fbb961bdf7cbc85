"""The quarantine: pages that read only what they show, and safe previews."""

import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.home import Home
from worker.errors import NotThere, Reason
from worker.queries.quarantine import list_quarantine, preview
from worker.readmodel.filters import Filters
from worker.spool.manifest import Origin
from worker.spool.quarantine import Quarantine, QuarantineItem

CHINESE = "港口今日公告：渡轮停航，货船照常进出，岸桥作业时间不变。"


def put(home: Home, number: int, raw: bytes = b"", **about: object) -> str:
    """A refused input, as a worker would keep it; higher numbers are newer."""
    source = str(about.pop("source", "drop"))
    name = f"20260101T000000.{number:06d}-0badcafe-{source}-0"
    refused = QuarantineItem(
        name, source, "a.md", Reason.EMPTY, "it is empty", name, 0, None, len(raw), "2026-01-01"
    )
    Quarantine(home.state).put(replace(refused, **about), raw)  # type: ignore[arg-type]
    return name


def test_pages(home: Home) -> None:
    """Newest first; each page names the next, and inputs that vanish between two hide no other."""
    ids = [put(home, number) for number in range(5)][::-1]
    first = list_quarantine(home.settings(), 2)
    assert [one.id for one in first.refused] == ids[:2]
    assert (first.total, first.next) == (5, ids[1])
    Quarantine(home.state).remove(ids[1])
    second = list_quarantine(home.settings(), 2, first.next)
    assert [one.id for one in second.refused] == ids[2:4]
    third = list_quarantine(home.settings(), 2, second.next)
    assert ([one.id for one in third.refused], third.next) == (ids[4:], None)
    assert list_quarantine(home.settings(), 4).next is None


def test_nothing_in_quarantine(home: Home) -> None:
    """No folder yet is an empty page."""
    page = list_quarantine(home.settings(), 10)
    assert (page.refused, page.total, page.next) == ((), 0, None)


def test_a_page_reads_no_more_than_it_shows(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, only the page's are opened; the count of reasons has a bound."""
    for number in range(20):
        put(home, number)
    read: list[str] = []
    get = Quarantine.get

    def counted(quarantine: Quarantine, refused_id: str) -> QuarantineItem:
        read.append(refused_id)
        return get(quarantine, refused_id)

    monkeypatch.setattr(Quarantine, "get", counted)
    monkeypatch.setattr("worker.queries.quarantine._count_reasons", lambda *_: {})
    assert list_quarantine(home.settings(), 3).total == 20
    assert len(read) == 3


def test_by_reason_and_source(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a reason or a source; a feed's lie in batches of all that was polled."""
    put(home, 1, source="drop-2")
    of_drop = put(home, 2, reason=Reason.NOT_TEXT)
    polled = put(home, 3, source="feeds")
    error = home.state / "quarantine" / polled / "error.json"
    error.write_text(error.read_text("utf-8").replace('"source": "feeds"', '"source": "harbour"'))
    put(home, 4)
    find_ids = list_quarantine(home.settings(), 10, reason="not_text")
    assert [one.id for one in find_ids.refused] == [of_drop]
    assert find_ids.total == 4
    find_ids = list_quarantine(home.settings(), 10, filters=Filters(source="drop"))
    assert [one.source for one in find_ids.refused] == ["drop", "drop"]
    assert find_ids.reasons == {"empty": 1, "not_text": 1}
    find_ids = list_quarantine(home.settings(), 10, filters=Filters(source="harbour"))
    assert [one.id for one in find_ids.refused] == [polled]
    monkeypatch.setattr("worker.queries.quarantine._MAX_READ", 3)
    page = list_quarantine(home.settings(), 10, filters=Filters(source="drop-2"))
    assert page.refused == ()
    assert page.next is not None
    assert (
        len(
            list_quarantine(
                home.settings(), 10, page.next, filters=Filters(source="drop-2")
            ).refused
        )
        == 1
    )


def test_by_words_job_and_day(home: Home) -> None:
    """Words of path and message, job, and the day of the refusal."""
    refused = put(home, 1)
    (item,) = list_quarantine(home.settings(), 10).refused
    name = item.path.rsplit("/", 1)[-1]

    def find_ids(**given: str) -> list[str]:
        return [
            one.id for one in list_quarantine(home.settings(), 10, filters=Filters(**given)).refused
        ]

    assert find_ids(q=name) == find_ids(q=name, date=item.refused_at[:7]) == [refused]
    assert (
        find_ids(q="nosuch")
        == find_ids(date="1999")
        == find_ids(job="other")
        == find_ids(feed="drop")
        == []
    )


@pytest.mark.parametrize(
    ("raw", "kind", "text"),
    [
        (b"", "empty", ""),
        ("标题：一\n第二行\\n".encode(), "text", "标题：一\n第二行\\n"),
        (b"<script>alert(1)</script>", "text", "<script>alert(1)</script>"),
        (CHINESE.encode("gb18030"), "text", CHINESE),
        ("标题".encode("utf-16"), "text", "标题"),
        (b"a\x1b[2Jb\tc\r\nd", "text", "a\\x1b[2Jb  c\nd"),
        ("a\u202eb".encode(), "text", "a\\u202eb"),
        (b"\x00\x01\x02\xff", "binary", "00000000  00 01 02 ff" + " " * 36 + "  |....|"),
    ],
)
def test_a_safe_preview(home: Home, raw: bytes, kind: str, text: str) -> None:
    """Text as a worker decodes it, with hidden characters escaped; other bytes in hex."""
    find_ids = preview(home.settings(), put(home, 1, raw))
    assert (find_ids.kind, find_ids.text) == (kind, text)
    assert (find_ids.size, find_ids.truncated) == (len(raw), False)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("most", range(90, 97))
def test_a_cut_character_is_left_out(home: Home, encoding: str, most: int) -> None:
    """The preview ends before it, and reports that there is more."""
    text = (
        "港口今日公告：渡轮停航，货船照常进出，岸桥作业时间不变，请各单位留意天气变化并做好准备工作。"
        * 3
    )
    find_ids = preview(home.settings(), put(home, 1, text.encode(encoding)), most)
    assert find_ids.kind == "text"
    assert find_ids.truncated
    assert len(find_ids.text) > 20
    assert text.startswith(find_ids.text)


def test_compressed_files_are_shown_in_hex(home: Home) -> None:
    """Nothing is unpacked for a preview."""
    find_ids = preview(home.settings(), put(home, 1, gzip.compress(os.urandom(9000))))
    assert find_ids.kind == "binary"
    assert find_ids.text.startswith("00000000  1f 8b 08")
    assert len(find_ids.text.splitlines()) == 64
    assert find_ids.truncated


def test_the_charset_that_a_server_declared_counts(home: Home) -> None:
    """A short text in another encoding is decoded by it."""
    origin = Origin("harbour", "page", "http://h.example/", "2026-01-01", charset="windows-1251")
    find_ids = preview(home.settings(), put(home, 1, "Порт закрыт".encode("cp1251"), origin=origin))
    assert find_ids.text == "Порт закрыт"


def test_links_and_missing_bytes_are_not_followed(home: Home, tmp_path: Path) -> None:
    """A link is not followed, a FIFO not waited at, and missing bytes are reported."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for number, make in enumerate(
        (lambda raw: raw.symlink_to(secret), os.mkfifo, lambda raw: None)
    ):
        refused_id = put(home, number, b"x")
        raw = home.state / "quarantine" / refused_id / "raw"
        raw.unlink()
        make(raw)
        find_ids = preview(home.settings(), refused_id)
        assert (find_ids.kind, find_ids.text) == ("unreadable", "")


@pytest.mark.parametrize("wanted", ["..", "../archive", "/etc", "nosuch", "a\0b", "x" * 400])
def test_an_invalid_id_is_not_found(home: Home, wanted: str) -> None:
    """Whatever is not an id is not there."""
    with pytest.raises(NotThere, match="nothing in quarantine"):
        preview(home.settings(), wanted)
