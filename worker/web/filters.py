"""Numbers, times and words as pages show them."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from markupsafe import Markup, escape

from worker import escape as escaping
from worker.model import Change, ChangeKind
from worker.model.times import rfc3339_from_ms
from worker.normalize.changes import common_length
from worker.translation import gettext
from worker.translation import message as translate

_MAX_EDITED = 2_000
"""Characters that are shown of a changed paragraph."""

_UNITS = ("B", "kB", "MB", "GB", "TB")
NONE = "–"
_YEAR_10000_MS = 253_402_300_800_000
_SPAN = ((86400, "{number} d"), (3600, "{number} h"), (60, "{number} min"), (1, "{number} s"))


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
    """A duration in its two largest units: `2 h 05 min`, `3.4 s`, `12 ms`."""
    if seconds is None:
        return NONE
    if 0 < seconds < 0.1:
        return gettext("{number} ms").format(number=max(1, round(seconds * 1000)))
    if seconds < 10:
        return gettext("{number} s").format(number=f"{seconds:.1f}")
    for place, (length, unit) in enumerate(_SPAN[:-1]):
        if seconds >= length:
            below, name = _SPAN[place + 1]
            rest = int(seconds % length // below)
            whole = gettext(unit).format(number=int(seconds // length))
            return f"{whole} {gettext(name).format(number=f'{rest:02}')}" if rest else whole
    return gettext("{number} s").format(number=int(seconds))


def ago(moment: str | None, now: datetime) -> str:
    """An RFC 3339 time as its distance from `now`: `40 s ago`, `in 5 min`. Coarse, so that a live
    page does not change every second."""

    def distance(at: datetime) -> str:
        seconds = (now - at).total_seconds()
        if abs(seconds) < 10:
            return gettext("just now") if seconds > -1 else gettext("now")
        form = gettext("{time} ago") if seconds > 0 else gettext("in {time}")
        return form.format(time=coarse(abs(seconds)))

    return _format_time(moment, distance)


def due(moment: str | None, now: datetime) -> str:
    """When something happens next: `in 5 min`, `due now`, `overdue 20 s`."""

    def distance(at: datetime) -> str:
        late = (now - at).total_seconds()
        if late <= -10:
            return gettext("in {time}").format(time=coarse(-late))
        overdue = gettext("overdue {time}").format(time=coarse(late))
        return overdue if late >= 10 else gettext("due now")

    return _format_time(moment, distance)


def exact(moment: str | None) -> str:
    """An RFC 3339 time in full: `2026-11-25 21:07:23.120 UTC`."""
    return _format_time(
        moment, lambda at: f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} UTC"
    )


def stamp(moment: str | None) -> str:
    """The same to the minute; the script converts it to the reader's zone."""
    return _format_time(moment, lambda at: f"{at:%Y-%m-%d %H:%M} UTC")


def id_time(stream_id: str) -> str | None:
    """The time in the ID of a stream entry, as RFC 3339; None if no calendar has it."""
    ms = int(stream_id.partition("-")[0])
    return rfc3339_from_ms(ms) if ms < _YEAR_10000_MS else None


def words(name: str | None) -> str:
    """An identifier as words of the reader's language: `no_content` → `no content`."""
    return NONE if not name else gettext(str(name).replace("_", " "))


def message(text: object) -> str:
    """A message of newsdrop, in the reader's language."""
    return translate(str(text))


def inline_code(text: str) -> Markup:
    """A message in the reader's language, escaped; text between backticks becomes `<code>`."""
    return _wrap_odd(translate(text).split("`"), "<code>{}</code>")


def highlight(text: str, runs: Iterable[str]) -> Markup:
    """`text` escaped, the emphasised `runs` in it as `<strong>`."""
    longest_first = sorted({run for run in runs if run.strip()}, key=len, reverse=True)
    if not longest_first:
        return escape(text)
    pattern = "|".join(map(re.escape, longest_first))
    return _wrap_odd(re.split(f"({pattern})", text), "<strong>{}</strong>")


def edited(texts: tuple[str | None, str | None]) -> Iterator[Markup]:
    """The two forms of a changed text, as `<del>` and `<ins>`; what differs is marked in both."""
    old, new = ((text or "")[:_MAX_EDITED] for text in texts)
    start = common_length(old, new)
    end = common_length(old[start:][::-1], new[start:][::-1])
    for tag, text in (("del", texts[0] and old), ("ins", texts[1] and new)):
        if text:
            middle = (text[:start], text[start : len(text) - end], text[len(text) - end :])
            marked = _wrap_odd(middle, "<mark>{}</mark>") if start or end else escape(text)
            yield Markup(f"<{tag}>{{}}</{tag}>").format(marked)  # noqa: S704  # ours


def numbered(changes: Iterable[Change]) -> Iterator[tuple[int | None, Change]]:
    """Each change with the number of its paragraph from 1: of a removed one in the text before, of
    others in the new text."""
    shift = 0  # of paragraphs in the text before: those removed so far, less those added
    for change in changes:
        is_removed = change.kind is ChangeKind.REMOVED
        at = change.paragraph
        yield None if at is None else at + 1 + shift * is_removed, change
        shift += is_removed - (change.kind is ChangeKind.ADDED) if at is not None else 0


def coarse(seconds: float) -> str:
    """A duration in one unit: `40 s`, `5 min`, `3 h`, `12 days`."""
    if seconds < 60:
        return gettext("{number} s").format(number=int(seconds // 10) * 10)
    if seconds < 3600:
        return gettext("{number} min").format(number=int(seconds // 60))
    if seconds < 2 * 86400:
        return gettext("{number} h").format(number=int(seconds // 3600))
    return gettext("{number} days").format(number=int(seconds // 86400))


def printable(text: object, limit: int = 300) -> str:
    """Text from outside: control characters are escaped, and it is cut at `limit`."""
    return escaping.printable(str(text), limit)


def escaped(text: object, limit: int = 300) -> str:
    """Printable text that a worker has escaped before: its backslashes are not doubled."""
    return printable(text, limit).replace("\\\\", "\\")


def _format_time(moment: str | None, form: Callable[[datetime], str]) -> str:
    """The time in UTC as `form` writes it; other text, which another program may have written, as
    it is."""
    if moment is None:
        return NONE
    try:
        at = datetime.fromisoformat(moment)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return printable(moment, 40)
    return form(at)


def _wrap_odd(pieces: Iterable[str], template: str) -> Markup:
    """The pieces escaped and joined, every second one within `template`."""
    return Markup("").join(
        Markup(template).format(piece) if place % 2 else escape(piece)  # noqa: S704  # ours
        for place, piece in enumerate(pieces)
    )
