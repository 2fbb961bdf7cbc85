"""The dates of an article: the first usable one of those that were found; a missing one is never
"now"."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from worker.escape import printable
from worker.model import DateOrder, DatePrecision, DateText
from worker.normalize.date_parser import ParsedDate, parse_date

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
    seen_at: str,
    warnings: list[str],
) -> ArticleDate:
    """The first usable one of `candidates`; problems go to `warnings`.

    Dates without a zone are in `zone`; with `trust_naive` off they are a crawler's time, and not
    usable. `order` decides what `04/05/2021` is. `seen_at` (RFC 3339) only decides on a warning,
    never on the date.
    """
    for candidate in candidates:
        read = parse_date(candidate.text, zone, order)
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


def modified_at(
    candidates: Iterable[DateText], *, zone: tzinfo, order: DateOrder | None
) -> str | None:
    """The first of `candidates` that can be parsed, RFC 3339 in UTC."""
    dates = (parse_date(candidate.text, zone, order) for candidate in candidates)
    return next((date.rfc3339() for date in dates if date), None)


def _is_ahead(read: ParsedDate, seen_at: str) -> bool:
    try:
        return read.moment > datetime.fromisoformat(seen_at) + _SKEW
    except (ValueError, TypeError):  # no time was given
        return False
