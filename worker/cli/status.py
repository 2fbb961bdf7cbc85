"""`status`: what waits, what was published, what was refused, and problems."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import UNAVAILABLE, Json, flag, settings_of
from worker.cli.output import console, print_json, quiet_interrupt

if TYPE_CHECKING:
    from worker.queries.overview import Overview
    from worker.settings import Settings

_MINUTES = 60
_MAX_SOURCES = 30
"""Sources shown by `--watch`; without it all of them are."""


def status(
    context: typer.Context,
    watch: Annotated[bool, flag("--watch -w", "Refresh every second; q ends it.")] = False,
    json: Json = False,
) -> None:
    """Show what waits, what was published and refused, and problems that need your attention.

    Exits 3 if Redis does not answer; the state of the spool is shown all the same.
    """
    from worker.cli.status_report import render_status

    settings = settings_of(context)
    if watch:
        _watch(settings, json=json)
        return
    overview = _read_overview(settings)
    print_json(overview.plain()) if json else console().print(render_status(overview))
    if overview.status.problem:
        raise typer.Exit(UNAVAILABLE)


def _watch(settings: "Settings", *, json: bool) -> None:
    """A live view on a terminal; elsewhere one document or report every second."""
    from worker.cli.status_report import render_status
    from worker.cli.watch import watch

    if not json and console().is_terminal:
        watch(lambda: render_status(_read_overview(settings), max_sources=_MAX_SOURCES))
        return
    with quiet_interrupt():
        while True:
            overview = _read_overview(settings)
            print_json(overview.plain()) if json else console().print(render_status(overview))
            time.sleep(1)


def _read_overview(settings: "Settings") -> "Overview":
    from worker.queries.overview import get_overview
    from worker.settings.clock import utc_now

    return get_overview(settings, utc_now(), _MINUTES)
