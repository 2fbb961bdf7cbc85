"""WARC files: pages as their servers sent them, and damage that costs one record."""

import gzip
import hashlib
import io
import struct
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
import zstandard

from tests.warcs import FORMS, HTML, answer, digest, gzipped, html, page, record
from worker.errors import Reason
from worker.formats.warc import DAMAGED, PAGE, Place, WarcItem, read_warc
from worker.formats.warc_framing import is_warc

MAX_BYTES = 200_000


def read(data: bytes, place: Place = Place()) -> list[WarcItem]:  # noqa: B008
    return list(read_warc(io.BytesIO(data), MAX_BYTES, place))


def numbers(items: Sequence[WarcItem]) -> list[int]:
    """Of the pages; each must be as it was captured."""
    found = []
    for item in items:
        if item.page:
            number = int(item.url.rpartition("/")[2])
            assert item.page.data == html(number)
            found.append(number)
    return found


def chunked(data: bytes, size: int = 500) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (*pieces, b""))


DAMAGES: dict[str, tuple[Callable[[bool], bytes], Reason]] = {
    "claims less": (lambda d: page(1, length=500, has_digests=d), Reason.BROKEN_ARCHIVE),
    "claims more": (lambda d: page(1, length=3000, has_digests=d), Reason.BROKEN_ARCHIVE),
    "claims what follows": (lambda d: page(1, length=60_000, has_digests=d), Reason.BROKEN_ARCHIVE),
    "claims a terabyte": (lambda d: page(1, length=10**12, has_digests=d), Reason.TOO_LARGE),
    "claims less than nothing": (
        lambda d: page(1, length=-5, has_digests=d),
        Reason.BROKEN_ARCHIVE,
    ),
    "is too large": (lambda d: page(1, html(1, 400_000), has_digests=d), Reason.TOO_LARGE),
    "unpacks to too much": (
        lambda d: page(
            1, gzip.compress(bytes(10**7)), HTML, "Content-Encoding: gzip", has_digests=d
        ),
        Reason.TOO_LARGE,
    ),
    "is no answer": (
        lambda _: record("response", b"\0\1 nothing of HTTP", "https://news.example/1"),
        Reason.MALFORMED,
    ),
    "is no record": (lambda _: b"garbage\r\n" * 20, Reason.BROKEN_ARCHIVE),
    "is a lying request": (
        lambda _: record("request", b"GET / HTTP/1.1\r\n\r\n", length=3000),
        Reason.BROKEN_ARCHIVE,
    ),
    "is a request that claims what follows": (
        lambda _: record("request", b"GET / HTTP/1.1\r\n\r\n", length=60_000),
        Reason.BROKEN_ARCHIVE,
    ),
}


@pytest.mark.parametrize("has_digests", [True, False])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_bad_record_is_refused_alone(
    damage: str, form: Callable[[Sequence[bytes]], bytes], has_digests: bool
) -> None:
    """The pages around it are read, and it is kept with its reason: its bytes, in the file's own
    form, so that they can be read again."""
    make, reason = DAMAGES[damage]
    bad = make(has_digests)
    good = [page(n, has_digests=has_digests) for n in (0, 2, 3)]
    items = read(form([good[0], bad, *good[1:]]))
    assert numbers(items) == [0, 2, 3]
    [refused] = [item.refusal for item in items if item.refusal]
    assert refused.reason is reason
    assert refused.raw
    assert len(refused.raw) <= MAX_BYTES
    assert numbers(read(refused.raw)) in ([], [0])


@pytest.mark.parametrize("has_digests", [True, False])
@pytest.mark.parametrize("cut", [1, 12, 100, -40, -8, -1])
@pytest.mark.parametrize("at", [0, 1, 3])
def test_a_member_that_is_cut_off_costs_one_page(at: int, cut: int, has_digests: bool) -> None:
    """Wherever a gzip member is cut, the others are read. At the end of the file a page is there if
    only its checksum is missing; nothing is to be refused if only a part of a header is there."""
    members = [gzipped([page(n, has_digests=has_digests)]) for n in range(4)]
    members[at] = members[at][:cut]
    items = read(b"".join(members))
    is_there = at == 3 and cut in (-8, -1)
    assert numbers(items) == [n for n in range(4) if n != at or is_there]
    refused = [item.refusal.reason for item in items if item.refusal]
    if at != 3 or cut == -40:
        assert refused == [Reason.BROKEN_ARCHIVE]


