"""`status`, `jobs`, `audit`, `pause`, `resume`: watching the work, and holding a source."""

from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import completion
from worker.cli.exits import FAILED, UNAVAILABLE
from worker.cli.options import Json, settings_of

if TYPE_CHECKING:
    from worker.settings import Settings

PANEL = "Watch the work"

_MINUTES = 60
_MOST_SOURCES = 30
"""Sources shown by `--watch`; without it all of them are."""

_SOURCE = "A drop folder or feed, or `feeds`: all polling."
Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help=_SOURCE, autocompletion=completion.sources)
]
Paused = Annotated[
    str, typer.Argument(metavar="SOURCE", help=_SOURCE, autocompletion=completion.paused)
]


def add_to(app: typer.Typer) -> None:
    for command in (status, jobs, audit, pause, resume):
        app.command(rich_help_panel=PANEL)(command)


def status(
    context: typer.Context,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it anew each second; q ends it.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what waits, what came out, what was refused, and whether anything needs you.

    Exits 3 if Redis does not answer; what the spool says is shown all the same.
    """
    from worker.cli.output import console, print_json
    from worker.cli.status.status_view import standing
    from worker.queries.overview import get_overview
    from worker.settings.clock import utc_now

    settings = settings_of(context)
    if watch:
        _watch(settings, json=json)
        return
    found = get_overview(settings, utc_now(), _MINUTES)
    if json:
        print_json(found.plain())
    else:
        console().print(standing(found))
    if found.status.problem:
        raise typer.Exit(UNAVAILABLE)


def jobs(
    context: typer.Context,
    job_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="One job, with what was refused.", autocompletion=completion.jobs
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="So many.")] = 20,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON; a list is one document a line.")
    ] = False,
) -> None:
    """List jobs, newest first: each enqueue, and what was found or polled within an hour."""
    from worker.cli.output import print_json
    from worker.cli.status.jobs_view import show_job, show_jobs
    from worker.queries.jobs import get_job, list_jobs

    settings = settings_of(context)
    if job_id is not None:
        found = get_job(settings, job_id)
        print_json(found) if json else show_job(found)
        return
    listed = list_jobs(settings, count)
    if json:
        for one in listed:
            print_json(one)
    else:
        show_jobs(listed)


def audit(context: typer.Context, json: Json = False) -> None:
    """Check every accepted file against its one outcome; nothing may be unaccounted for.

    Reads the archive's journals and the spool, and no counter. Exits 1 if a file is missing.
    """
    from worker.cli.output import print_json
    from worker.cli.status.audit_view import show
    from worker.queries.audit import audit as check

    found = check(settings_of(context))
    print_json(found) if json else show(found)
    if not found.balanced:
        raise typer.Exit(FAILED)


def pause(context: typer.Context, source: Source, json: Json = False) -> None:
    """Take no more from a source; what was accepted is still worked on.

    `newsdrop pause feeds` holds all polling, and the fetching of pages.
    """
    _hold(context, source, paused=True, json=json)


def resume(context: typer.Context, source: Paused, json: Json = False) -> None:
    """Take from a paused source again."""
    _hold(context, source, paused=False, json=json)


def _hold(context: typer.Context, source: str, *, paused: bool, json: bool) -> None:
    from worker.actions import pause
    from worker.cli.output import console, print_json
    from worker.settings import POLLED

    settings = settings_of(context)
    (pause.pause if paused else pause.resume)(settings, source)
    if json:
        print_json({"source": source, "paused": paused})
    elif paused:
        now = "polling is" if source == POLLED else f"{source} is"
        console().print(f"{now} paused; `newsdrop resume {source}` takes it up again")
    elif settings.folder(source):
        console().print(f"{source} is looked at again")
    else:
        console().print(f"{source} {'are' if source == POLLED else 'is'} polled again")


def _watch(settings: "Settings", *, json: bool) -> None:
    """One document a second, or one picture that renews itself."""
    import time

    from rich.console import RenderableType

    from worker.cli.output import console, print_json, quiet_interrupt
    from worker.cli.status.status_view import standing
    from worker.cli.status.watch import watch
    from worker.queries.overview import get_overview
    from worker.settings.clock import utc_now

    def picture() -> RenderableType:
        return standing(get_overview(settings, utc_now(), _MINUTES), sources=_MOST_SOURCES)

    if not json and console().is_terminal:
        watch(picture)
        return
    with quiet_interrupt():
        while True:
            found = get_overview(settings, utc_now(), _MINUTES)
            print_json(found.plain()) if json else console().print(standing(found))
            time.sleep(1)
