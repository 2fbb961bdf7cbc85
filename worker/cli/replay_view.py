"""What `replay` does: offer archived articles again."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.errors import UsageError
from worker.escape import printable
from worker.pipeline.context import open_context
from worker.pipeline.replay import replay
from worker.settings import Settings
from worker.settings.clock import utc_now

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Replayed:
    """`segments` were offered again; Redis did not have `lost` of their articles."""

    segments: int
    lost: int


def run(settings: Settings, since: str | None) -> Replayed:
    """Replay what was archived since. Raises UsageError, StoreUnavailable."""
    begin = moment(since, utc_now()) if since else None
    context = open_context(settings)
    # A batch is named by when it was made, and may have waited long before it was archived.
    segments = lost = 0
    for segment in context.deps.archive.segments():
        if begin and datetime.fromisoformat(segment.head().archived_at) < begin:
            continue
        lost += replay(segment, context.deps)
        segments += 1
    return Replayed(segments, lost)


def moment(text: str, now: datetime) -> datetime:
    """`90m`, `12h` or `3d` before `now`, or an ISO date or time (without a zone: local).

    Raises UsageError.
    """
    if match := re.fullmatch(r"(\d{1,6})([mhd])", text.strip()):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{printable(text, 80)} is no time: give 90m, 12h, 3d or an ISO date such as 2021-11-26"
        ) from error
