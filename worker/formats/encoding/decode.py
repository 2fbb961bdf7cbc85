"""Bytes to text: by byte-order mark, then by the bytes themselves, then by declaration.

Valid UTF-8 with bytes above 127 is UTF-8 whatever is declared: legacy text of more than a few
characters is never valid UTF-8 by accident. A declaration that the letters contradict
(:func:`~worker.formats.encoding.detect.is_wrong`) is not believed. Labels are resolved as browsers
do (WHATWG Encoding Standard, by w3lib: GB2312 and GBK are GB18030, ISO-8859-1 is Windows-1252).
"""

import re
from contextlib import suppress
from dataclasses import replace
from unicodedata import category

from bs4.dammit import EncodingDetector

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.encoding.alphabets import by_letters, is_common
from worker.formats.encoding.detect import SAMPLE, best_codec, is_wrong, lines_beyond_ascii
from worker.formats.encoding.escape_sequences import read_escapes
from worker.formats.encoding.labels import declared_codecs, decode_strictly
from worker.formats.encoding.wide import utf16_codec, wide_codec
from worker.model.frozen import dataclass
from worker.model.warning import RecordWarning, WarningKind, warn


@dataclass(frozen=True, slots=True)
class DecodedText:
    """Decoded text, its codec, and warnings for the record."""

    text: str
    encoding: str
    warnings: tuple[RecordWarning, ...] = ()


def decode(data: bytes, declared: str | None = None, *, begin: bytes = b"") -> DecodedText:
    """The text of `data`; `declared` is the charset a transport named, `begin` the first bytes of
    the file for the refusal, if not those of `data`.

    Raises Rejected (`not_text`) for bytes that are not text in any encoding.
    """
    if data[:1] in _MARKS:
        stripped, codec = EncodingDetector.strip_byte_order_mark(data)
        if codec:
            return _checked(DecodedText(stripped.decode(codec, "replace"), codec), data, begin)
    if b"\x00" in data:
        utf8 = data.replace(b"\x00", b"")
        is_wide = (len(data) - len(utf8) - 1) * 200 > len(data) or decode_strictly(
            utf8, "utf-8"
        ) is None
        if is_wide:
            codec = wide_codec(data[:SAMPLE])
            text = data.decode(codec, "replace") if codec else "\0"
            return _checked(DecodedText(text, codec), data, begin)
        # A program left a few zeros.
        return replace(decode(utf8, begin=data[:16]), warnings=(_replaced("UTF-8"),))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _checked(_legacy(data, declared), data, begin)
    if text.isascii():
        special = _with_escapes(data)
    else:
        special = _encoded_twice(text) if _may_be_twice(data) else None
    return special or _checked(DecodedText(text, "utf-8"), data, begin)


def is_plain_utf8(data: bytes) -> bool:
    """Whether :func:`decode` returns `data`, if it is UTF-8, unchanged and without a warning."""
    head = data[: 3 * SAMPLE]  # of as many characters
    has_controls = len(head.translate(None, _CONTROLS)) != len(head)
    is_damaged = has_controls or b"\0" in data or b"\xef\xbf\xbd" in head
    return not (is_damaged or data.isascii() or _may_be_twice(data))


_MARKS = (b"\xef", b"\xfe", b"\xff", b"\x00")
"""First bytes of the byte-order marks."""
_LOOKED_AT = 4096
"""Bytes of which each one is examined for control characters."""
_CONTROLS = bytes({*range(0x20)} - {*b"\t\n\v\f\r\x1b"})


def _checked(decoded: DecodedText, data: bytes, begin: bytes) -> DecodedText:
    """`decoded`. Raises Rejected where control characters and replacements show it is no text."""
    sample = decoded.text[:SAMPLE]
    if decoded.encoding.startswith(("utf-16", "utf-32")):
        # Nearly any two bytes are a code point there, but few of them are letters.
        strange = (char for char in sample[:4096] if category(char) in ("Cc", "Cn", "Co"))
        bad = sum(char not in "\t\n\f\r" for char in strange)
    else:  # on bytes: a third of a regular expression on text; each 13th tells enough
        step = 13 if len(data) > _LOOKED_AT else 1
        head = data[:SAMPLE:step]
        bad = (len(head) - len(head.translate(None, _CONTROLS))) * step
    bad += sample.count("\ufffd") if "\ufffd" in sample else 0  # to count takes ten times as long
    # On bytes first: a zero is half of no other character there, and is found 15 times as fast.
    if bad * 10 > len(sample) or (b"\x00" in data and "\x00" in sample):
        data = begin or data[:16]
        raise Rejected(
            Reason.NOT_TEXT,
            f"this is not text (it begins with {printable(data)}): drop articles, feeds, pages, or "
            "archives of them",
        )
    return decoded


