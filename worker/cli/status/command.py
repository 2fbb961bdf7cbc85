"""`status`: what waits, what was published, what was refused, and problems."""

import time
from typing import Annotated

import typer

from worker.cli.options import UNAVAILABLE, Json, flag, settings_of
from worker.cli.output import console, print_json, quiet_interrupt

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
    from worker.cli.status.watch import watch as watch_status
    from worker.queries.status.overview import get_overview
    from worker.settings.clock import utc_now

    settings = settings_of(context)
    if watch and not json and console().is_terminal:
        watch_status(
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
