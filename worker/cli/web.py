"""`web`: the status page, the HTTP API and the metrics, as a part of the service."""

import json as json_text
import socket
from typing import Annotated, Any

import typer

from worker.cli.options import settings_of


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Parts of the service")(web)


def web(
    context: typer.Context,
    *,
    host: Annotated[
        str | None,
        typer.Option(metavar="H", help="The address to listen at. Default: web.host, loopback."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, metavar="N", help="Default: web.port; 0: any that is free."),
    ] = None,
    fd: Annotated[int | None, typer.Option(hidden=True)] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the address as JSON, and write JSON logs.")
    ] = False,
) -> None:
    """Run the status page, with the HTTP API, the metrics and the health checks.

    Any address but loopback needs web.token or web.token_file. `newsdrop up` runs it, too.
    """
    from worker.cli.output import notes
    from worker.service.port import address_of, open_port
    from worker.web.serve import run_web

    options: dict[str, Any] = {"web.host": host, "web.port": port}
    options = {key: value for key, value in options.items() if value is not None}
    if json:
        options["log.format"] = "json"
    settings = settings_of(context, options)
    listening = open_port(settings) if fd is None else socket.socket(fileno=fd)
    if json:
        typer.echo(json_text.dumps({"url": address_of(listening)}))
    elif fd is None:
        notes().print(f"status page  {address_of(listening)}", soft_wrap=True)
    raise typer.Exit(run_web(settings, listening))
