"""The zone that a text names after a time of day: an offset, an IANA name or an abbreviation."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from worker.normalize.dates.words import PLACES, REGIONS, ZONES

_MAX_OFFSET = 15 * 60  # minutes; the largest in use is +14:00

_OFFSET = re.compile(
    r"\(?(?:(?:utc|gmt)\s?|[a-z]{3,4}(?=[+-][0-9]{2}:?[0-9]{2}))?-?(?P<sign>[+-])"
    r"(?P<h>[0-9]{1,2}?)(?::?(?P<m>[0-9]{2}))?(?::00)?(?![0-9:])"
)
_AREA = re.compile(r"\b[a-z_]{2,20}/[a-z_+-]{2,30}(?:/[a-z_]{2,30})?\b")
_NAME = re.compile(r"[(\[\"']?(?P<name>[a-z]{1,5})\b(?![/.'-]|\s?[0-9:])")
# An offset without a sign: `0800`, or of POSIX, `CST6`, where it is turned round.
_NO_SIGN = re.compile(r"0[0-9](?:00|30|45)\Z|(?P<name>[a-z]{3,4})[0-9]")


def fixed_zone(sign: str, hours: str, minutes: str) -> tzinfo:
    """The zone of an offset. Raises ValueError for one that no zone has."""
    total = int(hours) * 60 + int(minutes)
    if total >= _MAX_OFFSET or int(minutes) > 59:
        raise ValueError("no such offset")
    return timezone(timedelta(minutes=-total if sign == "-" else total))


def zone_in(context: str, end: int, day: date, zone: tzinfo) -> tzinfo | None:
    """The zone named after the time of day, which ends at `end`; None where none is."""
    behind = context[end:].lstrip()
    if match := _OFFSET.match(behind):
        return fixed_zone(match["sign"], match["h"], match["m"] or "00")
    if match := _AREA.search(behind):
        return _area(match[0])
    if place := None if context.isascii() else next(filter(context.__contains__, PLACES), None):
        return ZoneInfo(PLACES[place])
    is_apart = "\n" in context[end : len(context) - len(behind)]  # the date is between them
    match = _NO_SIGN.match(behind)
    if match and not is_apart and (match["name"] or "utc") in ZONES:
        raise ValueError("an offset without a sign")
    match = _NAME.match(behind)
    if match is None or match["name"] in _NO_ZONE:
        return None
    is_last = not is_apart and not behind[match.end() :].strip()
    return _named(match["name"], day, zone, is_last=is_last)


def _named(name: str, day: date, zone: tzinfo, *, is_last: bool) -> tzinfo | None:
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


_NO_ZONE = frozenset(
    ("uhr", "uur", "hrs", "h", "by", "in", "on", "at", "from", "and", "the", "von", "par", "de")
)


def _is_own_name(name: str, day: date, zone: tzinfo) -> bool:
    """Whether `name` is the source's zone: CST is Chicago's in RFC 822, China's in China."""
    noon = datetime.combine(day, time(12), zone)
    half_a_year = timedelta(days=182)
    names = {(moment.tzname() or "").lower() for moment in (noon, noon - half_a_year)}
    return name in names


def _area(name: str) -> tzinfo:
    """An IANA zone by its name in lower case. Raises ValueError where there is none."""
    if name not in (areas := _areas()):
        raise ValueError(f"no zone {name}")
    return ZoneInfo(areas[name])


@cache
def _areas() -> dict[str, str]:
    """The zones' names by those in lower case; to list them takes 20 ms."""
    return {name.lower(): name for name in available_timezones()}
