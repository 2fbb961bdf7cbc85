"""Which of several readings of the same bytes is a language: by the letters that it uses.

Scripts that are not Latin show themselves by their commonest letters. A wrong reading in a related
Latin encoding (ISO-8859-2 for Windows-1250, Mac for IBM) gives letters too, but never only those of
one language. The alphabets are the letters beyond ASCII of CLDR's `exemplarCharacters`.
"""

import re
from codecs import getincrementaldecoder
from collections import Counter
from functools import cache

_ALPHABETS = {
    "fr": "àâçéèêëîïôœùûü", "de": "äöüß", "es": "áéíñóúü", "pt": "áâãàçéêíóôõú",
    "it": "àèéìîòóù", "nl": "áäéëíïóöúü", "sv": "åäöé", "da": "æøåé", "is": "áðéíóúýþæö",
    "ga": "áéíóú", "ca": "àçéèíïóòúü·", "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž",
    "sk": "áäčďéíĺľňóôŕšťúýž", "hu": "áéíóöőúüű", "hr": "čćđšž", "sl": "čšž", "ro": "ăâîșțşţ",
    "sq": "çë", "tr": "çğıİöşüâîû", "lt": "ąčęėįšųūž", "lv": "āčēģīķļņšūž", "et": "äöüõšž",
    "mt": "ċġħż", "eo": "ĉĝĥĵŝŭ", "cy": "âêîôûŵŷ",
    "vi": "àáãăâđèéêìíĩòóõôơùúũưýảạấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"
    "\u0300\u0301\u0303\u0309\u0323",
}  # fmt: skip
_ALL = range(0xA1, 0xFF)
_AREAS = {
    "cp949": ((0xA1, *range(0xB0, 0xC9)), _ALL),
    "gb18030": ((0xA1, 0xA3, *range(0xB0, 0xD8)), _ALL),
    "euc_jp": ((0xA1, 0xA4, 0xA5, *range(0xB0, 0xD0)), _ALL),
    "big5": ((0xA1, *range(0xA4, 0xC7)), range(0x40, 0xFF)),
    "cp932": ((0x81, 0x82, 0x83, *range(0x88, 0x98)), range(0x40, 0xFD)),
}
"""First and second bytes of the common characters, kana and punctuation of an encoding."""
_COMMONEST = {
    codec: frozenset(letters)
    for letters, codecs in (
        ("оеаинтсрвлкмдпіяу", "cp1251 koi8_r koi8_u iso8859_5 cp866 cp855 mac_cyrillic"),
        ("αοιετσνρηκπυςμάίόέή", "cp1253 iso8859_7 mac_greek"),
        ("יוהלאתמרבשנ", "cp1255"),
        ("اليمنوترهبةعد", "cp1256 iso8859_6"),
        ("านรอกเงมยลวดทสตคปห่้ีัิ็ืะไ", "cp874"),
    )
    for codec in codecs.split()
}
_ENOUGH = 1_000  # bytes
_WIDE = re.compile("[\u2e80-\uff5f]")
_RUN = re.compile(r"[^\x00-\x7f]{2,}")
_WORD = re.compile(r"(?<![A-Za-z\x80-\U0010ffff])[^\x00-\x7f]++(?![A-Za-z])")


def by_letters(data: bytes) -> str | None:
    """The encoding in which most of `data` is common characters of East Asia, or the commonest
    letters of a script that is not Latin; None for Latin text, and where none is sure."""
    shares = {codec: _common_share(data[:_ENOUGH], codec) for codec in (*_AREAS, *_COMMONEST)}
    best = max(shares, key=shares.__getitem__)
    return best if shares[best] > 0.5 else None


def _common_share(data: bytes, codec: str) -> float:
    """The part of the characters beyond ASCII in `data`; a few letters may be common by chance."""
    try:  # what was cut may end within a character
        text = getincrementaldecoder(codec)().decode(data, len(data) < _ENOUGH)
    except UnicodeDecodeError:
        return 0.0
    count = 1.0 + sum(map("\x7f".__lt__, text))
    if codec in _AREAS:
        counted, common, count = "".join(_RUN.findall(text)), _area(codec), count / 0.9 - 1
    else:  # capitals begin words
        counted = "".join(word[0].lower() + word[1:] for word in _WORD.findall(text))
        common = _COMMONEST[codec]
    return sum(map(common.__contains__, counted)) / count


@cache
def _area(codec: str) -> frozenset[str]:
    leads, trails = _AREAS[codec]
    pairs = (bytes((lead, trail)) for lead in leads for trail in trails)
    return frozenset(_WIDE.findall("".join(pair.decode(codec, "ignore") for pair in pairs)))


_SETS = tuple(frozenset(letters + letters.upper()) for letters in _ALPHABETS.values())
_MARKS = frozenset("«»„“”‘’‚–—…€£§°·№¿¡\u00a0\u00ad®©™•")
_QUOTES = re.compile(r"(?<!\w)[“‘„«](?=\w)|(?<=[\w.,!?])[”’»](?!\w)")
"""Quotation marks at the edges of words, where no other reading has letters by chance."""
_MISPLACED = re.compile(
    r"(?<=[^\W\d_])[^\w\s\x00-\x7f’‘·\xad](?=[^\W\d_])|[®©™](?=[a-z])|(?<=[a-z])[^\W\d_a-zA-Z]"
)
"""Marks within words (`d‚cid‚`, `p‰‰tti`) or before them (`®upan`); letters after small ones."""
_CLOSE = 0.01  # a difference below it is left to the order of the readings


def share_of_language(text: str) -> float:
    """The share of the characters beyond ASCII in `text` that one language explains, up to 1; below
    zero where no language has them in such places."""
    counts = Counter(text)
    beyond = {char: count for char, count in counts.items() if char > "\x7f"}
    total = sum(beyond.values())
    if not total:
        return 1.0
    quotes = len(_QUOTES.findall(text))
    marks = sum(count for char, count in beyond.items() if char in _MARKS) - quotes
    letters = max(sum(beyond.get(char, 0) for char in letters) for letters in _SETS)
    return (letters + quotes + min(marks, total // 3) - _misplaced_count(text)) / total


def _misplaced_count(text: str) -> int:
    """How many marks or capitals (`ByrŚdet`) are where words have small letters."""
    marks = _MISPLACED.findall(text)
    return sum(char.isupper() or not char.isalpha() for char in marks)


def most_like_language(readings: list[tuple[str, str]]) -> str | None:
    """The name of the best of `readings` (name, text); of nearly equal ones the first."""
    best_name, best = None, -1.0
    for name, text in readings:
        share = share_of_language(text)
        if share > best + _CLOSE:
            best_name, best = name, share
    return best_name


def is_latin(text: str) -> bool:
    """Whether most letters of `text` beyond ASCII are Latin: below U+0300 (a wrong reading has `ˆ`,
    a letter of its own), and U+1E00 to U+1EFF. A text without such letters is Latin, too."""
    letters = [char for char in text if char > "\x7f" and char.isalpha()]
    latin = sum(char < "\u0300" or "\u1e00" <= char <= "\u1eff" for char in letters)
    return latin * 2 >= len(letters)
