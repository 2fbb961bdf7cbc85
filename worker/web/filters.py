"""Numbers, times and words as pages show them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from markupsafe import Markup, escape

from worker.escape import printable

_UNITS = ("B", "kB", "MB", "GB", "TB")
NONE = "–"
_SPAN = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def count(number: float | None) -> str:
    """`12,345`; a dash for an unknown number."""
    return NONE if number is None else f"{number:,.0f}"


def size(number: float | None) -> str:
    """Bytes: `4.1 MB`."""
    if number is None:
        return NONE
    for unit in _UNITS:
        if abs(number) < 999.5 or unit == _UNITS[-1]:
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"


def rate(number: float | None) -> str:
    """A number per minute: one decimal where it is small."""
    if number is None:
        return NONE
    return f"{number:.1f}" if 0 < number < 10 else f"{number:,.0f}"


def span(seconds: float | None) -> str:
    """A duration in its two largest units: `2 h 05 min`, `3.4 s`."""
    if seconds is None:
        return NONE
    if seconds < 10:
        return f"{seconds:.1f} s"
    for place, (length, unit) in enumerate(_SPAN[:-1]):
        if seconds >= length:
            below, name = _SPAN[place + 1]
            rest = int(seconds % length // below)
            whole = f"{int(seconds // length)} {unit}"
            return f"{whole} {rest:02} {name}" if rest else whole
    return f"{int(seconds)} s"


def ago(moment: str | None, now: datetime) -> str:
    """An RFC 3339 time as its distance from `now`: `40 s ago`, `in 5 min`. Coarse, so that a live
    page does not change every second."""
    if moment is None:
        return NONE
    at = _moment(moment)
    if at is None:
        return _as_written(moment)
    seconds = (now - at).total_seconds()
    if abs(seconds) < 10:
        return "just now" if seconds > -1 else "now"
    length = coarse(abs(seconds))
    return f"{length} ago" if seconds > 0 else f"in {length}"


def exact(moment: str | None) -> str:
    """An RFC 3339 time in full: `2026-11-25 21:07:23.120 UTC`."""
    if moment is None:
        return NONE
    at = _moment(moment)
    if at is None:
        return _as_written(moment)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} UTC"


def stamp(moment: str | None) -> str:
    """The same to the minute; the script converts it to the reader's zone."""
    if moment is None:
        return NONE
    at = _moment(moment)
    return _as_written(moment) if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def words(name: str | None) -> str:
    """An identifier as words: `no_content` → `no content`."""
    return NONE if not name else str(name).replace("_", " ")


def inline_code(text: str) -> Markup:
    """A message, escaped; text between backticks becomes `<code>`."""
    parts = (
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(text.split("`"))
    )
    return Markup("").join(parts)


def plural(number: float | None, one: str, many: str | None = None) -> str:
    """`1 file`, `12 files`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def highlight(text: str, runs: Iterable[str]) -> Markup:
    """`text` escaped, the emphasised `runs` in it as `<strong>`."""
    sorted_runs = sorted({run for run in runs if run.strip()}, key=len, reverse=True)
    if not sorted_runs:
        return escape(text)
    pieces = re.split("(" + "|".join(re.escape(run) for run in sorted_runs) + ")", text)
    parts = (
        Markup("<strong>{}</strong>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(pieces)
    )
    return Markup("").join(parts)


def coarse(seconds: float) -> str:
    """A duration in one unit: `40 s`, `5 min`, `3 h`, `12 days`."""
    if seconds < 60:
        return f"{int(seconds // 10) * 10} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 2 * 86400:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86400)} days"


def _moment(text: str) -> datetime | None:
    """The time in UTC; None where `text` is not one, as another program may have written it."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def escaped(text: object, limit: int = 300) -> str:
    """Printable text that a worker has escaped before: its backslashes are not doubled."""
    return printable(str(text), limit).replace("\\\\", "\\")


def _as_written(text: str) -> str:
    return printable(text, 40)
