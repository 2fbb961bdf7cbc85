"""Bytes to text: byte-order mark, then what the bytes themselves prove, then what is declared.

Valid UTF-8 with bytes above 127 is UTF-8 whatever is declared: no legacy text of more than a few
characters passes for it by accident. Labels are resolved as browsers do (WHATWG Encoding
Standard, by w3lib: GB2312 and GBK are GB18030, ISO-8859-1 is Windows-1252).
"""

import codecs
import re
from dataclasses import dataclass
from unicodedata import category

from bs4.dammit import EncodingDetector
from charset_normalizer import from_bytes
from w3lib.encoding import resolve_encoding

from worker.errors import Reason, Rejected
from worker.escape import printable


@dataclass(frozen=True, slots=True)
class Text:
    """Decoded text, the codec that read it, and what its owner should know."""

    text: str
    encoding: str
    warnings: tuple[str, ...] = ()


def decode(data: bytes, declared: str | None = None) -> Text:
    """The text of `data`; `declared` is the charset a transport named.

    Raises Rejected (`not_text`) for bytes that are no text in any encoding.
    """
    stripped, marked = EncodingDetector.strip_byte_order_mark(data)
    if marked:
        return _checked(Text(stripped.decode(marked, "replace"), marked), data)
    if b"\x00" in data:
        return _checked(_wide(data), data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _checked(_legacy(data, declared), data)
    if "\x1b" in text and (escaped := _escape_coded(data, declared)):
        return escaped
    return _checked(Text(text, "utf-8"), data)


_CONTROLS = bytes({*range(0x20)} - {*b"\t\n\v\f\r\x1b"})
_MULTIBYTE = ("gb18030", "big5", "big5hkscs", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949")
_DETECTABLE = [
    "gb18030", "big5", "cp932", "euc_jp", "cp949",
    "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256",
]  # fmt: skip
_SAMPLE = 64 * 1024
_DECLARATIONS = 8 * 1024
"""Where a declaration is looked for: HTML asks for it within 1,024 bytes, pages forget that."""


def _checked(found: Text, data: bytes) -> Text:
    """`found`, unless control characters and replacements show that this was no text."""
    sample = found.text[:_SAMPLE]
    if found.encoding.startswith(("utf-16", "utf-32")):
        # Nearly any two bytes are a code point there, though few of them are letters.
        strange = (char for char in sample[:4096] if category(char) in ("Cc", "Cn", "Co"))
        bad = sum(char not in "\t\n\f\r" for char in strange)
    else:  # in bytes: 6 µs for a mirror's file against 18 by a regular expression on its text
        head = data[:_SAMPLE]
        bad = len(head) - len(head.translate(None, _CONTROLS))
    bad += sample.count("\ufffd")
    if bad * 10 > len(sample) or "\x00" in sample:
        raise Rejected(
            Reason.NOT_TEXT,
            f"this is not text (it begins with {printable(data[:16])}): drop articles, feeds, "
            "pages, or archives of them",
        )
    return found


def _wide(data: bytes) -> Text:
    """UTF-16 or UTF-32 without a mark: its ASCII characters have their zeros on one side."""
    sample = data[:_SAMPLE]
    zeros = [sample[offset::4].count(0) for offset in range(4)]
    nearly_all = len(sample) // 4 * 9 // 10
    if nearly_all and min(zeros[2:]) >= nearly_all:
        codec = "utf-32-le"
    elif nearly_all and min(zeros[:2]) >= nearly_all:
        codec = "utf-32-be"
    else:
        high_first, low_first = zeros[0] + zeros[2], zeros[1] + zeros[3]
        if min(high_first, low_first) * 4 > max(high_first, low_first):
            return Text("\x00", "binary")
        codec = "utf-16-le" if low_first > high_first else "utf-16-be"
    return Text(data.decode(codec, "replace"), codec)


def _escape_coded(data: bytes, declared: str | None) -> Text | None:
    """ISO-2022-JP: ASCII bytes that are Japanese by escape sequences; read only where declared."""
    for label in _labels(data, declared):
        if label.startswith("iso2022"):
            try:
                return Text(data.decode(label), label)
            except UnicodeDecodeError:
                return None
    return None


def _legacy(data: bytes, declared: str | None) -> Text:
    """Bytes that are not UTF-8: declared labels that fit, else detected, else the nearest."""
    damaged = _damaged_utf8(data)
    if damaged:
        return damaged
    labels = _labels(data, declared)
    for label in labels:
        text = _strict(data, label)
        if text is None:
            continue
        # The one label that servers send without having looked.
        if label == "cp1252" and (better := _detected(data)) and better.encoding in _MULTIBYTE:
            return better
        return Text(text, label)
    named = f" (declared: {', '.join(labels)})" if labels else ""
    found = _detected(data)
    if found:
        told = (f"read as {found.encoding}{named}",) if labels else ()
        return Text(found.text, found.encoding, told)
    for label in (*labels, "gb18030"):
        text = data.decode(label, "replace")
        if text.count("\ufffd") * 100 <= len(text):
            return Text(text, label, (f"some bytes are not {label} and were replaced",))
    raise Rejected(
        Reason.NOT_TEXT,
        f"the bytes fit no character encoding{named}: save the file as UTF-8",
    )


def _damaged_utf8(data: bytes) -> Text | None:
    """UTF-8 with a few broken bytes (a cut file): nearly all sequences are whole."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", text)))
    if broken * 20 > whole:
        return None
    return Text(text, "utf-8", ("some bytes are not UTF-8 and were replaced",))


def _labels(data: bytes, declared: str | None) -> list[str]:
    """Codec names of what transport, XML declaration and meta element say, in this order."""
    inside = EncodingDetector.find_declared_encoding(data[:_DECLARATIONS], is_html=True)
    codecs_named: list[str] = []
    for label in (declared, inside):
        name = resolve_encoding(label) if label else None
        if name and name not in codecs_named and name not in ("utf-8", "utf8", "ascii"):
            codecs_named.append(name)
    return codecs_named


# Python has codecs that unpack (`zip`, `bz2`), and others that no page is written in.
_NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}


def _strict(data: bytes, label: str) -> str | None:
    try:
        codec = codecs.lookup(label)
        if not codec._is_text_encoding or codec.name.replace("-", "_") in _NO_CHARSETS:
            return None
        return codec.decode(data, "strict")[0]
    except (UnicodeError, LookupError):
        return None


def _detected(data: bytes) -> Text | None:
    matches = list(from_bytes(data[:_SAMPLE], cp_isolation=_DETECTABLE))
    if not matches:
        return None
    # A few Chinese words alone look as good in Korean or Japanese encodings, French in Polish
    # ones; where nothing tells them apart these are the likeliest, by what the project reads.
    best = (matches[0].chaos, -matches[0].coherence)
    ties = [found.encoding for found in matches if (found.chaos, -found.coherence) <= best]
    for codec in sorted(ties, key=lambda codec: (codec != "gb18030", codec != "cp1252")):
        if (text := _strict(data, codec)) is not None:
            return Text(text, codec)
    return None
