"""One bad input costs a bounded amount: each of these once took minutes, gigabytes or a crash.

Most tests are guarded by their time limit, generous beside the need (all take seconds) and small
beside the cost without the mechanism; where the result alone shows nothing, CPU time is compared.
"""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from time import process_time
from typing import Any

import pytest
from bs4.dammit import EncodingDetector

from worker.errors import Reason, Rejected

pytestmark = pytest.mark.timeout(60)

HEAD = b"---\ntitle: x\n---\n"
MEGA = 1_000_000


def reason(read: Any, data: bytes, **limits: int) -> Reason:
    with pytest.raises(Rejected) as caught:
        read(data, **limits)
    assert len(str(caught.value)) < 500
    return caught.value.reason


def cpu_seconds(read: Any, data: bytes) -> float:
    """The CPU time to read or refuse `data`; the best of three."""

    def once() -> float:
        begin = process_time()
        with suppress(Rejected):
            read(data)
        return process_time() - begin

    return min(once() for _ in range(3))


def assert_linear(read: Any, read_data: Callable[[int], bytes]) -> None:
    """An input 16 times as large costs at most 80 times the CPU time; 256 times is quadratic."""
    small = max(cpu_seconds(read, read_data(4_000)), 0.0005)
    assert cpu_seconds(read, read_data(64_000)) < 80 * small


@pytest.mark.parametrize("data", [b"[" * 10 * MEGA, b'{"a":' * 2 * MEGA, b'[{"a":' * MEGA])
def test_json_nested_without_end(data: bytes, read: Any) -> None:
    """JSON that only opens is too deep, not a crash."""
    assert reason(read, data) is Reason.TOO_DEEP


def test_json_deep_in_a_field(read_one: Any) -> None:
    """Depth within one field costs that field."""
    nested = b"[" * 900 + b"]" * 900
    assert read_one(b'{"title": "x", "text": "y", "n": ' + nested + b"}").extra == {}


def test_json_huge_integer(read_one: Any) -> None:
    """Ten million digits are not converted."""
    digits = b"9" * 10 * MEGA
    assert read_one(b'{"title": "\\ud800", "text": "y", "n": ' + digits + b"}").title == "\ufffd"


@pytest.mark.parametrize("opening", [b"[", b"a: {", b"- ", b"? "])
def test_yaml_nested_without_end(opening: bytes, read: Any) -> None:
    """YAML that only opens is read line by line instead."""
    (found,) = read(b"---\ntitle: x\nbad: " + opening * 50_000 + b"\n---\nbody")
    assert found.title == "x"


def test_head_of_a_million_lines(read: Any) -> None:
    """A head beyond the limit is one that was not closed."""
    assert reason(read, b"---\n" + b"a: b\n" * MEGA + b"---\nx") is Reason.FRONT_MATTER


def test_head_of_bad_lines(read_one: Any) -> None:
    """Thousands of lines that YAML refuses are each read once."""
    assert read_one(b"---\n" + b'title: "a"b"\n' * 15_000 + b"---\nx").title == 'a"b'


@pytest.mark.parametrize(
    "head",
    [
        b"a = " + b"[" * 100_000,
        b".".join([b"a"] * 100_000) + b" = 1",
        b"[" + b"a." * 50_000 + b"a]",
    ],
)
def test_toml_nested(head: bytes, read: Any) -> None:
    """TOML nested by brackets or by dots is too deep."""
    assert reason(read, b"+++\n" + head + b"\n+++\n") is Reason.TOO_DEEP


def test_toml_huge_integer(read: Any) -> None:
    """An integer of 200,000 digits is refused, not converted."""
    assert reason(read, b"+++\na=" + b"9" * 200_000 + b"\n+++\n") is Reason.FRONT_MATTER


@pytest.mark.parametrize("opening", [b"<", b"<!--", b"<?", b"<!DOCTYPE [", b"<!DOCTYPE a ["])
def test_markup_that_only_opens(opening: bytes, read: Any) -> None:
    """Markup that never comes to an element is of no known format."""
    assert reason(read, opening * MEGA) is Reason.UNKNOWN_FORMAT


def test_feed_of_nested_entries(read: Any) -> None:
    """Entries that are only opened are not nested: each ends where the next begins."""
    assert reason(read, b"<rss><channel>" + b"<item>" * 300_000) is Reason.TOO_MANY


