"""A search for a calendar date, a time of day and a zone in any order, in any usual spelling."""

import re
from collections.abc import Iterator
from datetime import date, timedelta, tzinfo
from itertools import chain
from unicodedata import normalize

from worker.model import DateOrder
from worker.normalize.dates.parsed_date import ParsedDate, at_time, whole_day
from worker.normalize.dates.words import AFTERNOON, ERAS, MONTHS, MORNING, NIGHT, NOON
from worker.normalize.dates.zones import zone_in


def search_date(text: str, zone: tzinfo, order: DateOrder | None) -> ParsedDate | None:
    """The first date in `text`, which is in lower case and NFKC; None if there is none, or its time
    of day cannot be read. Raises ValueError for 30 February, or a zone that is not known."""
    text, count = _HAN_DATE.subn(_with_digits, text)
    if count:
        text = _HAN_TIME.sub(lambda one: "30分" if one[0] == "半" else _number(one[0]), text)
    for day, context in _dates_in(text, order):
        clock = _TIME.search(context) or _HOUR.search(context)
        if clock is None:
            return None if _LIKE_TIME.search(context) else whole_day(day, zone)
        own_zone = zone_in(context, clock.end(), day, zone)
        return at_time(day, _clock(clock), own_zone, zone)
    return None


_WORD = r"[^\W\d_]{3,14}"
_NO_DIGIT = r"(?<![0-9])"
_YEAR = r"(?P<y>[0-9]{4})(?![0-9])"
_DAY = rf"{_NO_DIGIT}(?P<d>[0-9]{{1,2}})(?:st|nd|rd|th|er|[ºª°]|-?го)?"
_OF = r"(?:\s?[-/.,]\s?|\s(?:de|of|del)\s|\sd['’]|\s)"
_PATTERNS = (
    # 2021-11-26, 2021. 11. 26., 2021年11月26日
    re.compile(
        rf"{_NO_DIGIT}(?P<y>[0-9]{{4}})\s?[-/.年년]\s?(?P<m>[0-9]{{1,2}})\s?[-/.月월]\s?"
        r"(?P<d>[0-9]{1,2})(?![0-9])\s?[日号號일.]?"
    ),
    # 令和3年11月26日
    re.compile(
        rf"(?P<era>{'|'.join(ERAS)})\s?(?P<n>[0-9]{{1,3}}|元)年\s?(?P<m>[0-9]{{1,2}})月\s?"
        r"(?P<d>[0-9]{1,2})日?"
    ),
    # 26 Nov 2021, 26th of November, 2021, 26-Nov-21, 3. Juli 2018, 26 de noviembre de 2021
    re.compile(rf"{_DAY}\.?{_OF}(?P<name>{_WORD})\.?(?:,?{_OF}){_YEAR}"),
    re.compile(rf"{_DAY}{_OF}(?P<name>{_WORD})\.?{_OF}(?P<yy>[0-9]{{2}})(?![0-9:]|,?\s[0-9]{{4}})"),
    # 26NOV2021
    re.compile(rf"{_NO_DIGIT}(?P<d>[0-9]{{1,2}})(?P<name>[a-z]{{3}}){_YEAR}"),
    # November 26, 2021
    re.compile(rf"(?P<name>{_WORD})(?:\.?[\s-]|\.){_DAY},?{_OF}{_YEAR}"),
    # Sat Mar 20 12:39:33 +0000 2021, Fri Nov 26 20:26:04 CST 2021
    re.compile(
        rf"(?P<name>{_WORD})\.?\s{_DAY},?\s(?P<between>[0-9]{{1,2}}:[0-9]{{2}}\S*(?:\s\S+){{0,2}})\s"
        rf"{_YEAR}"
    ),
    # 2021 Nov 26
    re.compile(rf"{_NO_DIGIT}{_YEAR}\.?{_OF}(?P<name>{_WORD})\.?{_OF}{_DAY}(?![0-9])"),
    # 26.11.2021, 26/11/2021, 11/26/2021, 26-11-2021
    re.compile(
        rf"{_NO_DIGIT}(?P<a>[0-9]{{1,2}})\s?(?P<sep>[-/.])\s?(?P<b>[0-9]{{1,2}})\s?(?P=sep)\s?{_YEAR}"
    ),
    # 11/26/21; 26/11/21 may begin with its year
    re.compile(
        rf"{_NO_DIGIT}(?P<m>1[0-2]|0?[1-9])/(?P<d>1[3-9]|2[0-9]|3[01])/(?P<yy>[0-9]{{2}})(?![0-9/:])"
    ),
    # 26.11.21; fewer digits are a version's
    re.compile(r"(?<![\w.])(?P<d>[0-3][0-9])\.(?P<m>[01][0-9])\.(?P<yy>[0-9]{2})(?![0-9.])"),
    # 20211126T202604Z; 2021-W47-5 and 2021-330 are read by the standard library
    re.compile(rf"{_NO_DIGIT}(?P<y>[0-9]{{4}})(?P<m>[0-9]{{2}})(?P<d>[0-9]{{2}})(?=t|\s|$)"),
    re.compile(r"(?<![0-9-])(?P<week>[0-9]{4}-?w[0-9]{2}-?[1-7])(?![0-9])"),
    re.compile(r"(?<![0-9-])(?P<y>[0-9]{4})-(?P<ordinal>[0-9]{3})(?![0-9-])"),
)


