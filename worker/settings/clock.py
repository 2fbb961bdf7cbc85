"""The clock. The start of a process passes it down; pure functions do not read the time."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Both clocks at one moment: `wall` is Unix time, which may jump; `uptime` the seconds since
    the boot with the ID `boot`, suspended time included, which never jumps."""

    wall: float
    uptime: float
    boot: str

    @property
    def time(self) -> datetime:
        """The wall clock; aware, in UTC."""
        return datetime.fromtimestamp(self.wall, UTC)


def utc_now() -> datetime:
    """The time now; aware, in UTC."""
    return datetime.now(UTC)


def uptime() -> float:
    """Seconds since the boot, suspended time included; they never jump."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read_clocks() -> ClockReading:
    return ClockReading(time.time(), uptime(), _BOOT_ID.read_text("ascii").strip())
