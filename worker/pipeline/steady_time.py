"""Whether time has moved forward steadily, so that what it says has expired may be removed.

A clock that jumps ahead 400 days for 20 seconds must not delete an archive. So a cleanup removes
only what the cleanup before had already found expired, if the wall clock and the clock that counts
from the boot moved alike in between. After a jump or a boot it starts over.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from worker.errors import SpoolUnavailable
from worker.logs import get_logger
from worker.settings.clock import ClockReading
from worker.spool.layout import translate_errors, write_durably

logger = get_logger(__name__)

STEADY_SECONDS = 500.0
"""What must lie between two cleanups. Beat sends one each 600 s; its messages may be late."""

LONG_SECONDS = 3600.0
"""How long time must have been steady before the quarantine is touched: it has the only copy."""

TOLERANCE_SECONDS = 60.0
"""How far both clocks may drift apart between two cleanups: NTP corrects by less."""

_STATE = "cleanup-clock.json"
_MAX_BOOTS = 8
"""Machines that share a state directory, each with the clocks of its own boot."""


@dataclass(frozen=True, slots=True)
class SteadyTime:
    """Time was steady from `since` to `last`, when a cleanup last looked."""

    since: ClockReading
    last: ClockReading


@dataclass(frozen=True, slots=True)
class ConfirmedExpiry:
    """What had expired at `time` may be removed; what is the only copy, at `long_time`. None:
    nothing yet."""

    time: datetime | None = None
    long_time: datetime | None = None


def decide(state: SteadyTime | None, now: ClockReading) -> tuple[SteadyTime, ConfirmedExpiry]:
    """What may be removed now, and the state for the next cleanup."""
    if state is None or not _moved_alike(state.last, now):
        return SteadyTime(now, now), ConfirmedExpiry()
    if now.uptime - state.last.uptime < STEADY_SECONDS:
        return state, ConfirmedExpiry()
    confirmed = state.last.time
    is_long = now.uptime - state.since.uptime >= LONG_SECONDS
    return SteadyTime(state.since, now), ConfirmedExpiry(confirmed, confirmed if is_long else None)


def load_state(state_dir: Path, boot: str) -> SteadyTime | None:
    """The state of this boot; None if there is none that can be read."""
    try:
        since, last = _load(state_dir)[boot]
        return SteadyTime(ClockReading(**since, boot=boot), ClockReading(**last, boot=boot))
    except (ValueError, TypeError, KeyError):
        return None


def save_state(state_dir: Path, state: SteadyTime) -> None:
    """Save the state of its boot. On a full disk the earlier one stays: a cleanup makes room."""
    boots = _load(state_dir)
    boot = state.last.boot
    boots.pop(boot, None)
    boots[boot] = [_clocks(state.since), _clocks(state.last)]
    newest = dict(list(boots.items())[-_MAX_BOOTS:])
    try:
        with translate_errors(state_dir):
            write_durably(state_dir / _STATE, orjson.dumps(newest))
    except SpoolUnavailable as error:
        logger.warning("the clocks of this cleanup were not saved", error=str(error))


def _moved_alike(earlier: ClockReading, later: ClockReading) -> bool:
    wall, uptime = later.wall - earlier.wall, later.uptime - earlier.uptime
    is_same_boot = earlier.boot == later.boot and uptime >= 0
    return is_same_boot and abs(wall - uptime) <= TOLERANCE_SECONDS


def _clocks(reading: ClockReading) -> dict[str, float]:
    return {name: value for name, value in asdict(reading).items() if name != "boot"}


def _load(state_dir: Path) -> dict[str, Any]:
    try:
        boots = orjson.loads((state_dir / _STATE).read_bytes())
    except (OSError, ValueError):
        return {}
    return boots if isinstance(boots, dict) else {}
