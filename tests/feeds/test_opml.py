"""OPML lists: reading those of other readers, and writing."""

import pytest

from worker.errors import UsageError
from worker.feeds.opml import MAX_DEPTH, MAX_OUTLINES, Outline, read_opml, write_opml


def opml(body: str) -> bytes:
    return f'<?xml version="1.0"?><opml version="2.0"><body>{body}</body></opml>'.encode()


def feed(number: int, more: str = "") -> str:
    return f'<outline text="F{number}" xmlUrl="https://a.example/{number}" {more}/>'


def test_folders_and_categories_are_tags() -> None:
    """The folders around a feed, from the outside in, then the parts of its categories."""
    inside = feed(1, 'category="/财经/股票,快讯"')
    found = read_opml(opml(f'<outline text="A"><outline title="B">{inside}</outline></outline>'))
    assert found == (Outline("F1", "https://a.example/1", ("A", "B", "财经", "股票", "快讯")),)


def test_feed_once_with_all_its_tags() -> None:
    """A feed in two folders is one feed with both tags."""
    body = "".join(f'<outline text="{name}">{feed(1)}</outline>' for name in ("A", "B"))
    assert read_opml(opml(body + feed(2))) == (
        Outline("F1", "https://a.example/1", ("A", "B")),
        Outline("F2", "https://a.example/2"),
    )


@pytest.mark.parametrize("name", ["xmlUrl", "xmlurl", "XMLURL", "xmlURL"])
def test_the_case_of_attributes_is_ignored(name: str) -> None:
    """The address is found however its attribute is written."""
    found = read_opml(opml(f'<outline TITLE="x" {name}="https://a.example/1"/>'))
    assert found == (Outline("x", "https://a.example/1"),)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("feed://a.example/1", "http://a.example/1"),
        ("feed:https://a.example/1", "https://a.example/1"),
        ("feed://https://a.example/1", "https://a.example/1"),
        (" https://a.example/1 ", "https://a.example/1"),
        ("rsshub://a/b", "rsshub://a/b"),
        ("https://a.example/?x=1&y=2&amp;z=3", "https://a.example/?x=1&y=2&z=3"),
    ],
)
def test_addresses(written: str, url: str) -> None:
    """What readers write for `http://`, a bare ampersand and blanks are mended."""
    assert read_opml(opml(f'<outline xmlUrl="{written}"/>')) == (Outline(url, url),)


@pytest.mark.parametrize("address", ["ftp://a.example/1", "javascript:x", "a.example/1", "http:"])
def test_other_addresses_are_returned_unchanged(address: str) -> None:
    """The import reports those that cannot be polled."""
    found = read_opml(opml(f'<outline text="x" xmlUrl=" {address} ">{feed(1)}</outline>'))
    assert found == (Outline("x", address), Outline("F1", "https://a.example/1"))


def test_an_outline_without_address_is_no_feed() -> None:
    """An empty `xmlUrl` names nothing."""
    found = read_opml(opml(f'<outline text="x" xmlUrl=" "/>{feed(1)}'))
    assert found == (Outline("F1", "https://a.example/1"),)


@pytest.mark.parametrize(
    "data",
    [
        opml(feed(1) + feed(2))[:-8],
        opml(f'<outline text="A">{feed(1)}{feed(2)}'),
        b"\n  " + opml(feed(1) + "<br>&nbsp;" + feed(2)),
        opml(feed(1) + feed(2)).decode().replace("?>", ' encoding="utf-16"?>').encode("utf-16"),
        b'<o:opml xmlns:o="x">' + f"{feed(1)}{feed(2)}</o:opml>".encode(),
    ],
    ids=["cut", "unclosed", "entity", "utf-16", "prefix"],
)
def test_broken_lists(data: bytes) -> None:
    """Errors around feeds do not lose them."""
    assert [one.url for one in read_opml(data)][:2] == [
        "https://a.example/1",
        "https://a.example/2",
    ]


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"<html><p>x</p></html>", opml(""), b"\x00\xff" * 9]
)
def test_no_feed_in_it(data: bytes) -> None:
    """A file without any feed is refused with what to do."""
    with pytest.raises(UsageError, match="export"):
        read_opml(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (opml(feed(1)) + b" " * 10_000_000, "10 MB"),
        (opml("<a/>" * 500_000), "too much markup"),
        (opml(feed(1) * (MAX_OUTLINES + 1)), "more than 100000 outlines"),
        (opml("<outline>" * (MAX_DEPTH + 1) + "</outline>" * (MAX_DEPTH + 1)), "nests more than"),
        (opml("<outline " + " ".join(f'a{n}=">"' for n in range(300_000)) + "/>"), "attributes"),
        (
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            b'<opml><outline text="&x;" xmlUrl="https://a.example/1"/></opml>',
            "remove its DOCTYPE",
        ),
    ],
    ids=["size", "tags", "outlines", "depth", "attributes", "entities"],
)
def test_bounds(data: bytes, message: str) -> None:
    """A list that would cost too much, or opens files, is refused."""
    with pytest.raises(UsageError, match=message):
        read_opml(data)


def test_as_deep_as_may_be() -> None:
    """The deepest that is allowed is read."""
    body = "<outline>" * (MAX_DEPTH - 1) + feed(1) + "</outline>" * (MAX_DEPTH - 1)
    assert len(read_opml(opml(body))) == 1


def test_written_lists_are_read_back() -> None:
    """Titles, addresses and tags of any letters."""
    outlines = {
        Outline("A & B <c>", "https://a.example/?x=1&y=2", ("财经", "a/b", "快讯")),
        Outline('"quoted"', "rsshub://x/y"),
        Outline("two\nlines\x00", "https://a.example/2", ("财经",)),
        Outline("", "https://a.example/3", ("other", "财经")),
    }
    written = write_opml(outlines, "My \ud800 list")
    assert written.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<opml version=\"2.0\">")
    assert written.count('<outline text="财经"'.encode()) == 1
    expected = {(one.url, frozenset(one.tags)) for one in outlines}
    found = read_opml(written)
    assert {(one.url, frozenset(one.tags)) for one in found} == expected
    titles = {one.url: one.title for one in found}
    assert titles["https://a.example/2"] == "two lines"
    assert titles["https://a.example/3"] == "https://a.example/3"


def test_one_address_many_times_is_quick_and_bounded() -> None:
    """Tens of thousands of entries of one feed are read in one pass, with a bounded number of
    tags."""
    outlines = "".join(
        f'<outline xmlUrl="http://a.example/" category="c{n}"/>' for n in range(40_000)
    )
    (one,) = read_opml(f"<opml><body>{outlines}</body></opml>".encode())
    assert len(one.tags) == 50
