"""One date out of a text, as people and programs write it; never a guess.

Three steps: the two strict machine formats (RFC 822 and ISO 8601, nearly all of what feeds hold),
plain numbers (seconds or milliseconds since 1970, `20211126202604`), and a search for a calendar
date, a time of day and a zone in any order. What stays ambiguous (`04/05/2021`) or names a zone
that is not known is no date.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from worker.model import DateOrder, DatePrecision
from worker.normalize.date_words import (
    AFTERNOON,
    ERAS,
    MONTHS,
    MORNING,
    NIGHT,
    NOON,
    REGIONS,
    ZONES,
)

FIRST_YEAR, LAST_YEAR = 1605, 2100
"""No newspaper is older (the Strasbourg Relation). The upper bound is fixed, not taken from the
clock, because a date that is read or not by the day of reading would change an article's id."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 200
_MAX_OFFSET = 15 * 60  # minutes; the largest in use is +14:00


@dataclass(frozen=True, slots=True)
class ParsedDate:
    """A date that could be read. `moment` is aware: in the zone of the text, or of the source."""

    moment: datetime
    precision: DatePrecision
    has_zone: bool

    def calendar_date(self, zone: tzinfo) -> str:
        """`YYYY-MM-DD` in `zone`. A date without a time is that date everywhere."""
        if self.precision == "day":
            return self.moment.date().isoformat()
        return self.moment.astimezone(zone).date().isoformat()

    def rfc3339(self) -> str:
        return self.moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_date(text: str, zone: tzinfo, order: DateOrder | None = None) -> ParsedDate | None:
    """`text` as a date, in `zone` if it names none; None if it says nothing certain.

    `order` decides ambiguous numeric dates; without it they are not read.
    """
    try:
        read = _parse_rfc822(text, zone) or _parse_iso(text, zone)
        if read is None:
            plain = _plain(text)
            read = _parse_number(plain, zone) or _search(plain, zone, order)
        if read is None or not FIRST_YEAR <= read.moment.year <= LAST_YEAR:
            return None
        return None if read.moment == _EPOCH else read  # 0 seconds: a date that was never set
    except (ValueError, OverflowError):  # 30 February, 25 o'clock, an offset of two days
        return None


# ── the strict formats ───────────────────────────────────────────────────────────────────────

_RFC822 = re.compile(
    r"\s*(?:[A-Za-z]{3},? )?([0-9]{1,2}) ([A-Za-z]{3}) ([0-9]{4}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) (GMT|UTC|[+-][0-9]{4})\s*"
)
_ISO = re.compile(
    r"\s*([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?"
    r"(?:([Zz])|([+-][0-9]{2}:[0-9]{2}))?\s*"
)


def _parse_rfc822(text: str, zone: tzinfo) -> ParsedDate | None:
    """`Fri, 26 Nov 2021 12:26:04 GMT`: RFC 822 as RFC 2822 and RSS 2.0 have it."""
    match = _RFC822.fullmatch(text)
    month = MONTHS.get(match[2].lower()) if match else None
    if match is None or month is None:
        return None
    offset = match[7]
    found = UTC if offset[0] in "GU" else _fixed(offset[0], offset[1:3], offset[3:])
    return _at(
        date(int(match[3]), month, int(match[1])), (match[4], match[5], match[6]), found, zone
    )


def _parse_iso(text: str, zone: tzinfo) -> ParsedDate | None:
    """`2021-11-26T12:26:04Z`: ISO 8601 as RFC 3339 has it, the zone may be absent."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    found: tzinfo | None = UTC if match[7] else None
    if offset := match[8]:
        found = _fixed(offset[0], offset[1:3], offset[4:])
    day = date(int(match[1]), int(match[2]), int(match[3]))
    return _at(day, (match[4], match[5], match[6]), found, zone)


def _at(
    day: date, clock: tuple[str, str, str | None], found: tzinfo | None, zone: tzinfo
) -> ParsedDate:
    """The moment; in `found`, the text's own zone, else in `zone`."""
    hour, minute, second = clock
    moment = datetime.combine(day, _time(int(hour) % 24, minute, second), found or zone)
    if int(hour) == 24:  # ISO 8601: the end of the day
        if int(minute) or int(second or 0):
            raise ValueError("no time after 24:00")
        moment += timedelta(days=1)
    elif int(hour) > 24:
        raise ValueError("no such hour")
    return ParsedDate(moment, "minute" if second is None else "second", found is not None)


def _time(hour: int, minute: str, second: str | None) -> time:
    return time(hour, int(minute), min(int(second or 0), 59) if int(second or 0) < 61 else 99)


