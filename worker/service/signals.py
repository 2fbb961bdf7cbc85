"""Counts Ctrl-C, TERM and HUP, and a sleep that they and a child's end interrupt."""

import os
import select
import signal
from types import FrameType
from typing import Any

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Within the context stop signals are only counted. For the main thread.

    With a `count` of two, the person does not want to wait.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(write, False)
        self._write = write
        self._old_fd = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in _STOP:
            self._before[number] = signal.signal(number, self._on_stop)
        # an empty handler: without one the end of a child does not wake the sleep
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_fd)
        os.close(self._read)
        os.close(self._write)

    def sleep(self, seconds: float) -> None:
        """Sleep, until a signal comes."""
        if select.select([self._read], [], [], seconds)[0]:
            while os.read(self._read, 512):
                if not select.select([self._read], [], [], 0)[0]:
                    return

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
