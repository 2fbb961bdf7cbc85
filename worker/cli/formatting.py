"""Numbers, times and sizes as people read them, short enough for a terminal's columns.

Times are RFC 3339 text; None is an unknown time, shown as a dash.
"""

from collections.abc import Mapping
from datetime import datetime

from worker.translation import gettext, mark

NONE = "–"

_UNITS = ((mark("{number} d"), 86_400), (mark("{number} h"), 3_600), (mark("{number} min"), 60))


def format_count(value: int | None) -> str:
    """`12,345`; a dash for an unknown number."""
    return NONE if value is None else f"{value:,}"


def format_age(moment: str | None, now: str) -> str:
    """How long `moment` is past: `12 min ago`."""
    if moment is None:
        return NONE
    return gettext("{time} ago").format(time=format_duration(seconds_between(moment, now)))


def format_until(moment: str | None, now: str, unknown: str = NONE) -> str:
    """How long until `moment`: `in 4 min`, or `now` where it has passed."""
    if moment is None:
        return unknown
    seconds = seconds_between(now, moment)
    if seconds < 1:
        return gettext("now")
    return gettext("in {time}").format(time=format_duration(seconds))


def format_duration(seconds: float) -> str:
    """A duration in its largest unit: `4 s`, `12 min`, `3 h`, `2 d`."""
    for unit, length in _UNITS:
        if seconds >= length:
            return gettext(unit).format(number=f"{seconds / length:.0f}")
    return gettext("{number} s").format(number=f"{max(0.0, seconds):.0f}")


def format_estimate(seconds: float) -> str:
    """A duration as exactly as it can be estimated: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = max(1, round(seconds))
    if whole < 60:
        return format_duration(whole)
    if whole < 3600:
        minutes = gettext("{number} min")
        if whole >= 600:
            return minutes.format(number=round(whole / 60))
        return f"{minutes.format(number=whole // 60)} {format_duration(whole % 60)}"
    hours = gettext("{number} h").format(number=whole // 3600)
    return f"{hours} {gettext('{number} min').format(number=whole % 3600 // 60)}"


def format_local_time(moment: str) -> str:
    """`2026-11-26 09:30:00` in the zone of this machine."""
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M:%S}"


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def format_size(octets: int) -> str:
    """`512 bytes`, `12 MB`, `1.4 GB`; a megabyte has 10^6 bytes, as in the settings."""
    for unit, length in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if octets >= length:
            size = octets / length
            return f"{size:.1f} {unit}" if size < 10 else f"{size:,.0f} {unit}"
    return gettext("{size} bytes").format(size=octets)


def format_speed(rate: float) -> str:
    """`430 files/s`; below ten with one decimal."""
    return gettext("{rate} files/s").format(rate=f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}")


def format_state(count: int, state: str) -> str:
    """`3 failing`; in Chinese the state comes first."""
    return gettext("{count} {state}").format(count=format_count(count), state=gettext(state))


def outcome_word(outcome: str) -> str:
    """The word for an outcome. Data and options have `rejected`, like the error's name."""
    return mark("refused") if outcome == "rejected" else outcome


def format_kinds(counts: Mapping[str, int]) -> str:
    """`date_missing 3, cut 1`: counts by kind, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{kind} {format_count(count)}" for kind, count in ordered)
