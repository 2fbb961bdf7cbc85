"""Times, sizes and rates as people read them, in a terminal's few columns."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text

from worker.cli.output import number

if TYPE_CHECKING:
    from worker.queries.overview import Overview

ACCENT = "cyan"
"""The one colour of what is under way; red and yellow are for what is wrong."""

_BARS = "▁▂▃▄▅▆▇█"
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def count(value: int | None, style: str) -> Text:
    """A number in its column; nought is there, and steps back."""
    return Text(number(value), style if value else "dim")


def ago(moment: str | None, now: str) -> Text:
    """How long before `now` (both RFC 3339), in the largest fitting unit."""
    if moment is None:
        return Text("–", "dim")
    return Text(f"{lasting(seconds_between(moment, now))} ago")


def until(moment: str | None, now: str) -> Text:
    """How long after `now`."""
    if moment is None:
        return Text("–", "dim")
    seconds = seconds_between(now, moment)
    return Text(f"in {lasting(seconds)}") if seconds >= 1 else Text("now", ACCENT)


def lasting(seconds: float) -> str:
    """`4 s`, `12 min`, `3 h`, `2 d`."""
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def seconds_between(earlier: str, later: str) -> float:
    """Seconds between two times (RFC 3339)."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def size(octets: int) -> str:
    """`512 bytes`, `12 MB`, `1.4 GB`: a disk's megabytes, as the settings count them."""
    for unit, length in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if octets >= length:
            shown = octets / length
            return f"{shown:.1f} {unit}" if shown < 10 else f"{shown:,.0f} {unit}"
    return f"{octets} bytes"


def bars(values: Sequence[int], width: int) -> Text:
    """`values` as `width` bars, each the sum of its share; what is not nought stands out."""
    share = max(1, -(-len(values) // width))
    sums = [sum(values[at : at + share]) for at in range(0, len(values), share)]
    highest = max(sums, default=0)
    drawn = Text()
    for each in sums:
        step = -(-each * (len(_BARS) - 1) // highest) if each else 0
        drawn.append(_BARS[step], ACCENT if each else "dim")
    return drawn


def rate(found: "Overview") -> float:
    """Articles a minute, over this minute and the one before."""
    last = found.minutes[-2:]
    if not last:
        return 0.0
    articles = sum(one.articles for one in last)
    now = datetime.fromisoformat(found.status.at).timestamp()
    begun = max(0.0, min(60.0, now - last[-1].at_ms / 1000))
    return articles / (len(last) - 1 + begun / 60) if len(last) > 1 or begun else 0.0
