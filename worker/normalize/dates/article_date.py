"""The dates of an article: the first usable one of those that were found; a missing one is never
"now"."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from worker.escape import printable
from worker.model import DateOrder, DatePrecision, DateText
from worker.model.frozen import dataclass
from worker.model.warning import RecordWarning, WarningKind, warn
from worker.normalize.dates.parsed_date import ParsedDate
from worker.normalize.dates.parser import parse_date

_SKEW = timedelta(days=2)  # zones differ by 26 hours at most; clocks go wrong


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
    order: DateOrder | None,
    trust_naive: bool,
    is_run_time: bool = False,
    seen_at: str,
    warnings: list[RecordWarning],
) -> ArticleDate:
    """The first usable one of `candidates`; a day has the time that a later one says for it.

    Problems go to `warnings`. Dates without a zone are in `zone`; with `trust_naive` off they
    are a crawler's time, and not usable. With `is_run_time` such a date is the time when a
    mirror ran: it is used, with unknown precision and a warning. `order` decides what
    `04/05/2021` is. `seen_at` (RFC 3339) only decides on a warning, never on the date.
    """
    remaining = iter(candidates)
    for candidate in remaining:
        read = parse_date(candidate.text, zone, order)
        if read is None:
            text = f"not understood: {printable(candidate.text, 60)}"
            _add(warnings, WarningKind.DATE_UNREADABLE, text, candidate)
        elif not read.has_zone and not trust_naive:
            text = "without a zone not used, the source's are unreliable"
            _add(warnings, WarningKind.DATE_UNTRUSTED, text, candidate)
        else:
            if _is_ahead(read, seen_at):
                text = f"is in the future: {read.rfc3339()}"
                _add(warnings, WarningKind.DATE_FUTURE, text, candidate)
            exact, best = _with_time(candidate, read, remaining, zone, order)
            date, precision = read.calendar_date(key_zone), best.precision
            if is_run_time and not read.has_zone:
                text = "is the time of the mirror's run, not the article's"
                _add(warnings, WarningKind.DATE_UNTRUSTED, text, candidate)
                precision = "unknown"
            return ArticleDate(date, best.rfc3339(), precision, exact.origin)
    warnings.append(warn(WarningKind.DATE_MISSING, "no usable date, keyed by title and content"))
    return ArticleDate()


def _with_time(
    day: DateText,
    read: ParsedDate,
    others: Iterable[DateText],
    zone: tzinfo,
    order: DateOrder | None,
) -> tuple[DateText, ParsedDate]:
    """The first of `others` that says the time of that day; else `day` as it is."""
    for other in others if read.precision == "day" else ():
        moment = parse_date(other.text, zone, order)
        is_same = moment is not None and moment.calendar_date(zone) == read.calendar_date(zone)
        if moment and is_same and moment.precision != "day" and other.origin != "text:changed":
            return other, moment
    return day, read


def modified_at(
    candidates: Iterable[DateText], *, zone: tzinfo, order: DateOrder | None
) -> str | None:
    """The first of `candidates` that can be parsed, RFC 3339 in UTC."""
    dates = (parse_date(candidate.text, zone, order) for candidate in candidates)
    return next((date.rfc3339() for date in dates if date), None)


def _add(warnings: list[RecordWarning], kind: WarningKind, text: str, candidate: DateText) -> None:
    warnings.append(warn(kind, f"date {text} ({printable(candidate.origin, 60)})"))


def _is_ahead(read: ParsedDate, seen_at: str) -> bool:
    latest = _latest(seen_at)
    return latest is not None and read.moment > latest


@lru_cache(maxsize=64)
def _latest(seen_at: str) -> datetime | None:
    """The last moment that is not ahead; None if no time was given. A batch has one `seen_at`."""
    try:
        return datetime.fromisoformat(seen_at).astimezone(UTC) + _SKEW
    except ValueError:
        return None
