"""Cron schedules by the wall clock of a zone, through the nights in which clocks are changed.

In an hour that is repeated a schedule matches both times: double work is harmless, a pause is not.
Times in a skipped hour count as its beginning. Celery's own estimate paused for 75 to 120 minutes
in a repeated hour.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

_MINUTE = timedelta(minutes=1)
_LONGEST = timedelta(days=9 * 366)
"""From one 29 February to the next there may be eight years."""


def next_cron_time(schedule: str, zone: tzinfo | None, after: datetime) -> datetime:
    """The first time after `after` that matches `schedule` (minute, hour, day, month, weekday) in
    `zone` (default: UTC); aware, in UTC. Where no day of nine years matches, their end."""
    fields = _parse(" ".join(schedule.split()))
    zone = zone or UTC
    time = after.astimezone(UTC).replace(second=0, microsecond=0) + _MINUTE
    end = time + _LONGEST
    while time < end:
        local = time.astimezone(zone).replace(tzinfo=None)
        if _matches(fields, local) or _skipped_match(fields, local, time, zone):
            return time
        time = _advance(fields, local, time, zone)
    return end


def _advance(fields: Any, local: datetime, time: datetime, zone: tzinfo) -> datetime:
    """The next time to look at: no time in between matches."""
    if not _matches_day(fields, local):
        midnight = local.replace(hour=0, minute=0) + timedelta(days=1)
        return max(midnight.replace(tzinfo=zone).astimezone(UTC), time + _MINUTE)
    if local.hour not in fields.hour:
        return time + (60 - local.minute) * _MINUTE
    return time + _MINUTE


def _skipped_match(fields: Any, local: datetime, time: datetime, zone: tzinfo) -> bool:
    """Whether the clock was put forward at `time`, past a minute that matches."""
    skipped = (time - _MINUTE).astimezone(zone).replace(tzinfo=None) + _MINUTE
    while skipped < local:
        if _matches(fields, skipped):
            return True
        skipped += _MINUTE
    return False


def _matches(fields: Any, local: datetime) -> bool:
    is_time = local.minute in fields.minute and local.hour in fields.hour
    return is_time and _matches_day(fields, local)


def _matches_day(fields: Any, local: datetime) -> bool:
    return (
        local.month in fields.month_of_year
        and local.day in fields.day_of_month
        and local.isoweekday() % 7 in fields.day_of_week
    )


@lru_cache(maxsize=256)
def _parse(schedule: str) -> Any:
    from celery.schedules import crontab  # here: it takes 0.1 s to import

    minute, hour, day, month, weekday = schedule.split()
    return crontab(minute, hour, weekday, day, month)
