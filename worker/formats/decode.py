"""Bytes to text: by byte-order mark, then by the bytes themselves, then by declaration.

Valid UTF-8 with bytes above 127 is UTF-8 whatever is declared: legacy text of more than a few
characters is never valid UTF-8 by accident. A declaration that the letters contradict
(:func:`worker.formats.detect.is_wrong`) is not believed. Labels are resolved as browsers do (WHATWG
Encoding Standard, by w3lib: GB2312 and GBK are GB18030, ISO-8859-1 is Windows-1252).
"""

import codecs
import re
from contextlib import suppress
from dataclasses import replace
from unicodedata import category

from bs4.dammit import EncodingDetector
from w3lib.encoding import resolve_encoding

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.alphabets import by_letters, is_common
from worker.formats.detect import SAMPLE, best_codec, is_wrong, lines_beyond_ascii
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
        is_wide = (len(data) - len(utf8) - 1) * 200 > len(data) or _strict(utf8, "utf-8") is None
        if is_wide:
            return _checked(_wide(data), data, begin)
        # A program left a few zeros.
        return replace(decode(utf8, begin=data[:16]), warnings=(_replaced("UTF-8"),))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _checked(_legacy(data, declared), data, begin)
    special = _escape_coded(data) if text.isascii() else _encoded_twice(data, text)
    return special or _checked(DecodedText(text, "utf-8"), data, begin)


_WINDOWS = {
    ord(char): byte
    for byte in range(0x80, 0xA0)
    if (char := bytes((byte,)).decode("cp1252", "ignore"))
}
_TWICE = re.compile(rb"\xc3[\x82-\xb4][\xc2\xc5-\xe2]")
"""A character from U+00C2 to U+00F4 before one that Latin-1 or Windows-1252 has: the two bytes of
one character, encoded again."""


def is_plain_utf8(data: bytes) -> bool:
    """Whether :func:`decode` returns `data`, if it is UTF-8, unchanged and without a warning."""
    head = data[: 3 * SAMPLE]  # of as many characters
    has_controls = len(head.translate(None, _CONTROLS)) != len(head)
    is_damaged = has_controls or b"\0" in data or b"\xef\xbf\xbd" in head
    return not (is_damaged or data.isascii() or (b"\xc3" in data and _TWICE.search(data)))


_MARKS = (b"\xef", b"\xfe", b"\xff", b"\x00")
"""First bytes of the byte-order marks."""
_LOOKED_AT = 4096
"""Bytes of which each one is examined for control characters."""
_CONTROLS = bytes({*range(0x20)} - {*b"\t\n\v\f\r\x1b"})
# A detected encoding → the one with more characters that is written under its name.
_SUPERSETS = {
    "iso8859_1": "cp1252", "iso8859_9": "cp1254", "iso8859_11": "cp874", "tis_620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "euc_kr": "cp949",
    "shift_jis": "cp932", "shift_jis_2004": "cp932", "euc_jis_2004": "euc_jp",
}  # fmt: skip
_DECLARATIONS = 8 * 1024
"""Bytes searched for a declaration: HTML requires it in the first 1,024, pages ignore that."""


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


def _wide(data: bytes) -> DecodedText:
    """UTF-16 or UTF-32 without a mark, by the side of the zeros in ASCII characters."""
    sample = data[:SAMPLE]
    zeros = [sample[offset::4].count(0) for offset in range(4)]
    nearly_all = len(sample) // 4 * 9 // 10
    if nearly_all and min(zeros[2:]) >= nearly_all:
        codec = "utf-32-le"
    elif nearly_all and min(zeros[:2]) >= nearly_all:
        codec = "utf-32-be"
    else:
        codec = _byte_order(sample, zeros[0] + zeros[2], zeros[1] + zeros[3])
        if not codec:
            return DecodedText("\x00", "binary")
    return DecodedText(data.decode(codec, "replace"), codec)


def _byte_order(sample: bytes, high_first: int, low_first: int) -> str:
    """The UTF-16 codec of `sample`; empty if it is none. Chinese has no zeros but in line breaks
    and in 一 (U+4E00): there the order counts in which nearly all characters are East Asian."""
    if min(high_first, low_first) * 4 <= max(high_first, low_first):
        by_zeros = "utf-16-le" if low_first > high_first else "utf-16-be"
        if max(high_first, low_first) * 20 > len(sample):
            return by_zeros
    shares = {
        codec: len(_EAST_ASIAN.findall(text)) / max(1, len(text))
        for codec in ("utf-16-le", "utf-16-be")
        if (text := sample[:4096].decode(codec, "replace"))
    }
    best = max(shares, key=shares.__getitem__, default="")
    return best if best and shares[best] > 0.9 else ""


_EAST_ASIAN = re.compile(
    r"[\s!-~\u2010-\u2026\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e]"
)


def _escape_coded(data: bytes) -> DecodedText | None:
    """ISO-2022, HZ or UTF-7: East Asian or other text in ASCII bytes with escape sequences."""
    codecs = [
        *(_ISO_2022 if b"\x1b" in data else ()),
        *(["hz"] if b"~" in data and _is_hz(data) else ()),
        *(["utf_7"] if b"+" in data and _is_utf_7(data) else ()),
    ]
    for codec in codecs:
        text = _strict(data, codec)
        if text is not None and not text.isascii() and (codec != "utf_7" or _is_script(text)):
            return DecodedText(text, codec)
    for codec in codecs:  # a truncated file
        text = data.decode(codec, "replace")
        if not text.isascii() and text.count("\ufffd") * 20 < len(text) and codec != "utf_7":
            return DecodedText(text, codec, (_replaced(codec),))
    return None


