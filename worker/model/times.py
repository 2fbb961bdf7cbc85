"""Writes times (RFC 3339 in UTC), and reads those that people give."""

import re
from datetime import UTC, datetime, timedelta

from worker.errors import UsageError
from worker.escape import printable

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def rfc3339(moment: datetime) -> str:
    """`2021-11-26T12:26:04.123Z`; `moment` is aware."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(moment: str) -> int:
    """An RFC 3339 time as Unix milliseconds."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def rfc3339_from_ms(milliseconds: int) -> str:
    """RFC 3339, UTC, of Unix milliseconds."""
    return rfc3339(datetime.fromtimestamp(milliseconds / 1000, UTC))


def parse_moment(text: str, now: datetime) -> datetime:
    """`90m`, `12h` or `3d` before `now`, or an ISO date or time (without a zone: local).

    Raises UsageError.
    """
    try:
        if match := re.fullmatch(r"(\d{1,6})([mhd])", text.strip()):
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{printable(text, 80)} is not a time: "
            "give 90m, 12h, 3d or an ISO date such as 2021-11-26"
        ) from error
