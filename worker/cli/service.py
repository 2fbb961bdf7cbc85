"""`up`, `down` and the parts of the service: `worker`, `beat`, `listen`, `web`."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from worker.cli.options import Json, config_of, flag, option, settings_of
from worker.cli.output import console, error_console, print_json
from worker.errors import UsageError

JsonLog = Annotated[bool, flag("--json", "Write log lines as JSON.")]


def up(
    context: typer.Context,
    *,
    drop: Annotated[Path | None, option("DIR", "The folder to drop files into.")] = None,
    port: Annotated[
        int | None, option("N", "Let consumers read Redis at 127.0.0.1:N.", min=1, max=65535)
    ] = None,
    examples: Annotated[bool, flag("--examples", "Ingest two example articles, show one.")] = False,
    detach: Annotated[bool, flag("--detach -d", "Run in the background.")] = False,
    no_web: Annotated[bool, flag("--no-web", "Do not run the status page.")] = False,
    json: Annotated[bool, flag("--json", "Write JSON logs; with --detach, print JSON.")] = False,
) -> None:
    """Run the whole service: Redis server, worker, scheduler, file events and status page.

    Ctrl-C stops it. With redis.url set, that server is used and none is started.
    """
    from worker.service.up import run_up
    from worker.settings.paths import read_run_file
    from worker.web.serve import run_web

    options: dict[str, Any] = {} if drop is None else {"drop": drop.absolute()}
    if json:
        # The child processes write the logs, and they read the settings again.
        os.environ["NEWSDROP_LOG_FORMAT"] = "json"
    settings = settings_of(context, options, with_run=False)
    if drop is not None and settings.folders:
        raise UsageError("--drop cannot be used with [[folders]]: name the folder in the config")
    code = run_up(
        settings,
        port=port,
        examples=examples,
        detach=detach,
        serve_page=None if no_web else run_web,
        console=error_console() if json else console(),
        config=config_of(context),
    )
    if json and detach and code == 0:
        print_json(read_run_file(settings.state_dir))
    raise typer.Exit(code)


def down(context: typer.Context, json: Json = False) -> None:
    """Stop the service of this state directory. Batches in progress are finished first."""
    from worker.service.lock import run_down

    code = run_down(settings_of(context), error_console() if json else console())
    if json:
        print_json({"stopped": code == 0})
    raise typer.Exit(code)


def worker(context: typer.Context, json: JsonLog = False) -> None:
    """Run a Celery worker; all other options are passed to `celery worker`.

    Same as `celery -A worker.app worker` with the recommended options. With `-B` it runs the
    scheduler, too.
    """
    _run_celery(context, "worker", json=json)


def beat(context: typer.Context, json: JsonLog = False) -> None:
    """Run the scheduler, Celery beat; all other options are passed to `celery beat`.

    Each state directory needs one, for any number of workers. A second one stands by.
    """
    _run_celery(context, "beat", json=json)


def listen(context: typer.Context, json: JsonLog = False) -> None:
    """Watch the folders for file events, so that new files need not wait for the next scan."""
    from worker.service.listener.process import run_listen

    options = {"log.format": "json"} if json else None
    raise typer.Exit(run_listen(settings_of(context, options)))


def web(
    context: typer.Context,
    *,
    host: Annotated[str | None, option("H", "Listen on this address. Default: web.host.")] = None,
    port: Annotated[
        int | None, option("N", "Default: web.port; 0: a free port.", min=0, max=65535)
    ] = None,
    json: Annotated[bool, flag("--json", "Print JSON, and write JSON logs.")] = False,
) -> None:
    """Run the status page with the HTTP API, the metrics and the health checks.

    `newsdrop up` runs it, too. An address other than loopback needs web.token or web.token_file.
    """
    from worker.service.port import get_address, open_port
    from worker.web.serve import run_web

    options: dict[str, Any] = {"web.host": host, "web.port": port}
    options = {key: value for key, value in options.items() if value is not None}
    if json:
        options["log.format"] = "json"
    settings = settings_of(context, options)
    listening = open_port(settings)
    if json:
        print_json({"url": get_address(listening)})
    else:
        error_console().print(f"status page  {get_address(listening)}", soft_wrap=True)
    raise typer.Exit(run_web(settings, listening))


def _run_celery(context: typer.Context, part: str, *, json: bool) -> None:
    """Replace this process by the Celery process, so that it gets all signals itself."""
    from worker.service.part import part_command

    command = part_command(part, settings_of(context), context.args)
    environment = dict(os.environ)
    if config := config_of(context):
        environment["NEWSDROP_CONFIG"] = str(config.absolute())
    if json:
        environment["NEWSDROP_LOG_FORMAT"] = "json"
    os.execve(command[0], command, environment)  # noqa: S606
