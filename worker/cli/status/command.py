"""`status`: what waits, what was published, what was refused, and problems."""

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import UNAVAILABLE, Json, flag, settings_of
from worker.cli.output import console, print_json, quiet_interrupt

if TYPE_CHECKING:
    from rich.console import RenderableType

_MINUTES = 60
_MIN_SOURCES, _MAX_SOURCES = 2, 30
_OTHER_LINES = 20
"""Sources shown by `--watch`, as the terminal's lines allow; without it all of them are."""


def status(
    context: typer.Context,
    watch: Annotated[bool, flag("--watch -w", "Refresh every second; q ends it.")] = False,
    json: Json = False,
) -> None:
    """Show what waits, what was published and refused, and problems that need your attention.

    Exits 3 if Redis does not answer; the state of the spool is still shown.
    """
    from worker.cli.status.report import render_status
    from worker.queries.status.overview import get_overview
    from worker.settings.clock import utc_now

    settings = settings_of(context)
    if watch and not json and console().is_terminal:
        _watch(
            lambda: render_status(
                get_overview(settings, utc_now(), _MINUTES),
                max(_MIN_SOURCES, min(_MAX_SOURCES, console().height - _OTHER_LINES)),
            )
        )
        return
    with quiet_interrupt():
        while True:
            overview = get_overview(settings, utc_now(), _MINUTES)
            print_json(overview.plain()) if json else console().print(render_status(overview))
            if not watch:
                break
            time.sleep(1)
        if overview.status.problem:
            raise typer.Exit(UNAVAILABLE)


_END_KEYS = b"qQ\x1b\x04"
"""q, Escape, Ctrl-D."""


def _watch(draw: Callable[[], "RenderableType"], seconds: float = 1.0) -> None:
    """Show `draw()` every `seconds` on the terminal's second screen."""
    from rich.live import Live

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
