"""Which of several readings of the same bytes is a language in Latin letters.

A wrong reading gives letters, too, but seldom only those of one language: each reading is compared
with the languages that are written in its encoding, by their letters beyond ASCII (CLDR's
`exemplarCharacters`), the letters of ASCII that their own words lack, and their commonest words.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Language:
    letters: frozenset[str]
    foreign: frozenset[str]
    words: frozenset[str]


# Letters beyond ASCII | letters that only foreign words have | words of most sentences
_WESTERN = """
éèêïñç | | the of and to a in is that for it on was with as his he be at by this
àâçéèêëîïôœùûü | kw | le la les de des du et en un une est que qui dans pour sur par au ce il plus
äöüß | | der die das und in den von zu mit ist ein eine im für auf des dem nicht auch sich
áéíñóúü | kw | el la los las de del que a y en un una se por con para es al lo su más como
áâãàçéêíóôõú | kwy | a o e os as de do da dos em um uma que para com por não se no na mais ao
àèéìîòóù | jkwxy | il la le e a di del della che in un una per con non si da sono al più nel
éëïöèü | | de het een van en in is dat op te voor met zijn niet aan er
åäöé | qw | och att det som en på är av för med den till inte har om ett
åäö | qwx | ja on ei että se oli kun mutta myös ovat hän sen joka ole
æøåé | qwx | og at det som en på er af for med den til ikke har om et
áðéíóúýþæö | cqwz | og að er sem það við um til en var ekki
áéíóú | jkqvwxyz | agus an na ar is le sa go bhí
àçéèíïóòúü· | kw | el la els les de del que en un una per amb és no al
ëç | w | dhe në për me një nga që ka si është
äöüõšž | cqwxy | ja on ei et oma see kui ka ta oli mis ning
"""
_CENTRAL = """
ąćęłńóśźż | qvx | i w na do że się nie to jest od po za przez który oraz
áčďéěíňóřšťúůýž | qwx | a v na se je že do za pro ve který byl jako od by
áäčďéíĺľňóôŕšťúýž | qwx | a v na sa je že do za pre vo ktorý bol ako od by
áéíóöőúüű | qwx | a az és hogy nem egy is meg van volt ez csak már
čćđšž | qwxy | i u je na da se za od su koji koja kao će bi
čšž | qwxy | in v je na da se za od so ki kot bo pa
ăâîșțşţ | kqwy | a și şi de la în din cu pe nu un care mai este pentru să că
"""
_TURKISH = """
çğıİöşü | qwx | ve bir bu da de için ile olarak daha çok olan gibi kadar
çêîşû | | û ku li ji bi di de ye jî ev bo ew na her
"""
_BALTIC = """
ąčęėįšųūž | qwx | ir į iš kad su yra tai kaip bet buvo per
āčēģīķļņšūž | qwxy | un ir ka no uz par ar kas arī bet lai pie pēc
äöüõšž | cqwxy | ja on ei et oma see kui ka ta oli mis ning
"""
_VIETNAMESE = (
    "àáãăâđèéêìíĩòóõôơùúũưýảạấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"
    "\u0300\u0301\u0303\u0309\u0323"
    " | fjwz | và của là có cho các được trong một không người với hai ra khi qua"
)


def _languages(rows: str) -> Iterator[_Language]:
    for row in rows.strip().splitlines():
        letters, foreign, words = row.split("|")
        yield _Language(
            frozenset(letters.strip() + letters.strip().upper()),
            frozenset(foreign.strip()),
            frozenset(words.split()),
        )


_GROUPS = {
    codec: languages
    for languages, codecs in (
        ([*_languages(_WESTERN)], "cp1252 iso8859_15 cp850 cp437 mac_roman"),
        ([*_languages(_CENTRAL)], "cp1250 iso8859_2 iso8859_16 cp852 mac_latin2"),
        ([*_languages(_TURKISH)], "cp1254 mac_turkish"),
        ([*_languages(_BALTIC)], "cp1257 iso8859_13 iso8859_4 cp775"),
        ([*_languages(_VIETNAMESE)], "cp1258"),
    )
    for codec in codecs.split()
}
CODECS = (
    *("cp1252", "cp1250", "cp1254", "cp1257", "cp1258", "iso8859_2", "iso8859_15", "iso8859_13"),
    *("iso8859_4", "iso8859_16", "cp850", "cp852", "cp437", "cp775", "mac_roman", "mac_latin2"),
    "mac_turkish",
)
"""The encodings of Latin letters; the likelier first, where readings are equal."""

_MARKS = frozenset("«»„“”‘’‚–—…€£§°·№¿¡\u00a0\u00ad®©™•")
_SIGNS = re.compile(
    r"(?<!\w)[“‘„«](?=\w)|(?<=[\w.,!?])[”’»](?!\w)|(?<=\w)’(?=(?:s|t|re|ve|ll|d|m)\b)"
    r"|(?<=\w)´(?=[st]\b)|(?<!\w)«(?=\s\w)|(?<=[\w.,!?]\s)»(?!\w)|(?<=\d\s)µ(?=[gmlsAFVW]\b)"
    r"|(?<!\w)[£€¥§©±](?=\s?\d)|(?:(?<=\d)|(?<=\d\s))[°€£¥¢¤‰²³ªº](?!\w)|(?<=\d\s)°(?=[CF]\b)"
    r"|(?<=[cm])[²³](?!\w)|(?<=n)[°º](?=\s?\d)|(?<=[a-z])[®™…](?!\w)|(?<!\w)[¿¡](?=\w)"
    r"|(?<![^\s>])[–—•·×÷©®™§¶¤](?![^\s<])|(?<![^\W\d_])[½¼¾](?![^\W\d_])"
)
"""Quotation marks at the edges of words, and signs beside the numbers, blanks and words that they
belong to, where no other reading has letters by chance."""
_MISPLACED = re.compile(
    r"(?<=[^\W\d_])[^\w\s\x00-\x7f’‘·\xad\u0300-\u036f](?=[^\W\d_])|[®©™](?=[a-z])"
    r"|(?<=[a-z])(?!(?<=[cm])[²³](?!\w)|(?<=n)º(?=\s?\d))[^\W\d_a-zA-Z]"
)
"""Marks within words (`d‚cid‚`, `p‰‰tti`) or before them (`®upan`); letters after small ones."""
_IN_WORD = re.compile(
    r"(?<=[^\W\d_])(?!—\w|’(?:[stdm]|re|ll|ve)\b)[^\x00-\x7f]+(?=[^\W\d_])"
    r"|[®©™](?=[a-z])|(?<=\w)—(?!\w)"
)
"""Marks between letters (`t””tab`) but `it’s` and `here—there`, before them (`©ibenik`), and a dash
at a word's end alone (`aprob—`)."""
_WORD = re.compile(r"(?<![\d£€])[^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*")
_CLOSE = 0.03  # a difference below it is left to the order of the readings
_LONGEST = 2_000  # characters: more say no more


