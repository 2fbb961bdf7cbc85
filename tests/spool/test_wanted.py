"""Wanted pages: a file each, wanted once, gone when their page is in a batch."""

from dataclasses import replace
from pathlib import Path

import pytest

from worker.errors import Rejected
from worker.spool.wanted import WantedPage, WantedPages

A, B = "a1" * 16, "b2" * 16
PAGE = WantedPage(
    name="a1" * 16,
    source="harbour",
    url="https://harbour.example/1.html",
    feed_url="https://harbour.example/rss",
    wanted_at="2026-03-04T05:06:07.000Z",
    mark="00ff",
    bundle=b'{"version":1}\n',
)


@pytest.fixture
def wanted(tmp_path: Path) -> WantedPages:
    return WantedPages(tmp_path)


def test_a_wanted_page_is_read_as_written(wanted: WantedPages) -> None:
    """And removed afterwards."""
    wanted.add([PAGE, replace(PAGE, name=B, bundle=b"x\ny")])
    assert wanted.names() == {A, B}
    assert wanted.get(A) == PAGE
    assert wanted.get(B) == replace(PAGE, name=B, bundle=b"x\ny")
    wanted.remove([A, "never"])
    assert wanted.names() == {B}
    assert wanted.get(A) is None


def test_a_page_that_is_wanted_again_stays_as_it_is(wanted: WantedPages) -> None:
    """Its entry was first seen the first time."""
    wanted.add([PAGE])
    wanted.add([replace(PAGE, wanted_at="2027-01-01T00:00:00.000Z")])
    found = wanted.get(A)
    assert found is not None
    assert found.wanted_at == PAGE.wanted_at


@pytest.mark.parametrize("data", [b"\xff\xfe", b"{}\n", b'{"name":"x","url":null}\n'])
def test_an_invalid_wanted_page_is_refused(
    wanted: WantedPages, tmp_path: Path, data: bytes
) -> None:
    """With its bytes; one that is gone is None."""
    wanted.add([PAGE])
    (tmp_path / "wanted" / B).write_bytes(data)
    with pytest.raises(Rejected):
        wanted.get(B)
    assert wanted.raw(B) == data
    assert wanted.raw("0" * 32) is None


def test_other_files_are_ignored(wanted: WantedPages, tmp_path: Path) -> None:
    """Half-written ones, `lost+found`, names of any bytes."""
    wanted.add([PAGE])
    for name in (f".{A}.tmp", "lost+found", "A1" * 16, "odd\udcff"):
        (tmp_path / "wanted" / name).mkdir()
    assert wanted.names() == {A}