@pytest.mark.parametrize("header", ["WARC_Block_Digest", "WARC_Payload_Digest"])
@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5", "sha512"])
def test_a_page_must_have_its_digests(header: str, algorithm: str) -> None:
    """A wrong digest of the record or of its payload refuses the page; a right one, in Base32 or
    hex, does not; one of an unknown kind says nothing."""
    payload = html(1)
    block = answer(payload)
    data = block if "Block" in header else payload
    right = digest(data, algorithm)
    in_hex = f"{algorithm.upper()}:{hashlib.new(algorithm, data).hexdigest()}"
    wrong = digest(data + b"!", algorithm)

    def kinds(value: str) -> list[str]:
        one = record("response", block, "https://news.example/1", **{header: value})
        return [item.kind for item in read(gzipped([one]))]

    assert kinds(right) == kinds(in_hex) == kinds("blake9:ABC") == [PAGE]
    assert kinds(wrong) == [DAMAGED]


def test_encodings_are_undone() -> None:
    """Chunks and content encodings are undone, and what a crawler has undone already is taken as
    it is; the charset is that of the header."""
    body, gbk = html(1), "Content-Type: text/html; charset=GBK"
    compressor = zlib.compressobj()
    deflated = compressor.compress(body) + compressor.flush()
    for payload, *headers in (
        (body,),
        (chunked(body), "Transfer-Encoding: chunked"),
        (gzip.compress(body), "Content-Encoding: gzip"),
        (deflated, "content-encoding: deflate"),
        (zstandard.compress(body), "Content-Encoding: zstd"),
        (
            chunked(gzip.compress(body)),
            "Content-Encoding: gzip",
            "Transfer-Encoding: chunked",
        ),
        (body, "Content-Encoding: gzip", "Transfer-Encoding: chunked"),
        (body, "Content-Encoding: something"),
    ):
        [item] = read(gzipped([page(1, payload, gbk, *headers)]))
        assert item.page is not None
        assert item.page.data == body, headers
        assert item.page.charset == "GBK"


@pytest.mark.parametrize("undone", ["chunks", "all"])
def test_a_payload_digest_may_be_of_the_page_itself(undone: str) -> None:
    """Some crawlers compute it after chunks, or all encodings, are undone."""
    body = html(1)
    packed = gzip.compress(body)
    headers = (HTML, "Content-Encoding: gzip", "Transfer-Encoding: chunked")
    block = answer(chunked(packed), *headers)
    payload = packed if undone == "chunks" else body
    data = record("response", block, "https://news.example/1", WARC_Payload_Digest=digest(payload))
    assert numbers(read(data)) == [1]


def test_only_pages_are_read() -> None:
    """Answers with another status, other media and other types of records are only counted;
    a resource with the HTML of an address is a page."""
    uri = "https://news.example/1"
    items = read(
        gzipped(
            [
                page(0, status="301 Moved"),
                page(0, status="404 Not Found"),
                page(0, b"\x89PNG", "Content-Type: image/png"),
                page(0, b"{}", "X-Nothing: here"),
                record("response", b"1.2.3.4", "dns:news.example", media_type="text/dns"),
                *(record(kind, b"x", uri) for kind in ("revisit", "metadata", "conversion")),
                record("resource", html(1), f"<{uri}>", media_type="text/html; charset=utf-8"),
                record("resource", b"a log", "urn:log", media_type="text/plain"),
                page(2, None, "X-Nothing: here"),
            ]
        )
    )
    assert [item.kind for item in items] == [
        *("response 301", "response 404", "response, no HTML", "response, no HTML", "response"),
        *("revisit", "metadata", "conversion", PAGE, "resource", PAGE),
    ]
    assert numbers(items) == [1, 2]


