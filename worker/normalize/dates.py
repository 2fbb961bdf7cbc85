"""Dates in the forms that people and programs write; a missing one is never "now".

Forms: RFC 822 and 2822 with their obsolete zones, ISO 8601, ``Y-m-d H:M[:S]`` with any of
``-/.`` and one digit or two, ``2021年11月26日 20:26``, seconds and milliseconds since 1970.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from functools import lru_cache

from worker.escape import printable
from worker.model import DatePrecision, DateText

FIRST_YEAR, LAST_YEAR = 1605, 2100
"""No newspaper is older (the Strasbourg Relation). The upper bound is fixed, not the current year:
the result, and so an article's id, must not depend on the day of parsing."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SKEW = timedelta(days=2)  # zones differ by 26 hours at most; clocks go wrong

# Abbreviations that are not in RFC 822 and that email.utils therefore ignores.
_ZONES = {
    "BST": "+0100", "CET": "+0100", "CEST": "+0200", "EET": "+0200", "EEST": "+0300",
    "HKT": "+0800", "JST": "+0900", "KST": "+0900", "MSK": "+0300", "WET": "+0000",
}  # fmt: skip

_NUMERIC = re.compile(
    r"""(?P<year>\d{4})\s*[-/.年년]\s*(?P<month>\d{1,2})\s*[-/.月월]\s*(?P<day>\d{1,2})(?!\d)\s*[日号일]?
    (?:[T,\s]*(?:\(?(?:星期|周)[一二三四五六日天]\)?)?\s*
       (?P<half>上午|下午|午前|午後|中午|晚上|오전|오후|AM|PM)?\s*
       (?P<hour>\d{1,2})\s*[:时時点點시]\s*(?P<minute>\d{1,2})(?!\d)\s*[分분]?
       (?:\s*:?\s*(?P<second>\d{1,2})(?!\d)(?:[.,]\d+)?\s*[秒초]?)?
       (?:\s*(?P<half2>AM|PM)\b)?
       \s*(?P<zone>Z\b|(?:UTC|GMT)?[+-]\d{1,2}:?\d{2}|UTC|GMT|[A-Z]{3,4}\b)?
    )?""",
    re.VERBOSE | re.IGNORECASE,
)
_TIMESTAMP = re.compile(r"([0-9]{9,10})(?:[0-9]{3})?(?:\.\d*)?")
_AFTERNOON = {"下午", "午後", "中午", "晚上", "오후", "PM"}
_NUMERIC_OFFSET = re.compile(r"(?:UTC|GMT)?([+-]\d\d):?(\d\d)\b")
_NAMED_ZONE = re.compile(r"\b(?:[A-Z]{3,4}|UT|Z)\b")
_MONTH = re.compile(r"(?i)\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)")


@dataclass(frozen=True, slots=True)
class ParsedDate:
    """A date. `moment` has a zone: with `has_zone` its own, else the source's."""

    moment: datetime
    precision: DatePrecision
    has_zone: bool

    def calendar_date(self, zone: tzinfo) -> str:
        """`YYYY-MM-DD` in `zone`. A date without a time is the same in every zone."""
        if self.precision == "day":
            return self.moment.date().isoformat()
        return self.moment.astimezone(zone).date().isoformat()

    def rfc3339(self) -> str:
        return self.moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class ArticleDate:
    """An article's date; all None or `unknown` where it has none."""

    date: str | None = None
    published: str | None = None
    precision: DatePrecision = "unknown"
    origin: str | None = None


def article_date(
    candidates: Iterable[DateText],
    *,
    zone: tzinfo,
    key_zone: tzinfo,
    trust_naive: bool,
    seen_at: str,
    warnings: list[str],
) -> ArticleDate:
    """The first usable one of `candidates`; problems go to `warnings`.

    Dates without a zone are in `zone`; with `trust_naive` off they are a crawler's time, and not
    usable. `seen_at` (RFC 3339) only decides on a warning, never on the date.
    """
    for candidate in candidates:
        read = parse_date(candidate.text, zone)
        where = printable(candidate.origin, 60)
        if read is None:
            warnings.append(f"date not understood: {printable(candidate.text, 60)} ({where})")
        elif not read.has_zone and not trust_naive:
            warnings.append(f"date without a zone not used, the source's are unreliable ({where})")
        else:
            if _is_ahead(read, seen_at):
                warnings.append(f"date is in the future: {read.rfc3339()} ({where})")
            date = read.calendar_date(key_zone)
            return ArticleDate(date, read.rfc3339(), read.precision, candidate.origin)
    warnings.append("no usable date: keyed by title and content")
    return ArticleDate()