# ── numbers alone ────────────────────────────────────────────────────────────────────────────

_NUMBER = re.compile(r"([0-9]{8,14})(?:\.[0-9]*)?")
_EXPONENT = re.compile(r"[0-9]\.[0-9]{1,12}e\+?(?:0?9|12)", re.IGNORECASE)


def _parse_number(text: str, zone: tzinfo) -> ParsedDate | None:
    """`20211126`, `20211126202604`; seconds (9, 10 digits) or milliseconds (12, 13) since 1970."""
    if _EXPONENT.fullmatch(text):
        text = str(int(float(text)))
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    digits = match[1]
    if len(digits) in (8, 12, 14) and (read := _parse_compact(digits, zone)):
        return read
    if len(digits) in (9, 10):
        return ParsedDate(_EPOCH + timedelta(seconds=int(digits)), "second", has_zone=True)
    if len(digits) in (12, 13):
        return ParsedDate(_EPOCH + timedelta(seconds=int(digits) // 1000), "second", has_zone=True)
    return None


def _parse_compact(digits: str, zone: tzinfo) -> ParsedDate | None:
    """Year, month, day, and maybe hour, minute and second without anything between them."""
    if digits[:2] not in ("19", "20"):
        return None
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        if len(digits) == 8:
            return _whole_day(day, zone)
        return _at(day, (digits[8:10], digits[10:12], digits[12:] or None), None, zone)
    except ValueError:
        return None


# ── anything else ────────────────────────────────────────────────────────────────────────────

_DASHES = str.maketrans({"−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "／": "/", "：": ":"})


_BASIC = re.compile(r"\b([0-9]{8})t([0-9]{2})([0-9]{2})([0-9]{2})(?=\D|\Z)")


def _plain(text: str) -> str:
    """NFKC, lower case, one kind of dash, single spaces; `T122604` with its colons."""
    text = unicodedata.normalize("NFKC", text[:_LONGEST]).translate(_DASHES)
    return _BASIC.sub(r"\1t\2:\3:\4", " ".join(text.lower().split()))


def _search(text: str, zone: tzinfo, order: DateOrder | None) -> ParsedDate | None:
    for day, rest in _dates_in(text, order):
        clock = _TIME.search(rest) or _HOUR.search(rest)
        if clock is None:
            return None if _LIKE_TIME.search(rest) else _whole_day(day, zone)
        found = _zone_in(rest, clock.end(), day, zone)
        return _at(day, _clock(clock), found, zone)
    return None


def _whole_day(day: date, zone: tzinfo) -> ParsedDate:
    return ParsedDate(datetime.combine(day, time(), zone), "day", has_zone=False)


_WORD = r"[^\W\d_]{3,14}"
_NO_DIGIT = r"(?<![0-9])"
_YEAR = r"(?P<y>[0-9]{4})(?![0-9])"
_DAY = rf"{_NO_DIGIT}(?P<d>[0-9]{{1,2}})(?:st|nd|rd|th|er|[ºª°]|-?го)?"
_OF = r"(?:\s?[-/.,]\s?|\s(?:de|of|del)\s|\s)"
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
    re.compile(rf"{_DAY}{_OF}(?P<name>{_WORD})\.?{_OF}(?P<yy>[0-9]{{2}})(?![0-9:])"),
    # November 26, 2021
    re.compile(rf"(?P<name>{_WORD})\.?[\s-]{_DAY},?{_OF}{_YEAR}"),
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
    # 20211126T202604Z; 2021-W47-5 and 2021-330 are read by the standard library
    re.compile(rf"{_NO_DIGIT}(?P<y>[0-9]{{4}})(?P<m>[0-9]{{2}})(?P<d>[0-9]{{2}})(?=t|\s|$)"),
    re.compile(r"(?<![0-9-])(?P<week>[0-9]{4}-?w[0-9]{2}-?[1-7])(?![0-9])"),
    re.compile(r"(?<![0-9-])(?P<y>[0-9]{4})-(?P<ordinal>[0-9]{3})(?![0-9-])"),
)


def _dates_in(text: str, order: DateOrder | None) -> Iterator[tuple[date, str]]:
    """Calendar dates in `text`, each with what stands around it."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            day = _day_of(match.groupdict(), order)
            if day is not None:
                between = match.groupdict().get("between") or ""
                behind = text[match.end() :].lstrip(":")
                yield day, f"{text[: match.start()]} \n{between} {behind}"


def _day_of(part: dict[str, str | None], order: DateOrder | None) -> date | None:
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
        return _ordered(year, int(part["a"] or 0), int(part["b"] or 0), part["sep"] == ".", order)
    return date(year, int(part["m"] or 0), int(part["d"] or 0))


def _ordered(
    year: int, first: int, second: int, dotted: bool, order: DateOrder | None
) -> date | None:
    """A numeric date with its year last. Dots are used only where the day comes first."""
    if first > 12 or dotted:
        return date(year, second, first)
    if second > 12:
        return date(year, first, second)
    if first == second:
        return date(year, first, first)
    if order is None:
        return None
    return date(year, second, first) if order is DateOrder.DAY_FIRST else date(year, first, second)


_HALF = "|".join((*MORNING[:-1], *NOON, *AFTERNOON[:-1], *NIGHT, r"[ap]\.?\s?m\b\.?"))
_TIME = re.compile(
    rf"(?:(?P<half>{_HALF})\s?)?(?<![0-9:.])(?P<h>[0-9]{{1,2}})\s?(?:[:时時点點시]|h(?=\s?[0-9]))\s?"
    r"(?P<m>[0-9]{2}|[0-9](?=[分분]))(?![0-9])\s?[分분]?"
    r"(?:\s?:?\s?(?P<s>[0-9]{2}|[0-9](?=[秒초]))(?![0-9])(?:[.,][0-9]+)?\s?[秒초]?)?"
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


_OFFSET = re.compile(
    r"\s?\(?(?:(?:utc|gmt)\s?)?(?P<sign>[+-])(?P<h>[0-9]{1,2}?)(?::?(?P<m>[0-9]{2}))?(?![0-9:])"
)
_AREA = re.compile(r"\b[a-z_]{2,20}/[a-z_+-]{2,30}(?:/[a-z_]{2,30})?\b")
_NAME = re.compile(r"\s?[(\[]?(?P<name>[a-z]{1,5})\b(?![/.'-]|\s?[0-9:])")


def _zone_in(rest: str, end: int, day: date, zone: tzinfo) -> tzinfo | None:
    """The zone named behind the time of day, which ends at `end`; None where none is."""
    behind = rest[end:]
    if match := _OFFSET.match(behind):
        return _fixed(match["sign"], match["h"], match["m"] or "00")
    if match := _AREA.search(behind):
        return _area(match[0])
    if "北京时间" in rest or "北京時間" in rest:
        return _fixed("+", "08", "00")
    match = _NAME.match(behind)
    if match is None or match["name"] in _NO_ZONE:
        return None
    return _named(match["name"], not behind[match.end() :].strip(), day, zone)


def _named(name: str, is_last: bool, day: date, zone: tzinfo) -> tzinfo | None:
    """The zone of an abbreviation; None for a word of another kind. Raises ValueError for one that
    looks like a zone and is not known: read in the source's zone it would be wrong by hours."""
    if _is_own_name(name, day, zone):
        return zone
    if region := REGIONS.get(name):
        return ZoneInfo(region)
    if (minutes := ZONES.get(name)) is not None:
        return timezone(timedelta(minutes=minutes))
    if is_last and len(name) == 1:
        return UTC  # a military letter: RFC 5322, 4.3
    if is_last and len(name) in (3, 4):
        raise ValueError("a zone that is not known")
    return None


_NO_ZONE = {"uhr", "hrs", "by", "in", "on", "at", "from", "and", "the", "von", "par", "de", "h"}


def _is_own_name(name: str, day: date, zone: tzinfo) -> bool:
    """Whether the source's zone goes by `name`: CST is Chicago's in RFC 822, China's in China."""
    noon = datetime.combine(day, time(12), zone)
    half_a_year = timedelta(days=182)
    names = {(moment.tzname() or "").lower() for moment in (noon, noon - half_a_year)}
    return name in names


def _fixed(sign: str, hours: str, minutes: str) -> tzinfo:
    total = int(hours) * 60 + int(minutes)
    if total >= _MAX_OFFSET or int(minutes) > 59:
        raise ValueError("no such offset")
    return timezone(timedelta(minutes=-total if sign == "-" else total))


_SMALL = ("of", "es", "au")  # as in Port_of_Spain, Dar_es_Salaam


@lru_cache(maxsize=64)
def _area(name: str) -> tzinfo:
    """An IANA zone by its name in lower case. Raises ValueError where there is none."""
    spelled = "/".join(
        "_".join(
            word.capitalize() if word not in ("of", "es", "au") else word
            for word in part.split("_")
        )
        for part in name.split("/")
    )
    try:
        return ZoneInfo(spelled)
    except (KeyError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f"no zone {spelled}") from error