@pytest.mark.parametrize("form", [*FORMS.values(), lambda r: gzip.compress(b"".join(r))])
def test_reading_goes_on_at_a_place(form: Callable[[Sequence[bytes]], bytes]) -> None:
    """From behind any record the rest is read, also of a file that is compressed as a whole."""
    data = form([page(n) for n in range(6)])
    items = read(data)
    assert [numbers(read(data, item.place)) for item in items] == [
        list(range(n + 1, 6)) for n in range(6)
    ]
    assert all(a.place != b.place for a, b in pairwise(items))


def test_a_dictionary_is_used() -> None:
    """The frames of a `.warc.zst` may share a dictionary, which is its first frame."""
    records = [page(n) for n in range(500)]
    dictionary = zstandard.train_dictionary(10_000, records)
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    packed = zstandard.compress(dictionary.as_bytes())
    first = struct.pack("<II", 0x184D2A5D, len(packed)) + packed
    data = first + b"".join(map(compressor.compress, records[:4]))
    assert is_warc(io.BytesIO(data), "x")
    items = read(data)
    assert numbers(items) == [0, 1, 2, 3]
    assert numbers(read(data, items[1].place)) == [2, 3]


def test_what_follows_damage_in_a_whole_is_lost() -> None:
    """In a file that is compressed as a whole no record can be found alone: the message says what
    to do, and the refusal has no bytes of its own."""
    cut = gzip.compress(b"".join([page(0), page(1, length=3000), page(2)]))
    items = read(cut)
    assert numbers(items) == [0]
    refusals = [item.refusal for item in items if item.refusal]
    assert "unpack it first" in refusals[-1].message
    assert {refusal.raw for refusal in refusals} == {None}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_warc_is_recognised_by_its_first_record(
    form: Callable[[Sequence[bytes]], bytes],
) -> None:
    """The name counts only where the first record is damaged."""
    assert is_warc(io.BytesIO(form([page(0)])), "x")
    assert is_warc(io.BytesIO(b"damage"), "x.WARC.GZ")
    for other in (b"", b"WARCRAFT", gzip.compress(b"text"), zstandard.compress(b"text")):
        assert not is_warc(io.BytesIO(other), "x.gz")


def test_a_record_may_claim_any_length() -> None:
    """A length that no file can have costs its record, and no error of Python."""
    items = read(page(0, length=2**64 - 1) + page(1) + page(2, length=10**30) + page(3))
    assert numbers(items) == [1, 3]
    assert sum(item.kind == DAMAGED for item in items) == 2


def test_pages_behind_an_empty_member_are_read() -> None:
    """bgzip ends each of its files with an empty member, and files may be joined."""
    members = [gzipped([page(0)]), gzip.compress(b""), gzip.compress(b""), gzipped([page(1)])]
    items = read(b"".join(members))
    assert numbers(items) == [0, 1]
    assert {item.kind for item in items} == {PAGE}


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_empty_lines_are_not_unpacked_to_recognise_a_warc(pack: Callable[[bytes], bytes]) -> None:
    """A file of empty lines is looked at before the time of a document counts: a bounded part."""
    file = _CountedReads(pack(b"\n" * 2 * 10**7) * 100)
    assert not is_warc(file, "a.gz")
    assert file.read_bytes < 10_000


def test_damaged_records_cost_what_they_are_long() -> None:
    """What follows a damaged record is searched in small pieces: not the file for each of them."""
    file = _CountedReads(page(0, has_digests=False, length=10**10) * 1000)
    assert len(list(read_warc(file, MAX_BYTES))) == 1000
    assert file.read_bytes < 1000 * 500_000


@pytest.mark.parametrize("start", [b"WARC/1.0\r\n", gzip.compress(b"")[:4] + b"x"])
def test_what_only_looks_like_records_is_not_tried_for_ever(start: bytes) -> None:
    """Beginnings of records without records are left after some: the rest of the file is lost."""
    form = gzipped if start.startswith(b"\x1f") else b"".join
    file = _CountedReads(form([page(0)]) + start * 10**5 + form([page(1)]))
    items = list(read_warc(file, MAX_BYTES))
    assert [item.kind for item in items] == [PAGE, DAMAGED]
    assert file.read_bytes < 10**9


class _CountedReads(io.BytesIO):
    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data
