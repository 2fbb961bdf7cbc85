"""Which of several Latin readings of the same bytes is a language: by the letters that it uses.

A wrong reading in a related encoding (ISO-8859-2 for Windows-1250, Mac for IBM) gives letters too,
but never only those of one language. The alphabets are the letters beyond ASCII of CLDR's
`exemplarCharacters`.
"""

import re
from collections import Counter

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
_SETS = tuple(frozenset(letters + letters.upper()) for letters in _ALPHABETS.values())
_MARKS = frozenset("«»„“”‘’‚–—…€£§°·№¿¡\u00a0\u00ad®©™•")
_QUOTES = re.compile(r"(?<!\w)[“‘„«](?=\w)|(?<=[\w.,!?])[”’»](?!\w)")
"""Quotation marks at the edges of words, where no other reading has letters by chance."""
_MISPLACED = re.compile(
    r"(?<=[^\W\d_])[^\w\s\x00-\x7f’‘·\xad](?=[^\W\d_])|[®©™](?=[a-z])|(?<=[a-z])[^\W\d_a-zA-Z]"
)
"""Marks within words (`d‚cid‚`, `p‰‰tti`) or before them (`®upan`); letters behind small ones."""
_CLOSE = 0.01  # a difference below it is left to the order of the readings


def share_of_language(text: str) -> float:
    """The share of the characters beyond ASCII in `text` that one language explains, up to 1; below
    zero where they stand where no language has them."""
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
    """How many marks or capitals (`ByrŚdet`) stand where words have small letters."""
    found = _MISPLACED.findall(text)
    return sum(char.isupper() or not char.isalpha() for char in found)


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
