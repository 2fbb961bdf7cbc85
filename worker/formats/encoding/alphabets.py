"""The encoding of letters that are not Latin, by the commonest characters of their scripts."""

import re
from codecs import getincrementaldecoder
from functools import cache

_ALL = range(0xA1, 0xFF)
_AREAS = {
    "cp949": ((0xA1, *range(0xB0, 0xC9)), _ALL),
    "gb18030": ((0xA1, 0xA3, *range(0xB0, 0xD8)), _ALL),
    "euc_jp": ((0xA1, 0xA4, 0xA5, *range(0xB0, 0xD0)), _ALL),
    "big5hkscs": ((0xA1, *range(0xA4, 0xC7)), range(0x40, 0xFF)),
    "cp932": ((0x81, 0x82, 0x83, *range(0x88, 0x98)), range(0x40, 0xFD)),
}
"""First and second bytes of the common characters, kana and punctuation of an encoding."""
_COMMONEST = {
    codec: frozenset(letters)
    for letters, codecs in (
        ("оеаинтсрвлкмдпіяу", "cp1251 koi8_r koi8_u iso8859_5 cp866 cp855 mac_cyrillic"),
        ("αοιετσνρηκπυςμάίόέή", "cp1253 iso8859_7 mac_greek"),
        ("יוהלאתמרבשנםדעח", "cp1255"),
        ("اليمنوترهبةعد", "cp1256 iso8859_6"),
        ("านรอกเงมยลวดทสตคปห่้ีัิ็ืะไ", "cp874"),
    )
    for codec in codecs.split()
}
CODECS = (*_AREAS, *_COMMONEST)
_ENOUGH = 1_000  # bytes
_WIDE = re.compile("[\u2e80-\uff5f]")
_RUN = re.compile(  # not within a word of Latin letters
    r"(?<![a-z\x80-\U0010ffff])[^\x00-\x7f]{2,}+|(?<![\x80-\U0010ffff])[^\x00-\x7f]{2,}+(?![a-z])"
)
_LATIN = "A-Za-zªº\xc0-\u02af\u1e00-\u1eff"
_MIXED = re.compile(rf"([{_LATIN}])?((?:(?![{_LATIN}])[^\W\d_]|[\ue000-\uf8ff])++)([{_LATIN}])?")
_ONE_ALPHABET = re.compile(
    rf"(?<![^\W\d_])(?:[{_LATIN}]++|[\u0370-\u03ff\u1f00-\u1fff]++|[\u0400-\u04ff]++)(?![^\W\d_])"
)
_USUAL = re.compile("[\u3041-\u30ff]|(?![^\\W_])[\x80-\u20ff]")  # kana and marks
_WORD = re.compile(r"(?<![A-Za-z\x80-\U0010ffff])[^\x00-\x7f]{2,}+(?![A-Za-z])")


def by_letters(data: bytes) -> str:
    """The encoding in which most of `data` is common characters of East Asia, or the commonest
    letters of a script that is not Latin; empty for Latin text, and where none is sure."""
    shares = {codec: common_share(data, codec) for codec in CODECS}
    best = max(shares, key=shares.__getitem__)
    return best if shares[best] > 0.5 else ""


def common_share(data: bytes, codec: str) -> float:
    """The part of the characters beyond ASCII in `data` that are common ones, for a codec of
    CODECS; a few letters may be common by chance."""
    try:  # what was cut may end within a character
        text = getincrementaldecoder(codec)().decode(data[:_ENOUGH], len(data) < _ENOUGH)
    except UnicodeDecodeError:
        return 0.0
    count = 1.0 + sum(map("\x7f".__lt__, text))
    if codec in _AREAS:
        counted, common, count = "".join(_RUN.findall(text)), _area(codec), count / 0.9 - 1
    else:  # capitals begin words
        words = _WORD.findall(text)
        counted = "".join(word[0].lower() + word[1:] for word in words)
        common = _COMMONEST[codec]
        capitals = "".join(filter(str.isupper, words))
        if len(capitals) * 2 > len(counted):
            counted, count = "".join(words).lower(), count / 0.8
    # Capitals of other readings are signs, or letters of Macedonian (`–ены`, `ѓород`).
    usual = sum("А" <= char <= "я" for char in text) / 1_000_000
    return (sum(map(common.__contains__, counted)) + usual) / count


def is_mixed(text: str, longest: int = 1) -> bool:
    """Whether most runs of letters that are not Latin in `text` are within Latin words (`ba雝ak`),
    or beside them and not longer than `longest` (`cafй`, but `SMSка`)."""
    runs = _MIXED.findall(text[:_ENOUGH])
    mixed = sum(all(run) or (any(run[::2]) and len(run[1]) <= longest) for run in runs)
    return mixed * 2 > len(runs)


def is_coherent(text: str, codec: str) -> bool:
    """Whether `text`, in a codec of East Asia, is words of one alphabet each, common characters,
    kana and marks. A bracket that is not closed (`メ〖ル`) and private characters are of a wrong
    reading."""
    if codec not in _AREAS:
        return False
    text = _ONE_ALPHABET.sub("", text[:_ENOUGH])
    beyond = [char for char in text if char > "\x7f"]
    common = sum(char in _area(codec) or bool(_USUAL.match(char)) for char in beyond)
    strange = sum(map(text.count, "〖﹝")) - sum(map(text.count, "〗﹞"))
    strange = abs(strange) + sum("\ue000" <= char <= "\uf8ff" for char in beyond)
    return (common - 10 * strange) * 2 >= len(beyond)


def is_common(text: str) -> bool:
    """Whether `text` is of East Asia, in characters of newspapers: of random ones a third are."""
    common = sum(any(char in _area(codec) for codec in _AREAS) for char in text[:_ENOUGH])
    return common > 3 and common * 5 > len(text[:_ENOUGH]) * 4


@cache
def _area(codec: str) -> frozenset[str]:
    leads, trails = _AREAS[codec]
    pairs = (bytes((lead, trail)) for lead in leads for trail in trails)
    return frozenset(_WIDE.findall("".join(pair.decode(codec, "ignore") for pair in pairs)))


def is_latin(text: str) -> bool:
    """Whether most letters of `text` beyond ASCII are Latin: below U+0300 (a wrong reading has `ˆ`,
    a letter of its own), and U+1E00 to U+1EFF. A text without such letters is Latin, too."""
    letters = [char for char in text if char > "\x7f" and char.isalpha()]
    latin = sum(char < "\u0300" or "\u1e00" <= char <= "\u1eff" for char in letters)
    return latin * 2 >= len(letters)