_CENTURY = re.compile(r"(?:19|20)[0-9]{2}")
_HAN = "〇零一二三四五六七八九"
_HAN_DATE = re.compile(
    rf"(?:(?P<era>{'|'.join(ERAS)})(?P<n>[{_HAN}十]{{1,3}}|元)|(?P<y>[{_HAN}○]{{4}}|[0-9]{{4}}))年"
    rf"(?P<m>[{_HAN}十]{{1,3}})月(?P<d>[{_HAN}十廿卅]{{1,4}})[日号號]"
)
_HAN_TIME = re.compile(rf"[{_HAN}十]{{1,3}}(?=[时時点點分秒])|(?<=[时時点點])半")


def _with_digits(match: re.Match[str]) -> str:
    """二〇二一年十一月二十六日 → 2021年11月26日."""
    era, in_era, year, month, day = match.groups()
    if era:
        year = era + (in_era if in_era == "元" else _number(in_era))
    return f"{year if era or year.isascii() else _digits(year)}年{_number(month)}月{_number(day)}日"


def _digits(text: str) -> str:
    return "".join("0" if char in "〇零○" else str(_HAN.index(char) - 1) for char in text)


def _number(text: str) -> str:
    """十一 → 11, 二十六 → 26, 廿六 → 26, 一一 → 11."""
    tens, is_spelled, units = text.replace("廿", "二十").replace("卅", "三十").rpartition("十")
    return (_digits(tens) or "1") + (_digits(units) or "0") if is_spelled else _digits(units)


def _dates_in(text: str, order: DateOrder | None) -> Iterator[tuple[date, str]]:
    """Calendar dates in `text`, each with the text around it."""
    matches = chain.from_iterable(pattern.finditer(text) for pattern in _PATTERNS)
    year_count = len(_CENTURY.findall(text))
    spans = _in_order([*matches]) if year_count > 1 else ((match, None) for match in matches)
    for match, end in spans:
        part, before = match.groupdict(), text[: match.start()]
        if year_count and part.get("yy") and not part.get("name"):
            continue  # a time with dots
        day = _day_of(part, order, before)
        if day is not None:
            behind = text[match.end() : end].lstrip(":")
            yield day, f"{before} \n{part.get('between') or ''} {behind}"


def _in_order(matches: list[re.Match[str]]) -> Iterator[tuple[re.Match[str], int | None]]:
    """The matches by place, each with the place of the next date, whose own time is behind it."""
    matches.sort(key=re.Match.start)
    for match in matches:
        later = (one for one in matches if one.start() >= match.end())
        named = ((one, one.groupdict().get("name")) for one in later)
        ends = (one.start() for one, name in named if name is None or name in MONTHS)
        yield match, next(ends, None)


def _day_of(part: dict[str, str | None], order: DateOrder | None, before: str) -> date | None:
    """The date in a match; None where its word is no month or its order is not known.

    Raises ValueError for a day that no month has.
    """
    if week := part.get("week"):
        return date.fromisoformat(week.upper())
    if ordinal := part.get("ordinal"):
        day = date(int(part["y"] or 0), 1, 1) + timedelta(days=int(ordinal) - 1)
        return day if int(ordinal) and day.year == int(part["y"] or 0) else None
    if era := part.get("era"):
        number = 1 if part["n"] == "元" else int(part["n"] or 0)
        return date(ERAS[era] + number, int(part["m"] or 0), int(part["d"] or 0))
    year = int(part.get("y") or 0)
    if short := part.get("yy"):  # RFC 2822: two digits
        year = int(short) + (2000 if int(short) < 50 else 1900)
    if name := part.get("name"):
        month = MONTHS.get(name)
        return date(year, month, int(part["d"] or 0)) if month else None
    if part.get("a"):
        return _ordered(part, order, before)
    return date(year, int(part["m"] or 0), int(part["d"] or 0))


