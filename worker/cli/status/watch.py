"""A live view that is drawn again until the user ends it with Ctrl-C or the key q."""

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

_END_KEYS = b"qQ\x1b\x04"
"""q, Escape, Ctrl-D."""


def watch(draw: Callable[[], RenderableType], seconds: float = 1.0) -> None:
    """Show `draw()` every `seconds` on the terminal's second screen."""
    with (
        quiet_interrupt(),
        _read_keys() as is_ended,
        Live(console=console(), auto_refresh=False, screen=True) as live,
    ):
        while True:
            live.update(draw(), refresh=True)
            if is_ended(seconds):
                return


@contextmanager
def _read_keys() -> Iterator[Callable[[float], bool]]:
    """A function that waits so many seconds for a key that ends the view.

    Without a terminal as standard input it only waits. The terminal's mode is restored afterwards.
    """
    keyboard = [sys.stdin.fileno()] if sys.stdin.isatty() else []
    modes = [termios.tcgetattr(terminal) for terminal in keyboard]

    def is_ended(seconds: float) -> bool:
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0:
            for terminal in select.select(keyboard, [], [], rest)[0]:
                keys = os.read(terminal, 64)
                # An arrow key begins with Escape, too; a closed terminal reads as b"".
                if not keys or (keys[:1] in _END_KEYS and (len(keys) == 1 or keys[:1] != b"\x1b")):
                    return True
        return False

    try:
        for terminal in keyboard:
            tty.setcbreak(terminal)
        yield is_ended
    finally:
        for terminal, mode in zip(keyboard, modes, strict=True):
            termios.tcsetattr(terminal, termios.TCSADRAIN, mode)
