"""Archives are read in memory, member by member, at bounded cost."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from typing import Any

import pytest
import zstandard

from worker.errors import Reason, Rejected
from worker.model import Refusal

ARTICLE = b"---\ntitle: '%s'\ndate: 2021-12-07\n---\n<div>x</div>"
PACKERS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


def article(title: str) -> bytes:
    return ARTICLE % title.encode()


def tar(*members: tuple[str, bytes | tarfile.TarInfo]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members:
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def special(name: str, kind: bytes, target: str = "/etc/passwd") -> tuple[str, tarfile.TarInfo]:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return name, info


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def refused(read: Any, data: bytes, **limits: int) -> Reason:
    with pytest.raises(Rejected) as caught:
        read(data, **limits)
    return caught.value.reason


@pytest.mark.parametrize("packer", PACKERS)
def test_one_compressed_file(packer: str, read_one: Any) -> None:
    """A compressed article is that article, however it is named."""
    found = read_one(PACKERS[packer](article("One")))
    assert (found.title, found.member) == ("One", None)


@pytest.mark.parametrize("packer", [*PACKERS, "none"])
def test_tar(packer: str, read: Any) -> None:
    """Every file of a .tar, .tar.gz, .tar.bz2, .tar.xz or .tar.zst is read, with its path."""
    data = tar(("2021/a.md", article("A")), ("b.json", b'{"title": "B", "text": "b"}'))
    found = read(PACKERS.get(packer, bytes)(data))
    assert [(item.title, item.member) for item in found] == [("A", "2021/a.md"), ("B", "b.json")]


def test_zip(read: Any) -> None:
    """Every file of a .zip is read; folders, dot files and macOS's shadows are passed over."""
    data = zipped(
        ("docs/", b""),
        ("docs/a.md", article("A")),
        ("__MACOSX/docs/._a.md", b"\x00\x05\x16\x07"),
        (".git/config", b"[core]"),
        ("docs/.DS_Store", b"\x00"),
    )
    assert [(item.title, item.member) for item in read(data)] == [("A", "docs/a.md")]


def test_zip_names_in_gbk(read_one: Any) -> None:
    """A member's Chinese name that a Windows archiver wrote in GBK is shown as it was."""
    data = zipped(("AAAA.md", article("A"))).replace(b"AAAA.md", "文章".encode("gbk") + b".md")
    assert read_one(data).member == "文章.md"


def test_bad_members_stand_alone(read: Any) -> None:
    """A bad member is refused by itself, with its name; the others are read."""
    found = read(
        tar(("a.md", article("A")), ("b", bytes(range(256))), ("c", b""), ("d.md", article("D")))
    )
    assert [getattr(item, "title", None) or item.reason for item in found] == [
        "A",
        Reason.NOT_TEXT,
        Reason.EMPTY,
        "D",
    ]
    assert found[1].message.startswith("b: ")
    assert [item.raw for item in found[1:3]] == [None, None], "the archive itself is kept"


def test_links_and_devices_are_refused(read: Any) -> None:
    """No link is followed and no device opened, in a tar or a zip."""
    kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
    found = read(tar(*[special(f"m{number}", kind) for number, kind in enumerate(kinds)]))
    link = zipfile.ZipInfo("link.md")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    found += read(zipped((link, b"/etc/passwd")))
    assert [item.reason for item in found] == [Reason.UNSAFE] * 5


