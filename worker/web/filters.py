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
    """`12,345`; a dash where nobody knows."""
    return NONE if number is None else f"{number:,.0f}"


def size(number: float | None) -> str:
    """Bytes as people say them: `4.1 MB`."""
    if number is None:
        return NONE
    for unit in _UNITS:
        if abs(number) < 999.5 or unit == _UNITS[-1]:
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"


def rate(number: float | None) -> str:
    """What comes in a minute: one decimal where it is little."""
    if number is None:
        return NONE
    return f"{number:.1f}" if 0 < number < 10 else f"{number:,.0f}"


def span(seconds: float | None) -> str:
    """A length of time by its two largest parts: `2 h 05 min`, `3.4 s`."""
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
    """How long an RFC 3339 time is past, or still to come: `40 s ago`, `in 5 min`. Coarse, so that
    a page that is watched does not change with every second."""
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
    """The whole of an RFC 3339 time: `2026-11-25 21:07:23.120 UTC`."""
    if moment is None:
        return NONE
    at = _moment(moment)
    if at is None:
        return _as_written(moment)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} UTC"


def stamp(moment: str | None) -> str:
    """The same to the minute; the script writes it in the reader's zone."""
    if moment is None:
        return NONE
    at = _moment(moment)
    return _as_written(moment) if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def words(name: str | None) -> str:
    """A name of the code's as words: `no_content` → `no content`."""
    return NONE if not name else str(name).replace("_", " ")


def said(text: str) -> Markup:
    """A sentence of ours, escaped; what stands between backticks is code."""
    parts = (
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(text.split("`"))
    )
    return Markup("").join(parts)


def plural(number: float | None, one: str, many: str | None = None) -> str:
    """`1 file`, `12 files`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def marked(text: str, runs: Iterable[str]) -> Markup:
    """`text` escaped, the emphasised `runs` in it as `<strong>`."""
    wanted = sorted({run for run in runs if run.strip()}, key=len, reverse=True)
    if not wanted:
        return escape(text)
    found = re.split("(" + "|".join(re.escape(run) for run in wanted) + ")", text)
    parts = (
        Markup("<strong>{}</strong>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(found)
    )
    return Markup("").join(parts)


def coarse(seconds: float) -> str:
    """A length of time in one part: `40 s`, `5 min`, `3 h`, `12 days`."""
    if seconds < 60:
        return f"{int(seconds // 10) * 10} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 2 * 86400:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86400)} days"


def _moment(text: str) -> datetime | None:
    """The time that `text` is, in UTC; None where it is none. Another program may have written the
    record that it stands in."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _as_written(text: str) -> str:
    return printable(text, 40)