def modified_at(candidates: Iterable[DateText], *, zone: tzinfo) -> str | None:
    """The first of `candidates` that can be parsed, RFC 3339 in UTC."""
    dates = (parse_date(candidate.text, zone) for candidate in candidates)
    return next((date.rfc3339() for date in dates if date), None)


def parse_date(text: str, zone: tzinfo) -> ParsedDate | None:
    """`text` as a date, in `zone` if it names none; None if it is no date or an impossible one."""
    text = " ".join(unicodedata.normalize("NFKC", text[:200]).split())
    try:
        if text[:4].isdecimal():
            read = _parse_timestamp(text) or _parse_numeric(text, zone)
        else:
            read = _parse_rfc822(text, zone)
        if read is None or not FIRST_YEAR <= read.moment.year <= LAST_YEAR:
            return None
        return None if read.moment == _EPOCH else read  # 0 seconds: never set
    except (ValueError, OverflowError):  # 30 February, 25 o'clock, an offset of two days
        return None


def _parse_timestamp(text: str) -> ParsedDate | None:
    """Seconds (9 or 10 digits) or milliseconds (12 or 13) since 1970, in UTC."""
    if not (match := _TIMESTAMP.fullmatch(text)):
        return None
    return ParsedDate(_EPOCH + timedelta(seconds=int(match[1])), "second", has_zone=True)


def _parse_numeric(text: str, zone: tzinfo) -> ParsedDate | None:
    """Year first, in digits: ISO 8601 and forms near it."""
    match = _NUMERIC.match(text)
    if match is None:
        try:  # the basic and week forms: 20211126T202604Z, 2021-W47-5
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return _in_zone(moment, zone, "second" if len(text) > len("20211126") + 5 else "day")
    part = match.groupdict()
    hour = int(part["hour"] or 0)
    half = (part["half"] or part["half2"] or "").upper()
    if half and hour < 12 and half in _AFTERNOON:
        hour += 12
    elif half in {"AM", "上午"} and hour == 12:
        hour = 0
    second = min(int(part["second"] or 0), 59)  # a leap second becomes the one before it
    date = f"{part['year']}-{int(part['month']):02}-{int(part['day']):02}"
    precision: DatePrecision = "second" if part["second"] else "minute" if part["hour"] else "day"
    moment = datetime.fromisoformat(f"{date}T{hour:02}:{int(part['minute'] or 0):02}:{second:02}")
    return _in_zone(moment, zone, precision, part["zone"])


def _parse_rfc822(text: str, zone: tzinfo) -> ParsedDate | None:
    """Month by name: RFC 822, 2822 and forms near them (asctime, Java's and JavaScript's)."""
    if not _MONTH.search(text):
        return None
    text = _NUMERIC_OFFSET.sub(r"\1\2", text.split(" (", 1)[0])  # else GMT+08:00 would be GMT
    precision: DatePrecision = "second" if text.count(":") > 1 else "minute"
    if ":" not in text:
        text, precision = f"{text} 00:00:00", "day"
    moment = parsedate_to_datetime(text.replace(":60", ":59"))
    if name := _NAMED_ZONE.search(text):
        return _in_zone(moment.replace(tzinfo=None), zone, precision, name[0])
    return _in_zone(moment, zone, precision)


def _in_zone(
    moment: datetime, zone: tzinfo, precision: DatePrecision, zone_name: str | None = None
) -> ParsedDate:
    if zone_name and moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone_named(zone_name.upper(), moment, zone))
    if moment.tzinfo is None:
        return ParsedDate(moment.replace(tzinfo=zone), precision, has_zone=False)
    return ParsedDate(moment, precision, has_zone=True)


def _zone_named(name: str, moment: datetime, zone: tzinfo) -> tzinfo | None:
    """The zone `name`; `zone` itself where that is its name at `moment`; else None.

    In RFC 822 CST is Chicago's time, but a source in China means its own.
    """
    if moment.replace(tzinfo=zone).tzname() == name:
        return zone
    return _fixed_zone(name)


@lru_cache(maxsize=256)
def _fixed_zone(name: str) -> tzinfo | None:
    # email.utils knows the names, and offsets without a colon.
    offset = _NUMERIC_OFFSET.sub(r"\1\2", _ZONES.get(name, name))
    return parsedate_to_datetime(f"1 Jan 2000 00:00:00 {offset}").tzinfo


def _is_ahead(read: ParsedDate, seen_at: str) -> bool:
    try:
        return read.moment > datetime.fromisoformat(seen_at) + _SKEW
    except (ValueError, TypeError):  # no time was given
        return False
