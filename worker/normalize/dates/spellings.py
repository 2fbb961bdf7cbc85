"""Dates in other scripts and spellings, rewritten as the search reads them: digits, month names,
halves of the day, times with a dot, Buddhist years, the Solar Hijri calendar of Iran.

Sources: CLDR's month names and day periods. The Thai calendar counts 543 years more. Of 33 years of
the Solar Hijri calendar 8 are leap years, as observed from 1799 to 2256.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from worker.normalize.dates.words import OTHER_MONTHS, ZONES

_HALVES = {
    "am": "π.μ. πμ öö ص صباحا صباحًا ق.ظ ਪੂ.ਦੁ sa sáng पूर्वाह्न পূর্বাহ্ন",
    "pm": "μ.μ. μμ ös م مساء مساءً ب.ظ ਬਾ.ਦੁ ch chiều tối अपराह्न অপরাহ্ন",
}
"""Behind a time of day, where a bare hour would be wrong by twelve."""
_HALF_OF = {name: half for half, names in _HALVES.items() for name in names.split()}


def _initials(zone: re.Match[str]) -> str:
    """`central european time` → `cet`, where that is a zone."""
    initials = "".join(word[0] for word in zone[0].split())
    return initials if initials in ZONES else zone[0]


_SOLAR_MONTH_NAMES = """
فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند
حمل ثور جوزا سرطان اسد سنبله میزان عقرب قوس جدی دلو حوت
"""
_SOLAR_MONTHS = {
    name: number
    for row in _SOLAR_MONTH_NAMES.strip().splitlines()
    for number, name in enumerate(row.split(), 1)
}


def _any_of(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_MONTH = re.compile(rf"(?<!\w)ב?({_any_of(OTHER_MONTHS)})[॰׳]?(?!\w)")
_HALF = re.compile(rf"(?<=[0-9]{{2}})\s?({_any_of(_HALF_OF)})(?!\w)")
_SOLAR = re.compile(
    rf"(?<!\w)(?P<d>[0-9]{{1,2}})\s(?P<name>{_any_of(_SOLAR_MONTHS)})(?:\sماه)?[،,]?\s"
    r"(?P<y>1[34][0-9]{2})(?![0-9])"
)
# In digits alone only where they are Persian: Arabia's lunar years look the same.
_SOLAR_NUMBERS = re.compile(
    r"(?<![0-9])(?P<y>1[34][0-9]{2})\s?[-/]\s?(?P<m>[0-9]{1,2})\s?[-/]\s?(?P<d>[0-9]{1,2})(?![0-9])"
)
_PERSIAN_DIGIT = re.compile(r"[۰-۹]")
_ARABIC_LETTERS = str.maketrans("يك", "یک")
_THAI = re.compile(r"[\u0e01-\u0e2e]")
_BUDDHIST = re.compile(r"(?<![0-9])(2[456][0-9]{2})(?![0-9:])")
_SHORT_YEAR = re.compile(r"([0-9]\s[a-z]{3}\s)([0-9]{2})(?![0-9:.])")
_ISO_DAY = r"\b([0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})"
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # XML Schema's date: its zone is no time of day
        (r"\A([0-9]{4}-[0-9]{2}-[0-9]{2})[+-][0-9]{2}:[0-9]{2}\Z", r"\1"),
        (_ISO_DAY + r"t([0-9]{2})([0-9]{2})(?![0-9])", r"\1t\2:\3"),
        (_ISO_DAY + r"[t_-]([0-9]{2})[.-]([0-9]{2})[.-]([0-9]{2})(?![0-9])", r"\1t\2:\3:\4"),
        (r"(?<=[0-9])zz\b", "z"),
        (r"\b([0-9]{4}):([0-9]{2}):([0-9]{2})(?=\s[0-9]{2}:)", r"\1-\2-\3"),  # of cameras
        # 09.05.06 is a time after a date: Danish, Finnish, Indonesian, Oracle's
        (
            r"(?:(?<=[0-9]{4}[\s,])|(?<=-[0-9]{2}\s))\s?"
            r"([01]?[0-9]|2[0-3])\.([0-5][0-9])\.([0-5][0-9])"
            r"(?:\.[0-9]+)?(?![0-9.])",
            r" \1:\2:\3",
        ),
        (r"([0-9]{1,2})\s?h\s?([0-9]{2})\s?min(?:\s?([0-9]{2})\s?s\b)?", r"\1:\2:\3"),
        # The names of months that mean another one in Croatia, which has a full stop after years
        (r"(?<=[0-9]\.\s)lis(?:topada)?\.?(?=\s[0-9]{4}\.)", "oct"),
        (r"(?<=[0-9]\.\s)lip\.?(?=\s[0-9]{4}\.)", "jun"),
        (r"(?<=[0-9]\.\s)srp\.?(?=\s[0-9]{4}\.)", "jul"),
        (r"\b(?:china standard|beijing) time\b", "bjt"),
        (r"\b(?![ap]m\b)(?:[a-z]+\s){1,3}time\b", _initials),
        (r"\A/date\(([0-9]+)(?:[+-][0-9]{4})?\)/\Z", r"\1"),  # of .NET
        # 8:5:4, of programs that join numbers
        (r"(?<=[0-9]:)([0-9])(?=:[0-9])", r"0\1"),
        (r"(?<=[0-9]:[0-9]{2}:)([0-9])(?![0-9:])", r"0\1"),
        (r"\b([0-9]{1,2})\s([0-9]{1,2})[月월],?\s([0-9]{4})(?![0-9年])", r"\1.\2.\3"),
        (_ISO_DAY + r"[t_-]([0-9]{2})([0-9]{2})([0-9]{2})(?![0-9])", r"\1t\2:\3:\4"),
        # 20.26 is a time where a word says so; else it may be a number
        (
            r"(?<![0-9.])([0-9]{1,2})\.([0-9]{2})"
            r"(?=\s?(?:[ap]\.?\s?m|uhr|uur|hrs|gmt|utc|bst|wib|wita|wit)\b|\sน\.)",
            r"\1:\2",
        ),
        (
            r"(?<!\w)(?:kl\.?|klo|kell|ore|alle|om|um|pukul|jam)\s([0-9]{1,2})\.([0-9]{2})(?![0-9.])",
            r"\1:\2",
        ),
        (r"([0-9]{1,2})\s?[时時点點]半", r"\1:30"),
        (r"(?<=\b12:00)\snoon\b", " pm"),
        (r"(?<=[0-9])\s?(?:uhr|uur)\b", ""),
        (
            r"(?<=[0-9m.])\s([ecmp])(?:astern|entral|ountain|acific)"
            r"(?=\s(?:standard|daylight|time)\b|\s?\Z)",
            r" \1t",
        ),
        (r"(?:,|\s)\s?(?:năm|[พค]\.ศ\.)\s?(?=[0-9])", " "),
        (r"\b([0-9]{1,2})[\s-](?:tháng|thg|th)\s?([0-9]{1,2}),?[\s-]([0-9]{4})", r"\1.\2.\3"),
        (
            r"([0-9]{4})\sоны\s([0-9]{1,2})(?:-?р|\sд[уү]гээ?р|\sдугаар)?\sсарын\s([0-9]{1,2})(?:-[\w]{1,3})?",
            r"\1-\2-\3",
        ),
        # The year first: Latvian, Azeri, Kazakh, Georgian; before the month: Lithuanian, Basque
        (
            r"([0-9]{4})(?:\.\sgada|-c[iıuü]\sil|\sж(?:\.|ылғы|ылы)|\sწლის),?"
            r"\s([0-9]{1,2}\.?\s\w+)",
            r"\2 \1",
        ),
        (r"([0-9]{4})(?:\sm\.|ko)(?=\s\w)", r"\1"),
    )
)


def respell(text: str) -> str:
    """`text`, which is in NFKC and lower case, in the spelling of :mod:`~.search`."""
    if not text.isascii():
        text = _in_latin(text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _BUDDHIST.sub(lambda match: str(int(match[1]) - 543), text)


def _in_latin(text: str) -> str:
    is_thai, is_persian = bool(_THAI.search(text)), bool(_PERSIAN_DIGIT.search(text))
    if not text.isdecimal():
        text = "".join(str(unicodedata.decimal(char, char)) for char in text)
    solar = _SOLAR.search(text.translate(_ARABIC_LETTERS))
    if solar := solar or (_SOLAR_NUMBERS.search(text) if is_persian else None):
        text = f"{text[: solar.start()]}{_gregorian(solar.groupdict())}{text[solar.end() :]}"
    text = _MONTH.sub(lambda match: OTHER_MONTHS[match[1]], text.replace("мск", "msk"))
    text = _HALF.sub(lambda match: f" {_HALF_OF[match[1]]}", text)
    return _SHORT_YEAR.sub(r"\g<1>25\2", text) if is_thai else text


def _gregorian(part: dict[str, str]) -> date:
    """A day of the Solar Hijri calendar. Raises ValueError for one that it does not have."""
    year, day = int(part["y"]), int(part["d"])
    month = _SOLAR_MONTHS[part["name"]] if "name" in part else int(part["m"])
    ordinal = _new_year(year) + 31 * (month - 1) - max(0, month - 7) + day - 1
    is_in_month = 1 <= month <= 12 and 1 <= day <= (31 if month < 7 else 30)
    if not is_in_month or ordinal >= _new_year(year + 1):
        raise ValueError("a day that no month has")
    return date.fromordinal(ordinal)


def _new_year(year: int) -> int:
    """The proleptic Gregorian ordinal of 1 Farvardin."""
    return 226_895 + 365 * (year - 1) + (8 * year + 21) // 33
