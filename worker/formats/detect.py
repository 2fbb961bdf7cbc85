"""The encoding of bytes that declare none or a wrong one, by the letters of each reading."""

import re

from charset_normalizer import from_bytes

from worker.formats.alphabets import by_letters, is_latin, most_like_language

SAMPLE = 64 * 1024
"""Maximum bytes or characters that are examined."""

# The likelier first, where readings are equal.
_DETECTABLE = [
    *("gb18030", "big5", "big5hkscs", "cp932", "euc_jp", "cp949", "johab"),
    *("cp1252", "cp1251", "cp1250", "cp1254", "cp1257", "koi8_r", "koi8_u", "cp1253", "cp1255"),
    *("cp1256", "cp1258", "cp874", "iso8859_2", "iso8859_15", "iso8859_5", "iso8859_7"),
    *("iso8859_6", "iso8859_13", "iso8859_4", "iso8859_16", "cp866", "cp855", "cp850", "cp852"),
    *("cp437", "cp775", "mac_roman", "mac_cyrillic", "mac_latin2", "mac_greek", "mac_turkish"),
]


def best_codec(data: bytes) -> str:
    """The name of a codec; empty for bytes that are no text."""
    sample = lines_beyond_ascii(data)
    return by_letters(sample) or _other_codec(sample)


def lines_beyond_ascii(data: bytes) -> bytes:
    """Lines beyond ASCII: markup and the times of subtitles mislead the detector."""
    first = _HIGH.search(data)
    high = first.start() if first else 0
    start, end = max(0, high - 500), high + SAMPLE // 4
    if end < len(data):  # not within a character: none ends in one of these
        boundary = max(data.rfind(mark, high, end) for mark in (b"\n", b" ", b"<"))
        end = boundary if boundary > high else end
    lines = data[start:end].splitlines()
    return b"\n".join(line for line in lines if not line.isascii())


def _other_codec(sample: bytes) -> str:
    matches = list(from_bytes(sample, cp_isolation=_DETECTABLE))
    if not matches or not is_latin(str(matches[0])):
        return matches[0].encoding if matches else ""
    names = [match.encoding for match in matches[:_READINGS] if is_latin(str(match))]
    if "cp1258" not in names:
        names.append("cp1254")  # given up by the detector where cp1252 has as many letters
    names.sort(key=_DETECTABLE.index)
    readings = [(name, sample.decode(name, "replace")) for name in names]
    return most_like_language(readings) or ""


_HIGH = re.compile(rb"[\x80-\xff]")


_READINGS = 14
"""Candidates of the detector whose letters are compared: the right one was among them in all but
the shortest of 1,470 documents, but the first in only 83 %."""
