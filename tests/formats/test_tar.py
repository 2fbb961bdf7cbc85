"""Tar headers: what they claim is checked before it is believed."""

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.formats.test_archive import article, refused
from worker.errors import Reason
from worker.model import RawArticle

pytestmark = pytest.mark.timeout(30)

CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "hostile"


def header(name: str, size: bytes, flag: bytes = b"0") -> bytes:
    """A header with any size field, and the right checksum."""
    block = bytearray(512)
    block[:100] = name.encode().ljust(100, b"\0")
    block[124:136] = size.ljust(12, b"\0")
    block[148:156] = b" " * 8
    block[156:157] = flag
    block[257:265] = b"ustar\00000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def octal(size: int) -> bytes:
    return b"%011o" % size


def base_256(size: int) -> bytes:
    return b"\x80" + size.to_bytes(11, "big")


def member(name: str, data: bytes, flag: bytes = b"0") -> bytes:
    return header(name, octal(len(data)), flag) + data.ljust(-(-len(data) // 512) * 512, b"\0")


def pax(**records: str) -> bytes:
    data = b""
    for key, value in records.items():
        record = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(record) + 1
        while len(b"%d" % length) + len(record) != length:
            length += 1
        data += b"%d" % length + record
    return data


END = bytes(1024)
ANY = member("a.md", article("A"))
CLAIMS = {
    "base 256": header("a.md", base_256(2**60)),
    "base 256, whole field": header("a.md", base_256(2**88 - 1)),
    "octal": header("a.md", b"7" * 11),
    "negative": header("a.md", b"\xff" * 12),
    "pax": member("p", pax(size=str(2**60)), b"x") + ANY,
    "pax, no number": member("p", pax(size="-5"), b"x") + ANY,
    "pax, 10,000 digits": member("p", pax(size="9" * 10_000), b"x") + ANY,
    "global pax": member("p", pax(size=str(2**60)), b"g") + ANY,
    "long name": header("l", base_256(2**60), b"L") + ANY,
    "long name of 10 MB": member("l", b"n" * 10_000_000, b"L") + ANY,
    "pax header of 10 MB": member("p", pax(comment="c" * 10_000_000), b"x") + ANY,
    "a thousand headers": member("p", pax(comment="c"), b"x") * 1000 + ANY,
    "pax record without end": member("p", b"11 path=a", b"x") + ANY,
    "no checksum": header("a.md", octal(5)).replace(b"a.md", b"b.md"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", CLAIMS)
def test_a_header_that_claims_what_cannot_be(name: str, packed: bool, read: Any) -> None:
    """A size beyond what is left, an endless header, no number: refused before anything is read."""
    data = CLAIMS[name] + END
    reason = refused(read, gzip.compress(data) if packed else data)
    assert reason in (Reason.BROKEN_ARCHIVE, Reason.TOO_LARGE)


def test_members_before_a_false_header_are_read(read: Any) -> None:
    """Of an archive whose second header is false the first member is read, and none is passed over
    silently."""
    assert refused(read, ANY + CLAIMS["no checksum"] + END) is Reason.BROKEN_ARCHIVE


def sparse(name: str) -> bytes:
    return header(name, octal(0), b"S")


@pytest.mark.parametrize(
    "bad",
    [
        sparse("s.md"),
        member("p", pax(GNU__sparse__major="1", GNU__sparse__realsize="9" * 9), b"x")
        + member("s.md", b"0\n"),
    ],
    ids=["gnu", "pax"],
)
def test_a_sparse_member_is_refused_alone(bad: bytes, read: Any) -> None:
    """A sparse member has no bytes but unpacks to gigabytes: it is refused, the others are read."""
    first, second = read(bad + ANY + END)
    assert first.reason is Reason.UNSAFE
    assert "s.md is a sparse file" in first.message
    assert second.title == "A"


def test_every_byte_counts_against_the_limit(read: Any) -> None:
    """What is passed over counts as what is read: members too large, of each kind of tar."""
    large = member("large.md", bytes(1_500_000)) * 3
    for data in (large + END, gzip.compress(large + END, 0)):
        assert refused(read, data, file_mb=1, archive_mb=4) is Reason.TOO_LARGE


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_tar_writes_is_read(form: int, read: Any) -> None:
    """Long names, folders, empty lines at the end: as the standard library writes them."""
    names = ["a.md", "目录/文章.md", "d/" * 45 + "long.md", "n" * 90 + "/" + "m" * 90 + ".md"]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form, pax_headers={"comment": "x"}) as tar:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size = len(article(str(number)))
            info.mtime = 1638878400.5 if form == tarfile.PAX_FORMAT else 1638878400
            tar.addfile(info, io.BytesIO(article(str(number))))
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    found: list[RawArticle] = read(packed.getvalue())
    assert [one.member for one in found] == names
    assert [one.title for one in found] == ["0", "1", "2", "3"]


@pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not here")
@pytest.mark.parametrize(
    "name", ["tar_b256_size", "tar_b256_size_gz", "tar_global_pax_200k_x9000_gz"]
)
def test_known_archives(name: str, read: Any) -> None:
    """What once took minutes or gigabytes is refused at its first header."""
    assert refused(read, (CASES / name).read_bytes()) in (Reason.BROKEN_ARCHIVE, Reason.TOO_LARGE)
