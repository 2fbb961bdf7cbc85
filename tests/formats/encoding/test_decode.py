"""The bytes decide on their encoding before any declaration."""

import random
import zlib
from typing import Any

import pytest

from worker.errors import Reason, Rejected
from worker.formats.encoding.decode import decode

CHINESE = "港口的夜班从晚上十点开始，三位吊机手轮流值守。今天的风很大，船只能在锚地等候。"
TRADITIONAL = "港口的夜班從晚上十點開始，三位吊機手輪流值守。今天的風很大，船隻只能在錨地等候。"
FRENCH = "Le port a été fermé à cause de la tempête ; les navires attendent dehors, près de l'île."
RUSSIAN = "Порт закрыт из-за шторма, суда ждут на рейде, и никто не знает, когда он откроется."


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (CHINESE, "utf-8"),
        (CHINESE, "gb18030"),
        (TRADITIONAL, "big5"),
        (FRENCH, "cp1252"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        ("# 短文", "gb18030"),
        ("# ﾃｽﾄ ﾍﾟｰｼﾞ\n\nﾊﾝｶｸｶﾅ ﾉ ﾃｽﾄ ﾃﾞｽ。ｸﾚｰﾝ ﾊ ｷﾀ ﾍ ｳﾂｻﾚﾏｼﾀ。", "cp932"),
    ],
)
def test_undeclared_text_is_detected(text: str, codec: str) -> None:
    """Without a declaration the language of the bytes tells their encoding."""
    assert decode(text.encode(codec)).text == text


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_wide_text_with_and_without_mark(codec: str, mark: str) -> None:
    """UTF-16 and UTF-32 are read in either byte order, with a byte-order mark or without."""
    text = f"---\ntitle: {CHINESE}\n---\n{CHINESE}\n"
    assert decode((mark + text).encode(codec)).text == text


def test_utf8_mark_is_dropped() -> None:
    """A UTF-8 byte-order mark is no part of the text."""
    assert decode(b"\xef\xbb\xbfabc").text == "abc"


@pytest.mark.parametrize("label", ["gb2312", "GBK", "gb18030", "x-gbk"])
def test_gb2312_is_read_as_gb18030(label: str) -> None:
    """Characters beyond GB2312 come out whole under each of its names."""
    text = "朱镕基、㐀、€：" + CHINESE
    assert decode(text.encode("gb18030"), label).text == text


@pytest.mark.parametrize("label", ["gb2312", "big5", "iso-8859-1", "windows-1252", "utf-16"])
def test_valid_utf8_wins_over_a_wrong_declaration(label: str) -> None:
    """UTF-8 declared as anything else makes no mojibake."""
    assert decode(CHINESE.encode(), label).text == CHINESE


@pytest.mark.parametrize("label", ["utf-8", "iso-8859-1", "us-ascii", "no-such-charset", None])
def test_gb18030_wins_over_a_wrong_declaration(label: str | None) -> None:
    """GB18030 declared as UTF-8, as Latin-1 (a server's default) or as nonsense is still read."""
    assert decode((CHINESE * 3).encode("gb18030"), label).text == CHINESE * 3


@pytest.mark.parametrize(
    "head", ['<?xml version="1.0" encoding="big5"?>', '<html><head><meta charset="big5">']
)
def test_declared_inside(head: str) -> None:
    """What the XML declaration or the meta element says is believed where the bytes fit."""
    assert decode((head + "港").encode("big5")).text == head + "港"


def test_transport_goes_before_the_document() -> None:
    """Where both fit, the transport's charset counts, as in browsers."""
    data = b'<meta charset="koi8-r">' + RUSSIAN.encode("cp1251")
    assert RUSSIAN in decode(data, "windows-1251").text


def test_utf8_with_a_broken_byte_or_encoded_twice() -> None:
    """One wrong byte spoils no short text, and UTF-8 that was taken for Windows-1252 is undone."""
    for text in ("été à côté", "央行宣布下调利率和准备金", "Новости сегодня"):
        broken = decode(text[:2].encode() + b"\xff" + text[2:].encode())
        assert broken.text == f"{text[:2]}\ufffd{text[2:]}"
        for codec in ("cp1252", "latin-1"):
            twice = decode("".join(as_one(byte, codec) for byte in text.encode()).encode())
            assert (twice.text, len(twice.warnings)) == (text, 1)
    assert decode("Ã la carte, 20 Â°".encode()).text == "Ã la carte, 20 Â°"


