"""Wanted pages: a file each, wanted once, gone when their page is in a batch."""

from dataclasses import replace
from pathlib import Path

import pytest

from worker.spool.wanted import Wanted, WantedPages

PAGE = Wanted(
    name="a1",
    source="harbour",
    url="https://harbour.example/1.html",
    feed_url="https://harbour.example/rss",
    wanted_at="2026-03-04T05:06:07.000Z",
    mark="00ff",
    capsule=b'{"version":1}\n',
)


@pytest.fixture
def wanted(tmp_path: Path) -> WantedPages:
    return WantedPages(tmp_path)


def test_what_is_wanted_comes_back(wanted: WantedPages) -> None:
    """All that was said of it, and the entry's bytes as they were; then it is wanted no more."""
    wanted.add([PAGE, replace(PAGE, name="b2", capsule=b"x\ny")])
    assert wanted.names() == {"a1", "b2"}
    assert wanted.get("a1") == PAGE
    assert wanted.get("b2") == replace(PAGE, name="b2", capsule=b"x\ny")
    wanted.remove(["a1", "never"])
    assert wanted.names() == {"b2"}
    assert wanted.get("a1") is None


def test_wanted_again_it_stays_as_it_is(wanted: WantedPages) -> None:
    """An entry that is read again while its page waits was first seen the first time."""
    wanted.add([PAGE])
    wanted.add([replace(PAGE, wanted_at="2027-01-01T00:00:00.000Z")])
    found = wanted.get("a1")
    assert found is not None
    assert found.wanted_at == PAGE.wanted_at


def test_a_file_that_is_none_of_ours_does_no_harm(wanted: WantedPages, tmp_path: Path) -> None:
    """What cannot be read as a wanted page is none; a half-written one is not looked at."""
    wanted.add([PAGE])
    (tmp_path / "wanted" / "odd").write_bytes(b"\xff\xfe not json")
    (tmp_path / "wanted" / ".a1.tmp").write_bytes(b"half")
    assert wanted.get("odd") is None
    assert ".a1.tmp" not in wanted.names()
