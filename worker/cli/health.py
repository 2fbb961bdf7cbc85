"""`healthcheck`: an exit code for containers, units and scripts."""

from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.exits import FAILED, UNAVAILABLE
from worker.cli.options import Json, settings_of

if TYPE_CHECKING:
    from worker.queries.health import Health

PANEL = "Run"
_PARTS = ("all", "worker", "beat", "web", "redis")


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(healthcheck)


def _known(part: str) -> str:
    if part not in _PARTS:
        raise typer.BadParameter(f"choose one of {', '.join(_PARTS)}")
    return part


def healthcheck(
    context: typer.Context,
    part: Annotated[
        str,
        typer.Option(
            "--part",
            metavar="PART",
            callback=_known,
            help="all, worker (of this machine), beat, web or redis.",
        ),
    ] = "all",
    json: Json = False,
) -> None:
    """Check that Redis can be written, worker and scheduler are heard, disks and folders are good.

    Prints what fails, and exits 0 if nothing does, 1 if something does, 3 if it is Redis. Made for
    Docker's HEALTHCHECK: `newsdrop healthcheck --part worker` in the worker's container.
    """
    from worker.queries.health import ServicePart, check_health
    from worker.settings.clock import utc_now

    found = check_health(settings_of(context), utc_now(), ServicePart(part))
    if json:
        from worker.cli.output import print_json

        print_json(found)
    else:
        _show(found)
    if found.away:
        raise typer.Exit(UNAVAILABLE)
    if not found.ready:
        raise typer.Exit(FAILED)


def _show(found: "Health") -> None:
    """One line for each failing check; Docker keeps them with the container."""
    for check in found.failing:
        typer.echo(f"{check.name}: {check.message}: {check.advice}")
    if found.ready:
        typer.echo(f"healthy: {', '.join(check.name for check in found.checks)}")
