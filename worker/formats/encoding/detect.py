"""The encoding of bytes that declare none or a wrong one, by the letters of each reading."""

import codecs
import re

from charset_normalizer import from_bytes

from worker.formats.encoding import alphabets, latin
from worker.formats.encoding.alphabets import by_letters, common_share, is_latin, is_mixed
from worker.formats.encoding.labels import decode_strictly

SAMPLE = 64 * 1024
"""Maximum bytes or characters that are examined."""

# The likelier first, where readings are equal.
_DETECTABLE = [
    *("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "johab"),
    *("cp1252", "cp1251", "cp1250", "cp1254", "cp1257", "koi8_r", "koi8_u", "cp1253", "cp1255"),
    *("cp1256", "cp1258", "cp874", "iso8859_2", "iso8859_15", "iso8859_5", "iso8859_7"),
    *("iso8859_6", "iso8859_13", "iso8859_4", "iso8859_16", "cp866", "cp855", "cp850", "cp852"),
    *("cp437", "cp775", "mac_roman", "mac_cyrillic", "mac_latin2", "mac_greek", "mac_turkish"),
]

_SAME = {"iso8859_8": "cp1255", "koi8_u": "koi8_r"}
_ENOUGH = 1_000


def best_codec(data: bytes) -> str:
    """The name of a codec; empty for bytes that are no text."""
    sample = lines_beyond_ascii(data)
    return by_letters(sample) or _other_codec(sample)


def is_wrong(declared: str, data: bytes) -> bool:
    """Whether `data` is surely not in the codec `declared`: its words mix Latin and other letters
    there, or another reading is likelier, the more so the shorter the text is."""
    name = codecs.lookup(declared).name.replace("-", "_")
    codec, sample = _SAME.get(name, name), lines_beyond_ascii(data)
    text, best_share = sample.decode(declared, "replace"), 0.0
    count, is_default = _letter_count(text), codec == "cp1252"  # servers send it by default
    if codec in latin.CODECS:
        share = latin.share_of_language(text, codec)
        if share > 0.9 or latin.is_punctuated(text):
            return False
    elif codec not in alphabets.CODECS or alphabets.is_coherent(text, codec):
        return False
    elif is_mixed(text):
        return True
    else:
        share = common_share(sample, codec)
    if best := by_letters(sample):
        best_share = common_share(sample, best) + is_default
    elif codec in latin.CODECS and (is_default or count >= 12) and (best := latin_codec(sample)):
        best_share = latin.share_of_language(sample.decode(best), best)
        best_share = best_share if best_share > 0.9 else 0.0
    gain = best_share - share
    return _SAME.get(best, best) != codec and (gain > 1 or (gain - 0.1) * count > 2.4)


def _letter_count(text: str) -> int:
    """How many characters beyond ASCII different words have: pages repeat their titles."""
    return sum(not char.isascii() for word in {*_WORD.findall(text[:_ENOUGH])} for char in word)


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
    if latin.is_punctuated(sample.decode("cp1252", "replace")):
        return "cp1252"
    codec = latin_codec(sample)
    if codec and latin.share_of_language(sample.decode(codec), codec) > 0.9:
        return codec
    best = from_bytes(sample, cp_isolation=_DETECTABLE).best()
    if best is None or not (is_latin(str(best)) or is_mixed(str(best), _ENOUGH)):
        return best.encoding if best else ""
    return codec


def latin_codec(sample: bytes) -> str:
    """The encoding of Latin letters in which `sample` is most like a language, or empty."""
    readings = ((codec, decode_strictly(sample, codec)) for codec in latin.CODECS)
    return latin.best_reading((codec, text) for codec, text in readings if text is not None) or ""


_HIGH = re.compile(rb"[\x80-\xff]")
_WORD = re.compile("[A-Za-z\x80-\U0010ffff]+")
