"""Messages to the supervisor: ready, status, alive, stuck, stopping.

Each is a datagram to the socket that NOTIFY_SOCKET names (sd_notify(3)). systemd sets the variable,
and so does `newsdrop up` for its children (:mod:`worker.service.watchdog_socket`); without it
nothing is sent. A message that cannot be delivered is ignored.
"""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from worker.escape import printable

_MIN_ALIVE_SECONDS = 0.2  # between two watchdog messages, however short its time is


class Notifier:
    """Thread-safe. `watchdog` is the supervisor's watchdog time in seconds, or None."""

    def __init__(
        self,
        address: str = "",
        watchdog: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # A leading @ means the abstract namespace, where the name begins with a zero byte.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog = watchdog if address else None
        self._monotonic = monotonic
        self._alive_at = -float("inf")
        self._status = ""

    @property
    def is_connected(self) -> bool:
        """Whether this process has a supervisor with a socket."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """The start is complete; units that wait for this one start now."""
        self._status = status
        self._send("READY=1", f"STATUS={printable(status)}")

    def status(self, status: str) -> None:
        """The current activity, for `systemctl status`; sent only when it changed."""
        if status != self._status:
            self._status = status
            self._send(f"STATUS={printable(status)}")

    def alive(self) -> None:
        """A watchdog message. Frequent calls send few messages."""
        if self.watchdog is None:
            return
        now = self._monotonic()
        if now - self._alive_at >= max(_MIN_ALIVE_SECONDS, self.watchdog / 4):
            self._alive_at = now
            self._send("WATCHDOG=1")

    def stuck(self, problem: str) -> None:
        """This process cannot work: the supervisor ends and restarts it now."""
        self.status(f"stuck: {problem}")
        if self.watchdog is not None:
            self._send("WATCHDOG=trigger")

    def stopping(self) -> None:
        """The shutdown has begun; current work is finished first."""
        self._send("STOPPING=1", "STATUS=stopping: current work is finished first")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.settimeout(1.0)  # its queue may be full, and a service must not wait for that
            systemd.sendto("\n".join(lines).encode(), self._address)


@cache
def notifier() -> Notifier:
    """The notifier of this process. Removes its variables from the environment: a child that
    inherited them would speak for this process."""
    address = os.environ.pop("NOTIFY_SOCKET", "")
    usec, pid = os.environ.pop("WATCHDOG_USEC", ""), os.environ.pop("WATCHDOG_PID", "")
    if not address.startswith(("/", "@")):  # other kinds of socket are for virtual machines
        return Notifier()
    is_ours = usec.isdigit() and pid in ("", str(os.getpid()))
    return Notifier(address, int(usec) / 1_000_000 if is_ours else None)
