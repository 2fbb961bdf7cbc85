"""A date that was read: its moment, how exact it is, and how it is written in a record."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from worker.model import DatePrecision
from worker.model.frozen import dataclass


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
        """`2021-11-26T12:26:04Z`."""
        return self.moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"


def at_time(
    day: date, clock: tuple[str, str, str | None], own_zone: tzinfo | None, zone: tzinfo
) -> ParsedDate:
    """The moment of a time of day (hour, minute, second); in `own_zone`, that of the text, else in
    `zone`. Raises ValueError for a time that no day has."""
    hour, minute, second = int(clock[0]), int(clock[1]), int(clock[2] or 0)
    if hour > 24 or second > 60 or (hour == 24 and (minute or second)):
        raise ValueError("no such time of day")
    moment = datetime(
        day.year, day.month, day.day, hour % 24, minute, min(second, 59), tzinfo=own_zone or zone
    )
    if hour == 24:  # ISO 8601: the end of the day
        moment += timedelta(days=1)
    return ParsedDate(moment, "minute" if clock[2] is None else "second", own_zone is not None)


def whole_day(day: date, zone: tzinfo) -> ParsedDate:
    """A date without a time."""
    return ParsedDate(datetime.combine(day, time(), zone), "day", has_zone=False)