def test_feed_of_nested_elements(read: Any) -> None:
    """An entry nested without end is refused alone."""
    (found,) = read(b"<rss><channel><item><description>" + b"<b>" * 300_000)
    assert found.reason is Reason.MALFORMED


def test_feed_of_too_many_entries(sites: Any) -> None:
    """A file with too many entries is refused before the first is read."""
    from tests.formats.test_archive import iter_read

    feed = b"<rss><channel>" + b"<item><title>x</title></item>" * 200_000 + b"</channel></rss>"
    with pytest.raises(Rejected) as caught:
        next(iter_read(feed, sites))
    assert caught.value.reason is Reason.TOO_MANY


def test_too_many_articles(read: Any) -> None:
    """An input with more articles than it may have ends at the limit."""
    lines = b'{"title": "x", "text": "y"}\n' * 200
    assert len(read(lines, articles=200)) == 200
    assert reason(read, lines, articles=199) is Reason.TOO_MANY


@pytest.mark.parametrize(
    "sign", [b"[", b"![[", b"*a ", b"**a **a", b"- a\n", b"`", b"<a ", b">", b"&"]
)
def test_markdown_of_one_sign(sign: bytes, read: Any) -> None:
    """Markdown made of nothing but openings is rendered, at the length of a long article."""
    (found,) = read(HEAD + sign * (100_000 // len(sign)))
    assert found.title == "x"


def test_markdown_too_long(read: Any) -> None:
    """Markdown beyond the length that is rendered in seconds is refused."""
    assert reason(read, HEAD + b"word " * 300_000) is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "read_data",
    [
        lambda size: b"# " + b"#  " * (size // 3),
        lambda size: b"# x\n" + b"a " * (size // 2) + b"b\n==",
        lambda size: b"#" + b" " * size + b"x",
    ],
    ids=["signs", "underlined", "spaces"],
)
def test_headings_by_regular_expression(read_data: Callable[[int], bytes], read: Any) -> None:
    """Headings are found in linear time: without going back over a long line."""
    assert_linear(read, read_data)


def test_the_text_of_a_broken_feed_costs_linear_time(read: Any) -> None:
    """A text of many CDATA sections is put together once."""
    head, end = b"<rss><channel><item><title>x</title><description>", b"</description></item>"
    assert_linear(read, lambda size: head + b"<![CDATA[a]]>]]>" * (size // 4) + end)


def test_names_by_regular_expression(read: Any) -> None:
    """An author of a million `@` is not an address."""
    author = b"<author>" + b"@" * MEGA + b"</author>"
    (found,) = read(b"<rss><channel><item><title>x</title>" + author + b"</item></channel></rss>")
    assert found.title == "x"


def test_addresses_by_regular_expression(read: Any) -> None:
    """Whether two words of 2,000 letters name an article costs no minute."""
    name = b"https://a.example/" + b"a" * 2_000 + b"-" + b"a" * 2_000
    head = b'<html><head><title>x</title><link rel="canonical" href="' + name + b'/amp"></head>'
    page = head + b"<body><p>" + b"Text of the article. " * 50 + b"</p></body></html>"
    (found,) = read(page, url="https://a.example/news/7")
    assert found.title == "x"


def test_declarations_without_end(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Declarations of a charset are searched for in the first bytes only: a million took 222 s."""
    find = EncodingDetector.find_declared_encoding
    searched: list[int] = []

    def spy(markup: bytes, **options: Any) -> str | None:
        searched.append(len(markup))
        return find(markup, **options)

    monkeypatch.setattr(EncodingDetector, "find_declared_encoding", spy)
    with suppress(Rejected):
        read(b"# x\n" + b"<meta charset" * MEGA + b"\xff")
    assert searched
    assert sum(searched) < 64_000


def test_file_too_large(read: Any) -> None:
    """A file above the limit is refused unread."""
    assert (
        reason(read, b'{"title": "x", "text": "' + b"y" * MEGA * 2 + b'"}', file_mb=1)
        is Reason.TOO_LARGE
    )


def test_archive_is_read_a_member_at_a_time(sites: Any) -> None:
    """A tar of 60 MB is read in the memory of a few members."""
    import gzip

    from tests.formats.test_archive import article, iter_read, tar

    padding = b"".join(b"%d " % number for number in range(150_000))
    packed = gzip.compress(tar(*[(f"{n}.md", article("A") + padding) for n in range(60)]), 1)
    tracemalloc.start()
    count = sum(1 for _ in iter_read(packed, sites))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 60
    assert peak < 25_000_000