def _with_escapes(data: bytes) -> DecodedText | None:
    found = read_escapes(data)
    return _lossy(*found) if found else None


def _encoded_twice(text: str) -> DecodedText | None:
    """UTF-8 that a database took for Windows-1252, or another program for Latin-1."""
    with suppress(UnicodeError):
        once = text.translate(_WINDOWS).encode("latin-1").decode("utf-8")
        warning = warn(WarningKind.ENCODING, "read as UTF-8 that was encoded twice")
        return DecodedText(once, "utf-8", (warning,))
    return None


def _may_be_twice(data: bytes) -> bool:
    return b"\xc3" in data and _TWICE.search(data) is not None


_WINDOWS = {
    ord(char): byte
    for byte in range(0x80, 0xA0)
    if (char := bytes((byte,)).decode("cp1252", "ignore"))
}
_TWICE = re.compile(rb"\xc3[\x82-\xb4][\xc2\xc5-\xe2]")
"""A character from U+00C2 to U+00F4 before one that Latin-1 or Windows-1252 has: the two bytes of
one character, encoded again."""


def _legacy(data: bytes, declared: str | None) -> DecodedText:
    """Bytes that are not UTF-8: a declared codec that fits, else detected, else the nearest."""
    labels = declared_codecs(data, declared)
    if damaged := _damaged_utf8(data, is_declared=not _UTF8.isdisjoint(labels)):
        return damaged
    labels = [label for label in labels if label not in _UTF8]
    for label in labels:
        text = decode_strictly(data, label)
        if text is not None and not is_wrong(label, data):
            return DecodedText(text, label)
    declaration = f" (declared: {', '.join(labels)})" if labels else ""
    if detected := _detected(data):
        text = f"read as {detected.encoding}{declaration}"
        is_default = labels in ([], ["cp1252"])  # servers send it without knowing the encoding
        return replace(detected, warnings=() if is_default else (warn(WarningKind.ENCODING, text),))
    for label in dict.fromkeys((*labels, best_codec(data), "gb18030", "cp932")):
        text = data.decode(label, "replace") if label else "\ufffd"
        if text.count("\ufffd") * 100 <= len(text):
            return _lossy(text, label)
    raise Rejected(
        Reason.NOT_TEXT, f"the bytes fit no character encoding{declaration}: save the file as UTF-8"
    )


def _damaged_utf8(data: bytes, *, is_declared: bool) -> DecodedText | None:
    """UTF-8 with a few broken bytes (a truncated text): nearly all sequences are whole; or few, but
    more than legacy text has by chance."""
    text = data.decode("utf-8", "replace")
    valid = "".join(re.findall(r"[^\x00-\x7f\ufffd]+", text))
    if text.count("\ufffd") * 4 > len(valid):  # in legacy text three are whole, at most
        broken = sum((len(run) + 2) // 3 for run in re.findall("\ufffd+", text))
        # Those of three bytes are rarer there, a dash or quotation mark (`â€™`) is never there.
        weight = len(valid) + sum(map("\u07ff".__lt__, valid)) + 2 * data.count(b"\xe2\x80")
        is_less = broken * (2 if is_declared else 4) > weight
        if is_less or by_letters(lines_beyond_ascii(data)):
            return None
    return DecodedText(text, "utf-8", (_replaced("UTF-8"),))


_UTF8 = frozenset(("utf-8", "utf8"))


def _lossy(text: str, codec: str) -> DecodedText:
    return DecodedText(text, codec, (_replaced(codec),) if "\ufffd" in text else ())


def _replaced(label: str) -> RecordWarning:
    return warn(WarningKind.BAD_BYTES, f"some bytes are not {label} and were replaced")


def _detected(data: bytes) -> DecodedText | None:
    if wide := utf16_codec(data[:SAMPLE]):  # without a character of ASCII
        text = data.decode(wide, "replace")
        if is_common(text) and not by_letters(lines_beyond_ascii(data)):
            return DecodedText(text, wide)
    codec = best_codec(data)
    strict = decode_strictly(data, codec) if codec else None
    return None if strict is None else DecodedText(strict, codec)
