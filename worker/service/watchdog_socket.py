"""Watchdog messages of a child of `up`, by the protocol of systemd (sd_notify(3)).

A process that exists may be suspended, hang, or take no messages from its queue: `up` ends and
restarts it, as systemd would.
"""

import os
import socket
import struct
from contextlib import suppress

WATCHDOG_SECONDS = 60.0
"""A child of `up` that is silent for so long is ended; work continues within 90 s."""

START_SECONDS = 75.0
"""The same before its first message: imports and checks on a slow machine."""

_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


class WatchdogSocket:
    """The socket of one child; the caller passes monotonic seconds.

    It has a name in the abstract namespace, chosen by the kernel, so no file is left behind; only
    messages of our own user count, because any user can write to it.
    """

    def __init__(self, watchdog: float) -> None:
        self._watchdog = watchdog
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind("")
        self.start(0.0)

    @property
    def environment(self) -> dict[str, str]:
        name: bytes = self._socket.getsockname()
        return {
            "NOTIFY_SOCKET": f"@{name[1:].decode()}",
            "WATCHDOG_USEC": str(int(self._watchdog * 1_000_000)),
        }

    def start(self, now: float) -> None:
        """A new process starts; messages of the previous one are dropped."""
        self._read()
        self._last, self._is_started = now, False
        self._status = self._stuck = ""

    def restart_silence(self, now: float) -> None:
        """Count the silence from now on: this process read no messages before."""
        self._last = now

    def problem(self, now: float) -> str:
        """Why this child has to be ended, as `gave no sign of life for 60 s`; empty if alive."""
        for line in self._read():
            self._on_line(line, now)
        if self._stuck:
            return self._stuck
        allowed = self._watchdog if self._is_started else max(START_SECONDS, self._watchdog)
        return f"gave no sign of life for {allowed:g} s" if now - self._last > allowed else ""

    def close(self) -> None:
        self._socket.close()

    def _on_line(self, line: str, now: float) -> None:
        name, _, value = line.partition("=")
        if line == "WATCHDOG=trigger":
            self._stuck = f"is {self._status or 'stuck'}"
        elif line in ("READY=1", "WATCHDOG=1", "STOPPING=1"):
            self._last, self._is_started = now, True
        elif name == "STATUS":
            self._status = value

    def _read(self) -> list[str]:
        lines: list[str] = []
        with suppress(BlockingIOError):
            while True:
                data, extra, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
                if any(_CREDENTIALS.unpack(sent)[1] == os.getuid() for *_, sent in extra):
                    lines += data.decode("utf-8", "replace").splitlines()
        return lines
