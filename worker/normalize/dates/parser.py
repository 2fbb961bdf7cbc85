"""One date out of a text, as people and programs write it; never a guess.

Three steps: the two strict machine formats (RFC 822 and ISO 8601, nearly all of what feeds hold),
plain numbers (seconds or milliseconds since 1970, `20211126202604`), and a search for a calendar
date, a time of day and a zone in any order. What stays ambiguous (`04/05/2021`) or names a zone
that is not known is no date.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, tzinfo

from worker.model import DateOrder
from worker.normalize.dates.parsed_date import ParsedDate, at_time, whole_day
from worker.normalize.dates.search import search_date
from worker.normalize.dates.spellings import respell
from worker.normalize.dates.words import MONTHS
from worker.normalize.dates.zones import fixed_zone
from worker.normalize.strings import clean_text

FIRST_YEAR, LAST_YEAR = 1605, 2100
"""No newspaper is older (the Strasbourg Relation). The upper bound is fixed, not taken from the
clock, because a date that is read or not by the day of reading would change an article's id."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 200


def parse_date(text: str, zone: tzinfo, order: DateOrder | None = None) -> ParsedDate | None:
    """`text` as a date, in `zone` if it names none; None if it says nothing certain.

    `order` decides ambiguous numeric dates; without it they are not read.
    """
    try:
        read = _parse_rfc822(text, zone) or _parse_iso(text, zone)
        if read is None:
            plain = _plain(text)
            read = _parse_number(plain, zone) or search_date(plain, zone, order)
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
    own_zone = UTC if offset[0] in "GU" else fixed_zone(offset[0], offset[1:3], offset[3:])
    return at_time(
        date(int(match[3]), month, int(match[1])), (match[4], match[5], match[6]), own_zone, zone
    )


def _parse_iso(text: str, zone: tzinfo) -> ParsedDate | None:
    """`2021-11-26T12:26:04Z`: ISO 8601 as RFC 3339 has it, the zone may be absent."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    own_zone: tzinfo | None = UTC if match[7] else None
    if offset := match[8]:
        own_zone = fixed_zone(offset[0], offset[1:3], offset[4:])
    day = date(int(match[1]), int(match[2]), int(match[3]))
    return at_time(day, (match[4], match[5], match[6]), own_zone, zone)


# ── numbers alone ────────────────────────────────────────────────────────────────────────────

_NUMBER = re.compile(r"([0-9]{8,19})(?:\.[0-9]*)?")
_EXPONENT = re.compile(r"[0-9]\.[0-9]{1,12}e\+?(?:0?9|12)", re.IGNORECASE)


def _parse_number(text: str, zone: tzinfo) -> ParsedDate | None:
    """`20211126`, `20211126202604`; seconds (9, 10 digits), milliseconds (12, 13),
    microseconds (15, 16) or nanoseconds (18, 19) since 1970."""
    if _EXPONENT.fullmatch(text):
        text = str(int(float(text)))
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    digits = match[1]
    if len(digits) in (8, 12, 14) and (read := _parse_compact(digits, zone)):
        return read
    thousands, first = divmod(len(digits), 3)
    if first > 1:
        return None
    seconds = int(digits) // 1000 ** (thousands - 3)
    return ParsedDate(_EPOCH + timedelta(seconds=seconds), "second", has_zone=True)


def _parse_compact(digits: str, zone: tzinfo) -> ParsedDate | None:
    """Year, month, day, and maybe hour, minute and second without anything between them."""
    if digits[:2] not in ("19", "20"):
        return None
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        if len(digits) == 8:
            return whole_day(day, zone)
        return at_time(day, (digits[8:10], digits[10:12], digits[12:] or None), None, zone)
    except ValueError:
        return None


# ── anything else ────────────────────────────────────────────────────────────────────────────


_DASHES = str.maketrans(
    {"−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "／": "/", "：": ":", "،": ","}
)


def _plain(text: str) -> str:
    """NFKC, lower case, one kind of dash, single spaces, in the spelling of the search."""
    text = unicodedata.normalize("NFKC", clean_text(text[:_LONGEST])).translate(_DASHES)
    return respell(" ".join(text.lower().split()))