def _ordered(part: dict[str, str | None], order: DateOrder | None, before: str) -> date | None:
    """A numeric date with its year last. Dots are used only where the day comes first; a day of the
    week before it may fit one order alone."""
    year, first, second = (int(part[name] or 0) for name in "yab")
    if first > 12 or part["sep"] == ".":
        return date(year, second, first)
    if second > 12:
        return date(year, first, second)
    if first == second:
        return date(year, first, first)
    days = {
        DateOrder.DAY_FIRST: date(year, second, first),
        DateOrder.MONTH_FIRST: date(year, first, second),
    }
    if order is None and (weekday := _WEEKDAY.search(before)):
        fitting = [day for day in days.values() if day.weekday() == _WEEKDAYS[weekday[1]]]
        return fitting[0] if len(fitting) == 1 else None
    return days[order] if order else None


# How days of the week begin, from Monday, where days or months come first and a slash parts them.
_DAYS = """
mon lun seg sen maa pazartesi thứ_hai الاثنين الإثنين δευτ
tue mar ter sel din salı thứ_ba الثلاثاء τρίτ
wed mer mié mie qua rabu woe çarş thứ_tư الأربعاء الاربعاء τετ
thu jeu jue gio qui kamis don perş thứ_năm الخميس πέμ
fri ven vie sex jum vri cuma thứ_sáu الجمعة παρ
sat sam sáb sab zat cumartesi thứ_bảy السبت σάβ
sun dim dom ming ahad zon pazar chủ_nhật الأحد الاحد κυρ
"""
_WEEKDAYS = {
    name.replace("_", " "): day
    for day, names in enumerate(_DAYS.strip().splitlines())
    for name in normalize("NFKC", names).split()
}
_NAMES = "|".join(sorted(_WEEKDAYS, key=len, reverse=True))
_ENDS = (  # of these names in full; `Vienna` and `Donald` only begin like one
    "(?:s|nes|rs|ur)?day|(?:n|s|ns|der|j|er)?dag|(?:e|te|cre|cole|ve|er|dre)?d[iì]|rs?|s|anche|"
    "(?:t|v|rn|rcol|col)?es|ado|ato|ingo|enica|unda|[çc]a|r?ta|nta|in|asa|at|tu|gu|amba|embe|"
    "έρα|άρτη|πτη|ασκευή|βατο|ιακή"
)
_WEEKDAY = re.compile(rf"(?<!\w)({_NAMES})(?:{_ENDS})?(?!\w)(?:\W|feira|ngày)*\Z")


_HALF = "|".join((*MORNING[:-1], *NOON, *AFTERNOON[:-1], *NIGHT, r"[ap]\.?\s?m\b\.?"))
_TIME = re.compile(
    rf"(?:(?P<half>{_HALF})\s?)?(?<![0-9:.])(?P<h>[0-9]{{1,2}})\s?"
    rf"(?:[:时時点點시]|h(?=\s?[0-9]))\s?"
    r"(?P<m>[0-9]{2}|[0-9](?=[分분]))(?![0-9])\s?[分분]?"
    r"(?:\s?:?\s?(?P<s>[0-9]{2}|[0-9](?=[秒초]))(?![0-9])(?:[.,:][0-9]*)?\s?[秒초]?)?"
    rf"(?:\s?(?P<half2>{_HALF}))?"
)
_HOUR = re.compile(
    rf"(?P<half>{_HALF})\s?(?P<h>[0-9]{{1,2}})\s?[时時点點시](?P<m>)(?P<s>)(?P<half2>)"
    r"|(?<![0-9:.])(?P<h2>[0-9]{1,2})\s?(?P<half3>[ap]\.?m\b\.?)"
)
_LIKE_TIME = re.compile(r"[0-9]{1,2}:[0-9]{1,2}")


def _clock(match: re.Match[str]) -> tuple[str, str, str | None]:
    """Hour (0 to 24), minute and second of a time of day. Raises ValueError for a contradiction."""
    part = match.groupdict()
    hour = int(part["h"] or part.get("h2") or 0)
    half = (part["half"] or part["half2"] or part.get("half3") or "").replace(".", "")
    half = half.replace(" ", "")
    if half in MORNING:
        if hour > 12:
            raise ValueError("an afternoon's hour in the morning")
        hour %= 12
    elif half in NOON:
        hour += 12 if hour < 5 else 0
    elif half in AFTERNOON:
        hour += 12 if hour < 12 else 0
    elif half in NIGHT:
        if hour < 5 or hour == 12:
            raise ValueError("an hour of the night that may be of either day")
        hour += 12 if hour < 12 else 0
    return str(hour), part["m"] or "0", part["s"] or None
