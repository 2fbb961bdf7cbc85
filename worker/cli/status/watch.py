"""A picture that renews itself until somebody has seen enough: Ctrl-C, or the key q."""

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import RenderableType
from rich.live import Live

from worker.cli.output import console, quiet_interrupt

_END = b"qQ\x1b\x04"
"""q, Escape, Ctrl-D."""


def watch(picture: Callable[[], RenderableType], seconds: float = 1.0) -> None:
    """Show `picture()` anew on a screen of its own, which is gone afterwards."""
    with (
        quiet_interrupt(),
        _keys() as pressed,
        Live(console=console(), auto_refresh=False, screen=True) as live,
    ):
        while True:
            live.update(picture(), refresh=True)
            if pressed(seconds):
                return


@contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """Whether a key was pressed that ends it, within so many seconds; the terminal as it was
    afterwards. Where standard input is none, only the time passes."""
    if not sys.stdin.isatty():
        yield _pass_time
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)

    def pressed(seconds: float) -> bool:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([terminal], [], [], left)[0]:
                said = os.read(terminal, 64)
                # An arrow begins with Escape too; what is closed reads as nothing.
                if not said or (said[:1] in _END and (len(said) == 1 or said[:1] != b"\x1b")):
                    return True
        return False

    try:
        yield pressed
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _pass_time(seconds: float) -> bool:
    time.sleep(seconds)
    return False
