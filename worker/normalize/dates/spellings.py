"""Dates in other scripts and spellings, rewritten as the search reads them: digits, month names,
halves of the day, times with a dot, Buddhist years.

Sources: CLDR's month names and day periods. The Thai calendar counts 543 years more.
"""

import re
import unicodedata

_MONTH_NAMES = """
يناير كانون_الثاني جانفي ژانویه ינואר जनवरी জানুয়ারি มกราคม ม.ค. tháng_một tháng_giêng
فبراير شباط فيفري فوریه פברואר फ़रवरी फरवरी ফেব্রুয়ারি กุมภาพันธ์ ก.พ. tháng_hai
مارس آذار מרץ מרס मार्च মার্চ มีนาคม มี.ค. tháng_ba
أبريل إبريل ابريل نيسان أفريل آوریل אפריל अप्रैल এপ্রিল เมษายน เม.ย. tháng_tư
مايو أيار ماي מאי मई মে พฤษภาคม พ.ค. tháng_năm
يونيو يونية حزيران جوان ژوئن יוני जून জুন มิถุนายน มิ.ย. tháng_sáu
يوليو يوليوز تموز جويلية ژوئیه יולי जुलाई জুলাই กรกฎาคม ก.ค. tháng_bảy
أغسطس اغسطس آب غشت أوت אוגוסט अगस्त আগস্ট สิงหาคม ส.ค. tháng_tám
سبتمبر أيلول شتنبر سپتامبر ספטמבר सितंबर सितम्बर সেপ্টেম্বর กันยายน ก.ย. tháng_chín
أكتوبر اكتوبر تشرين_الأول اکتبر אוקטובר अक्टूबर अक्तूबर অক্টোবর ตุลาคม ต.ค. tháng_mười
نوفمبر تشرين_الثاني نونبر نوامبر נובמבר नवंबर नवम्बर নভেম্বর พฤศจิกายน พ.ย. tháng_mười_một
ديسمبر كانون_الأول دجنبر دسامبر דצמבר दिसंबर दिसम्बर ডিসেম্বর ธันวาคม ธ.ค. tháng_mười_hai
"""
_ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {
    name.replace("_", " "): english
    for english, row in zip(_ENGLISH, _MONTH_NAMES.strip().splitlines(), strict=True)
    for name in unicodedata.normalize("NFKC", row).split()
}
_HALVES = {
    "am": ("π.μ.", "πμ", "öö", "ص", "صباحا", "صباحًا", "sa", "sáng"),
    "pm": ("μ.μ.", "μμ", "ös", "م", "مساء", "مساءً", "ch", "chiều", "tối"),
}
"""Behind a time of day, where a bare hour would be wrong by twelve."""
_HALF_OF = {name: half for half, names in _HALVES.items() for name in names}


def _any_of(names: dict[str, str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_MONTH = re.compile(rf"(?<!\w)ב?({_any_of(_MONTHS)})(?!\w)")
_HALF = re.compile(rf"(?<=[0-9]{{2}})\s?({_any_of(_HALF_OF)})(?!\w)")
_NUMBERED_MONTH = re.compile(r"\b([0-9]{1,2})\stháng\s([0-9]{1,2})(?:,|\snăm|,\snăm)?\s([0-9]{4})")
_FILLER = re.compile(r"(?:,|\s)\s?(?:năm|พ\.ศ\.)\s?(?=[0-9])")
_THAI = re.compile(r"[\u0e01-\u0e2e]")
_BUDDHIST = re.compile(r"(?<![0-9])(2[456][0-9]{2})(?![0-9:])")
_SHORT_YEAR = re.compile(r"([a-z]{3}\s)([0-9]{2})(?![0-9:.])")
_AHEAD = 543

# 20.26 is a time where a word says so; else it may be a number.
_DOTTED_TIME = re.compile(
    r"(?<![0-9.])([0-9]{1,2})\.([0-9]{2})"
    r"(?=\s?(?:[ap]\.?\s?m|uhr|uur|hrs|gmt|utc|bst|wib|wita|wit)\b)"
    r"|(?<!\w)(?:kl\.?|klo|kell|ore|alle|om|um|pukul|jam)\s([0-9]{1,2})\.([0-9]{2})(?![0-9.])"
)
_HALF_PAST = re.compile(r"([0-9]{1,2})\s?[时時点點]半")
_BASIC_TIME = re.compile(
    r"\b([0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})t([0-9]{2})([0-9]{2})([0-9]{2})?(?=\D|\Z)"
)
_YEAR_FIRST = re.compile(r"([0-9]{4})\.\sgada\s([0-9]{1,2}\.\s\w+)|([0-9]{4})\sm\.(?=\s\w)")
_ZONED_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[+-][0-9]{2}:[0-9]{2}")


def respell(text: str) -> str:
    """`text`, which is in NFKC and lower case, in the spelling of :mod:`~.search`."""
    if match := _ZONED_DAY.fullmatch(text):  # XML Schema's date: the zone is no time of day
        return match[1]
    if not text.isascii():
        text = _in_latin(text)
    text = _BASIC_TIME.sub(_with_colons, _YEAR_FIRST.sub(r"\2 \1\3", text))
    text = _DOTTED_TIME.sub(lambda match: f" {match[1] or match[3]}:{match[2] or match[4]}", text)
    return _BUDDHIST.sub(lambda match: str(int(match[1]) - _AHEAD), text)


def _in_latin(text: str) -> str:
    is_thai = bool(_THAI.search(text))
    if not text.isdecimal() and any(char.isdecimal() and not char.isascii() for char in text):
        text = "".join(
            str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text
        )
    text = _NUMBERED_MONTH.sub(r"\1.\2.\3", text)
    text = _MONTH.sub(lambda match: _MONTHS[match[1]], text)
    text = _HALF.sub(lambda match: f" {_HALF_OF[match[1]]}", _FILLER.sub(" ", text))
    text = _HALF_PAST.sub(r"\1:30", text)
    if is_thai:
        text = _SHORT_YEAR.sub(lambda match: f"{match[1]}25{match[2]}", text)
    return text


def _with_colons(match: re.Match[str]) -> str:
    day, *clock = match.groups()
    return f"{day}t{':'.join(part for part in clock if part)}"