_ISO_2022 = ("iso2022_jp", "iso2022_kr")


def _is_hz(data: bytes) -> bool:
    """Whether one of the first tildes begins Chinese; the first is followed by little else. A
    search for both bytes takes ten times as long."""
    first = data.find(b"~") + 1
    if data[first : first + 1] not in (b"{", b"~", b"\n"):
        return False
    return any(part.startswith(b"{") for part in data[first - 1 :].split(b"~", 20)[1:])


def _is_utf_7(data: bytes) -> bool:
    """Whether the first plus signs shift to letters, as `+BBM-` does. In other text the first or
    one after it does not; one or two that seem to are telephone numbers."""
    first = data.find(b"+")
    if not _SHIFT.match(data, first):
        return False
    try:
        text, _ = codecs.utf_7_decode(data[first : first + 512], "strict", False)
    except UnicodeDecodeError:
        return False
    shifts = sum(part[:3].isalnum() for part in data[first:].split(b"+", 20)[1:])
    return shifts > 2 and _is_script(text)


_SHIFT = re.compile(rb"\+(?:-|[A-Za-z0-9+/]{3})")


def _is_script(text: str) -> bool:
    """Whether the characters beyond ASCII are letters of few blocks: what only looks like UTF-7
    gives characters of all of them."""
    beyond = [char for char in text if char > "\x7f"]
    letters = [char for char in beyond if char.isalpha()]
    blocks = {ord(char) >> 8 for char in letters}
    return len(letters) * 10 > len(beyond) * 8 and (len(blocks) <= 2 or min(blocks) >= 0x4E)


def _encoded_twice(data: bytes, text: str) -> DecodedText | None:
    """UTF-8 that a database took for Windows-1252, or another program for Latin-1."""
    if b"\xc3" in data and _TWICE.search(data):
        with suppress(UnicodeError):
            once = text.translate(_WINDOWS).encode("latin-1").decode("utf-8")
            warning = warn(WarningKind.ENCODING, "read as UTF-8 that was encoded twice")
            return DecodedText(once, "utf-8", (warning,))
    return None


def _legacy(data: bytes, declared: str | None) -> DecodedText:
    """Bytes that are not UTF-8: a declared codec that fits, else detected, else the nearest."""
    labels = _labels(data, declared)
    if damaged := _damaged_utf8(data, is_declared=not _UTF8.isdisjoint(labels)):
        return damaged
    labels = [label for label in labels if label not in _UTF8]
    for label in labels:
        text = _strict(data, label)
        if text is None:
            continue
        if is_wrong(label, data) and (better := _detected(data)):
            warning = warn(WarningKind.ENCODING, f"read as {better.encoding} (declared: {label})")
            return replace(better, warnings=() if label == "cp1252" else (warning,))
        return DecodedText(text, label)
    declaration = f" (declared: {', '.join(labels)})" if labels else ""
    if detected := _detected(data):
        text = f"read as {detected.encoding}{declaration}"
        warnings = (warn(WarningKind.ENCODING, text),) if labels else ()
        return replace(detected, warnings=warnings)
    for label in dict.fromkeys((*labels, best_codec(data), "gb18030", "cp932")):
        if not label:
            continue
        text = data.decode(label, "replace")
        if text.count("\ufffd") * 100 <= len(text):
            return DecodedText(text, label, (_replaced(label),))
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


def _replaced(label: str) -> RecordWarning:
    return warn(WarningKind.BAD_BYTES, f"some bytes are not {label} and were replaced")


def _labels(data: bytes, declared: str | None) -> list[str]:
    """The codecs that transport, XML declaration and meta element declare, in this order."""
    inside = EncodingDetector.find_declared_encoding(data[:_DECLARATIONS], is_html=True)
    names: list[str] = []
    for label in (declared, inside):
        name = resolve_encoding(label.lower().removeprefix("x-")) if label else None
        if name and name not in names and name != "ascii" and _has_ascii(name):
            names.append(name)
    return names


def _has_ascii(label: str) -> bool:
    """Whether markup in this encoding is bytes of ASCII. UTF-16 has zeros there: without them it is
    a wrong declaration, and as in browsers none (two letters were one Chinese character)."""
    return _strict(b"<p></p>\n", label) == "<p></p>\n"


# Python has codecs that unpack (`zip`, `bz2`), and others that are no charsets.
_NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}


def _strict(data: bytes, label: str) -> str | None:
    try:
        codec = codecs.lookup(label)
        if not codec._is_text_encoding or codec.name.replace("-", "_") in _NO_CHARSETS:
            return None
        return codec.decode(data, "strict")[0]
    except (UnicodeError, LookupError):
        return None


def _detected(data: bytes) -> DecodedText | None:
    if wide := _byte_order(data[:SAMPLE], 0, 0):  # UTF-16 without a character of ASCII
        text = data.decode(wide, "replace")
        if is_common(text) and not by_letters(lines_beyond_ascii(data)):
            return DecodedText(text, wide)
    detected = best_codec(data)
    for codec in (_SUPERSETS.get(detected, detected), detected):
        if codec and (strict := _strict(data, codec)) is not None:
            return DecodedText(strict, codec)
    return None