@pytest.mark.parametrize(
    ("cut", "rest"),
    [(b"A description\xe2\x80", "it\u2019s one"), (b"caf\xc3", "café olé"),
     (b"\xed\xa0\x80", "a — b"), (b"x \xe4\xb8", "中国新")],
)  # fmt: skip
def test_few_letters_beside_a_cut_one_are_utf8_where_it_is_declared(cut: bytes, rest: str) -> None:
    """A description that a program cut within a character, and half a pair of surrogates, cost a
    page in English no quotation mark: `itâ€™s`."""
    page = b'<meta charset="utf-8"><meta name="description" content="%s"><p>%s</p>'
    assert f"<p>{rest}</p>" in decode(page % (cut, rest.encode())).text
    latin = b'<meta charset="utf-8"><p>caf\xe9 \xe0 la carte</p>'  # a wrong declaration
    assert "<p>café à la carte</p>" in decode(latin).text


@pytest.mark.parametrize("label", ["utf-16", "utf-16le", "utf-32", "cp037"])
def test_a_declared_encoding_without_ascii_is_none(label: str) -> None:
    """Markup in ASCII that says it is UTF-16, as some programs write it, is not read as that."""
    for text in ("Un café à la carte", "Un café à la carte."):
        page = f'<?xml version="1.0" encoding="{label}"?><p>{text}</p>'
        assert decode(page.encode("cp1252")).text == page
        assert decode(text.encode("cp1252"), label).text == text


def as_one(byte: int, codec: str) -> str:
    try:
        return bytes((byte,)).decode(codec)
    except UnicodeDecodeError:  # as databases have it
        return chr(byte)


def test_cut_utf8_is_read_with_a_warning() -> None:
    """A file cut within a character loses that one, and says so."""
    found = decode((CHINESE * 2).encode()[:-1])
    assert found.text == (CHINESE * 2)[:-1] + "\ufffd"
    assert found.warnings


def test_iso_2022_jp_where_declared() -> None:
    """Japanese by escape sequences is read where it is declared."""
    assert decode("港の夜".encode("iso2022_jp"), "iso-2022-jp").text == "港の夜"


@pytest.mark.parametrize("width", [8, 14, 100])
@pytest.mark.parametrize("length", [2_000, 40_000])
def test_a_tenth_may_be_control_characters(width: int, length: int) -> None:
    """Records with a quarter of them are binary, also in a long document, of which only some bytes
    are looked at; a twentieth of them is text."""
    record = b"a" * (width - width // 4) + b"\x01" * (width // 4)
    with pytest.raises(Rejected, match="not text"):
        decode(record * (length // width))
    assert decode((b"\x01" + b"a" * 19) * (length // 20)).encoding == "utf-8"


@pytest.mark.parametrize(
    "data",
    [
        bytes(1000),
        bytes(range(256)) * 40,
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(999),
        b"%PDF-1.4\n" + random.Random(1).randbytes(4000),
        b"\x7fELF\x02\x01\x01" + bytes(64),
        random.Random(2).randbytes(5000),
        b"\x00\x01\x02",
    ],
    ids=["zeros", "all bytes", "png", "pdf", "elf", "random", "few"],
)
def test_binary_is_not_text(data: bytes, read: Any) -> None:
    """Bytes that are no text in any encoding are refused as such, whatever they are."""
    with pytest.raises(Rejected) as refused:
        decode(data)
    assert refused.value.reason is Reason.NOT_TEXT
    assert "\x00" not in str(refused.value)
    shown = "\\x00" in str(refused.value)
    assert shown == (0 in data[:16])


@pytest.mark.parametrize("label", ["zip", "zlib", "bz2", "hex", "rot13", "undefined", "idna", "uu"])
def test_codecs_that_are_no_charsets_are_not_used(label: str) -> None:
    """Python unpacks and rewrites by the same name as it decodes: no charset is called so."""
    packed = zlib.compress("标题".encode() * 1000)
    for data in (packed, "一个标题，一段正文。".encode()):
        try:
            assert label not in decode(data, label).encoding
        except Rejected:
            assert data is packed
