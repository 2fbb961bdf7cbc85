"""`up` and `down`, the parts that `up` runs, and `doctor`."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from worker.cli.exits import FAILED
from worker.cli.options import Json, JsonLines, call_of, settings_of

PANEL = "Run"
_PARTS = "Parts of the service"
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

JsonLog = Annotated[bool, typer.Option("--json", help="Write log lines as JSON.")]


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(up)
    app.command(rich_help_panel=PANEL)(down)
    app.command(rich_help_panel=PANEL)(doctor)
    app.command(rich_help_panel=_PARTS, context_settings=_PASS_ON)(worker)
    app.command(rich_help_panel=_PARTS, context_settings=_PASS_ON)(beat)
    app.command(rich_help_panel=_PARTS)(listen)


def up(
    context: typer.Context,
    *,
    drop: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder to drop files into.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, metavar="N", help="Let consumers read Redis at 127.0.0.1:N, too."
        ),
    ] = None,
    examples: Annotated[
        bool, typer.Option("--examples", help="Ingest two example articles and show one.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when it is ready; it runs on.")
    ] = False,
    no_web: Annotated[bool, typer.Option("--no-web", help="Leave out the status page.")] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print where it runs as JSON; without --detach, JSON logs."),
    ] = False,
) -> None:
    """Run the whole service: a Redis-compatible server, worker, scheduler, file events, and the
    status page.

    Ctrl-C stops all of it. With redis.url set, that server is used and none is started.
    """
    from worker.cli.output import console, notes
    from worker.errors import UsageError
    from worker.service.up import run_up

    options: dict[str, Any] = {} if drop is None else {"drop": drop.absolute()}
    if json:
        # Read again by the children, who do the work and write the logs.
        os.environ["NEWSDROP_LOG_FORMAT"] = "json"
    settings = call_of(context).settings(options, with_run=False)
    if drop is not None and settings.folders:
        raise UsageError("--drop is for a config without [[folders]]: name the folder there")
    code = run_up(
        settings,
        port=port,
        examples=examples,
        detach=detach,
        with_page=not no_web,
        console=notes() if json else console(),
        config=call_of(context).config,
    )
    if json and detach and code == 0:
        _print_where(settings.state_dir)
    raise typer.Exit(code)


def down(context: typer.Context, json: Json = False) -> None:
    """Stop the service that `up` runs on this state directory; what is in hand is finished."""
    from worker.cli.output import console, notes, print_json
    from worker.service.down import run_down

    code = run_down(settings_of(context), notes() if json else console())
    if json:
        print_json({"stopped": code == 0})
    raise typer.Exit(code)


def worker(context: typer.Context, json: JsonLog = False) -> None:
    """Run a Celery worker of newsdrop's; further options go to `celery worker`.

    As good as `celery -A worker.app worker`, with the flags that this work wants. Add `-B` and it
    does beat's part as well.
    """
    _run_celery(context, "worker", json=json)


def beat(context: typer.Context, json: JsonLog = False) -> None:
    """Run the scheduler, whose ticks look at the folders; further options go to `celery beat`.

    One of it is enough, whatever the number of workers.
    """
    _run_celery(context, "beat", json=json)


def listen(context: typer.Context, json: JsonLog = False) -> None:
    """Listen for file events, so that a dropped file need not wait for the next tick."""
    from worker.service.listener.process import run_listen

    options = {"log.format": "json"} if json else None
    raise typer.Exit(run_listen(settings_of(context, options)))


def doctor(context: typer.Context, json: JsonLines = False) -> None:
    """Check the server, its durability, disk, folders, clock and workers; say what to mend.

    Exits 1 if anything fails that keeps the service from working or its promises from holding.
    """
    from rich.text import Text

    from worker.cli.output import console, outside, print_json, table
    from worker.service.doctor import checks

    found = checks(settings_of(context))
    if json:
        for check in found:
            print_json(check)
    else:
        rows = table("", "check", "what was found", flexible=("what was found",))
        for check in found:
            mark, style = _MARKS[check.level]
            said = outside(check.message, limit=1000)
            if check.advice:
                said.append("\n").append_text(outside(check.advice, "dim", 1000))
            rows.add_row(Text(mark, style), check.name, said)
        console().print(rows)
    if any(check.level == "fail" for check in found):
        raise typer.Exit(FAILED)


_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


def _run_celery(context: typer.Context, part: str, *, json: bool) -> None:
    """Become the Celery process: signals, exit code and memory are its own."""
    from worker.service.part import part_command

    command = part_command(part, settings_of(context), context.args)
    environment = call_of(context).environment()
    if json:
        environment["NEWSDROP_LOG_FORMAT"] = "json"
    os.execve(command[0], command, environment)  # noqa: S606


def _print_where(state_dir: Path) -> None:
    from worker.cli.output import print_json
    from worker.settings.paths import read_run_file

    print_json(read_run_file(state_dir))
