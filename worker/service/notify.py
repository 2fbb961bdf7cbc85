"""What systemd is told of a service: it is ready, what it does, that it lives, that it stops.

One datagram each to the socket that NOTIFY_SOCKET names (sd_notify(3)). Where none is named, as
beside systemd, nothing is sent and nothing is different. A message that cannot be delivered is
nobody's trouble: the service works on.
"""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from worker.escape import printable

_SHORTEST = 0.2  # seconds between two signs of life, however short the watchdog's time is


class Notifier:
    """Safe to be used by several threads. `watchdog` is systemd's patience in seconds, or None."""

    def __init__(
        self,
        address: str = "",
        watchdog: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # A name that begins with @ is in the abstract namespace: there with a zero byte.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog = watchdog if address else None
        self._monotonic = monotonic
        self._alive_at = -float("inf")
        self._status = ""

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """The start is over; a unit that waits for this one begins now."""
        self._status = status
        self._send("READY=1", f"STATUS={printable(status)}")

    def status(self, status: str) -> None:
        """What it does, for `systemctl status`; sent when it changed."""
        if status != self._status:
            self._status = status
            self._send(f"STATUS={printable(status)}")

    def alive(self) -> None:
        """A sign of life for the watchdog. Call it as often as you like: few are sent."""
        if self.watchdog is None:
            return
        now = self._monotonic()
        if now - self._alive_at >= max(_SHORTEST, self.watchdog / 4):
            self._alive_at = now
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """The end has begun: what is in hand is finished first."""
        self._send("STOPPING=1", "STATUS=stops: what is in hand is finished first")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.settimeout(1.0)  # its queue may be full, and a service must not wait for that
            door.sendto("\n".join(lines).encode(), self._address)


@cache
def notifier() -> Notifier:
    """This process's own. What it is told by is taken out of the environment: a child that
    inherited it would speak for us."""
    address = os.environ.pop("NOTIFY_SOCKET", "")
    usec, pid = os.environ.pop("WATCHDOG_USEC", ""), os.environ.pop("WATCHDOG_PID", "")
    if not address.startswith(("/", "@")):  # other kinds of socket are for virtual machines
        return Notifier()
    ours = usec.isdigit() and pid in ("", str(os.getpid()))
    return Notifier(address, int(usec) / 1_000_000 if ours else None)