def best_reading(readings: Iterable[tuple[str, str]]) -> str | None:
    """The codec of the best of `readings` (codec, text); of nearly equal ones the first."""
    best_name, best = None, -1.0
    for name, text in readings:
        share = share_of_language(text, name)
        if share > best + _CLOSE:
            best_name, best = name, share
    return best_name


def share_of_language(text: str, codec: str) -> float:
    """The share of the characters beyond ASCII in `text` that one of the languages of `codec`
    explains, up to 1, and up to a third more for its words; below zero where no language has them
    in such places."""
    text, languages = text[:_LONGEST], _GROUPS[codec]
    total = sum(map("\x7f".__lt__, text))
    if not total:
        return 1.0
    if ("«" in text) != ("»" in text):  # `premáva» autobusy`
        text = text.replace("»", "¤").replace("«", "¤")
    rest, signs = _SIGNS.subn("", text)
    marks = sum(map(_MARKS.__contains__, rest))
    words = Counter(_WORD.findall(text.lower()))
    beyond = [(word, count) for word, count in words.items() if not word.isascii()]
    letters = max(
        _letter_count(beyond, language) + total * _common_share(words, language)
        for language in languages
    )
    return (letters + signs + min(marks, total // 3) - _misplaced_count(text)) / total


def is_punctuated(text: str) -> bool:
    """Whether `text` is ASCII but for marks where English has them."""
    return _MARKS.issuperset(char for char in text if char > "\x7f") and not _IN_WORD.search(text)


def _letter_count(words: list[tuple[str, int]], language: _Language) -> float:
    return sum(
        # Few languages have a word of one letter that is not of ASCII.
        count * sum(map(language.letters.__contains__, word)) / (1 + (len(word) == 1))
        for word, count in words
        if language.foreign.isdisjoint(word)
    )


def _common_share(words: Counter[str], language: _Language) -> float:
    return sum(words[word] for word in language.words) / (3 * words.total() + 1)


def _misplaced_count(text: str) -> int:
    """How many marks or capitals (`ByrŚdet`) are where words have small letters."""
    marks = _MISPLACED.findall(text)
    return sum(char.isupper() or not char.isalpha() for char in marks)
