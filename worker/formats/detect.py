"""The encoding of bytes that declare none or a wrong one, by the letters of each reading."""

import codecs
import re

from charset_normalizer import from_bytes

from worker.formats import alphabets, latin
from worker.formats.alphabets import by_letters, common_share, is_glued, is_latin, is_mixed

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

_SAME = {
    "big5hkscs": "big5", "euc_kr": "cp949", "shift_jis": "cp932", "gbk": "gb18030",
    "gb2312": "gb18030", "iso8859_1": "cp1252", "iso8859_9": "cp1254", "iso8859_8": "cp1255",
    "tis_620": "cp874", "koi8_u": "koi8_r",
}  # fmt: skip
_ENOUGH, _ENOUGH_HIGH = 1_000, 12


def best_codec(data: bytes) -> str:
    """The name of a codec; empty for bytes that are no text."""
    sample = lines_beyond_ascii(data)
    return by_letters(sample) or _other_codec(sample)


def is_wrong(declared: str, data: bytes) -> bool:
    """Whether `data` is surely not in the codec `declared`: it has another script's commonest
    letters, or is in Latin letters that `declared` turns into others."""
    name = codecs.lookup(declared).name.replace("-", "_")
    codec, sample = _SAME.get(name, name), lines_beyond_ascii(data)
    if codec in alphabets.CODECS and common_share(sample[:_ENOUGH], codec) > 0.5:
        return False
    text = sample.decode(declared, "replace")
    share = latin.share_of_language(text, codec) if codec in latin.CODECS else 0.0
    is_short = len(_HIGH.findall(sample[:_ENOUGH])) < _ENOUGH_HIGH
    is_default = codec == "cp1252"  # servers send it without knowing the encoding
    is_known = codec in alphabets.CODECS or codec in latin.CODECS
    if latin.is_punctuated(text) or share > 0.9 or not is_known or (is_short and not is_default):
        return False
    if best := by_letters(sample):
        return _SAME.get(best, best) != codec
    if codec in alphabets.CODECS:
        return is_mixed(text)
    best = latin_codec(sample)
    best_share = latin.share_of_language(sample.decode(best), best) if best else 0.0
    return best_share > max(share + 0.3, 0.9) and not is_short


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
    if best is None or not (is_latin(str(best)) or is_glued(str(best))):
        return best.encoding if best else ""
    return codec


def latin_codec(sample: bytes) -> str:
    """The encoding of Latin letters in which `sample` is most like a language, or empty."""
    readings = ((codec, _strict(sample, codec)) for codec in latin.CODECS)
    return latin.best_reading((codec, text) for codec, text in readings if text is not None) or ""


def _strict(sample: bytes, name: str) -> str | None:
    try:
        return sample.decode(name)
    except UnicodeDecodeError:
        return None


_HIGH = re.compile(rb"[\x80-\xff]")
