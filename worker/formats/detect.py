"""The encoding of bytes that declare none or a wrong one, by the letters of each reading."""

import re

from charset_normalizer import from_bytes

from worker.formats.alphabets import by_letters, is_glued, is_latin
from worker.formats.latin import CODECS, best_reading

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
    best = from_bytes(sample, cp_isolation=_DETECTABLE).best()
    if best is None or not (is_latin(str(best)) or is_glued(str(best))):
        return best.encoding if best else ""
    readings = ((codec, _strict(sample, codec)) for codec in CODECS)
    return best_reading((codec, text) for codec, text in readings if text is not None) or ""


def _strict(sample: bytes, name: str) -> str | None:
    try:
        return sample.decode(name)
    except UnicodeDecodeError:
        return None


_HIGH = re.compile(rb"[\x80-\xff]")