def test_paths_are_labels(read: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute and climbing paths write nothing; they are shown escaped."""
    monkeypatch.chdir(tmp_path)
    names = ["/etc/newsdrop.md", "../../up.md", "a\nb\x1b[2J.md"]
    found = read(tar(*[(name, article("A")) for name in names]))
    assert [item.member for item in found] == ["/etc/newsdrop.md", "../../up.md", r"a\nb\x1b[2J.md"]
    assert list(tmp_path.iterdir()) == []


def test_encrypted_zip_is_refused(read: Any) -> None:
    """An encrypted archive is refused, and its owner learns what to do."""
    data = bytearray(zipped(("a.md", article("A"))))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    with pytest.raises(Rejected, match="encrypted: unpack it") as caught:
        read(bytes(data))
    assert caught.value.reason is Reason.UNREADABLE


@pytest.mark.parametrize("packer", PACKERS)
def test_broken_stream(packer: str, read: Any) -> None:
    """A compressed file that is cut off is refused as broken."""
    data = PACKERS[packer](article("A") * 500)
    assert refused(read, data[: len(data) // 2]) is Reason.BROKEN_ARCHIVE


def test_broken_tar_keeps_what_came_before(read: Any, sites: Any) -> None:
    """Of a cut-off archive the whole members are read before it is refused."""
    data = tar(("a.md", article("A")), ("b.md", article("B") * 500))
    found = []
    with pytest.raises(Rejected) as caught:
        found.extend(iter_read(gzip.compress(data[:2000]), sites))
    assert caught.value.reason is Reason.BROKEN_ARCHIVE
    assert [item.title for item in found] == ["A"]


def iter_read(data: bytes, sites: Any) -> Any:
    from zoneinfo import ZoneInfo

    from worker.formats import ParseContext, parse_document
    from worker.model import Document, Profile
    from worker.settings import Limits

    zone = ZoneInfo("UTC")
    context = ParseContext(Profile("x", zone, zone), sites, Limits())
    return parse_document(Document(data), context)


def test_damaged_zip_member_stands_alone(read: Any) -> None:
    """A zip member whose checksum is wrong is refused by itself."""
    data = zipped(("a.md", article("A")), ("b.md", article("B")))
    name = data.index(b"a.md") + 4
    broken = data[: name + 5] + bytes([data[name + 5] ^ 0xFF]) + data[name + 6 :]
    found = read(broken)
    assert isinstance(found[0], Refusal)
    assert found[0].reason is Reason.BROKEN_ARCHIVE
    assert found[1].title == "B"


def test_broken_zip(read: Any) -> None:
    """A zip without its directory is refused as broken."""
    assert refused(read, zipped(("a.md", article("A")))[:-30]) is Reason.BROKEN_ARCHIVE


@pytest.mark.parametrize("packer", PACKERS)
def test_bomb_is_stopped_early(packer: str, read: Any) -> None:
    """A stream that unpacks to a gigabyte is stopped at the limit on one file."""
    piece = PACKERS[packer](b" " * 16_000_000)
    assert refused(read, piece * 64) is Reason.TOO_LARGE


def test_unpacked_bytes_are_limited_in_all(read: Any) -> None:
    """Members that are each small enough may not be too much together."""
    members = [(f"{number}.md", article("A") + b"x" * 400_000) for number in range(6)]
    for data in (tar(*members), gzip.compress(tar(*members)), zipped(*members)):
        assert len(read(data)) == 6
        assert refused(read, data, archive_mb=2) is Reason.TOO_LARGE


def test_ratio_is_limited(read: Any) -> None:
    """What packs a thousandfold is no text, and stops before the limit on bytes."""
    members = [(f"{number}.md", b" " * 9_000_000) for number in range(20)]
    assert refused(read, gzip.compress(tar(*members))) is Reason.TOO_LARGE


def test_members_are_counted(read: Any) -> None:
    """More members than the limit refuse the rest, folders counted, also within inner archives."""
    members = [(f"{number}.md", article("A")) for number in range(6)]
    for data in (tar(*members), zipped(*members), zipped(("in.tar", tar(*members)))):
        assert refused(read, data, archive_members=5) is Reason.TOO_MANY


def test_one_large_member_stands_alone(read: Any) -> None:
    """A member above the limit on a file is refused by itself."""
    members = [("big.md", article("A") + b"xy" * 700_000), ("a.md", article("A"))]
    for data in (tar(*members), zipped(*members)):
        found = read(data + b"", file_mb=2, archive_mb=2)
        assert len(found) == 2
    small = zipped(*members)
    found = read(small, file_mb=1)
    assert [getattr(item, "reason", None) for item in found] == [Reason.TOO_LARGE, None]


def test_a_megabyte_is_one_in_an_archive_too(read: Any) -> None:
    """A file that would be refused alone (`limits.file_mb`, 1,000,000 bytes each) is so packed."""
    data = article("A") + b"x" * 1_020_000
    (found,) = read(zipped(("a.md", data)), file_mb=1)
    assert found.reason is Reason.TOO_LARGE
    assert refused(read, gzip.compress(data), file_mb=1) is Reason.TOO_LARGE


def test_depth_is_limited(read: Any) -> None:
    """An archive in an archive is read; the third is refused, beside the rest."""
    inner = zipped(("a.md", article("A")))
    (found,) = read(zipped(("in.zip", inner)))
    assert found.member == "in.zip/a.md"
    found = read(zipped(("mid.zip", zipped(("in.zip", inner), ("b.md", article("B"))))))
    assert found[0].reason is Reason.TOO_DEEP
    assert found[1].member == "mid.zip/b.md"
    assert refused(read, gzip.compress(gzip.compress(gzip.compress(b"x")))) is Reason.TOO_DEEP


def test_memory_hungry_streams_are_refused(read: Any) -> None:
    """A stream whose header asks for a window beyond the limit is refused, not obeyed."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 512 * 1024 * 1024}]
    xz = lzma.compress(article("A"), filters=filters)
    parameters = zstandard.ZstdCompressionParameters(window_log=29, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    zst = packer.compress(article("A")) + packer.flush()
    assert refused(read, xz) is Reason.BROKEN_ARCHIVE
    assert refused(read, zst) is Reason.BROKEN_ARCHIVE


@pytest.mark.parametrize("packer", ["xz", "zst"])
def test_streams_one_after_the_other(packer: str, read: Any, read_one: Any) -> None:
    """A file may be packed in many streams, with padding; 200,000 empty ones took 10 s."""
    pack = PACKERS[packer]
    padding = bytes(8_000) if packer == "xz" else b""
    whole = article("One") + b"x" * 10_000
    pieces = [pack(whole[at : at + 1000]) + padding for at in range(0, len(whole), 1000)]
    assert read_one(b"".join(pieces)).title == "One"
    assert refused(read, pack(b"") * 20_000) is Reason.TOO_MANY
