"""`newsdrop` itself: the global options, the commands, and what every failure looks like."""

import logging
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from worker import __version__
from worker.cli import health, intake, quarantine, reading, records, serve, settings, web
from worker.cli.exits import EXIT_TABLE, exit_code
from worker.cli.feeds import commands as feeds
from worker.cli.options import Call
from worker.cli.status import commands as status
from worker.errors import NewsdropError, UsageError
from worker.escape import printable

_INTRO = """Drop articles in, or name a feed; get one clean, deduplicated record each out of a
Redis stream.

`newsdrop up` runs the whole service; `newsdrop status` shows the work.
Every command has `--json`: one document, or one a line where it lists."""


class Commands(TyperGroup):
    """The command group that says every foreseen failure in one sentence, without a traceback."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        options = list(takewhile(lambda arg: arg != "--", args[1:]))
        if any(arg == "--config" or arg.startswith("--config=") for arg in options):
            raise UsageError(
                "--config comes before the command: newsdrop --config FILE " + printable(args[0])
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except NewsdropError as error:
            from worker.cli.output import complain

            complain(error)
            raise typer.Exit(exit_code(error)) from error


app = typer.Typer(
    cls=Commands,
    help=_INTRO,
    epilog=EXIT_TABLE,
    rich_markup_mode="markdown",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its frames would show locals: bodies, paths, passwords
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _Notes(logging.Handler):
    """What a part of newsdrop warns of while a command runs: a note, as the command's own are."""

    def emit(self, record: logging.LogRecord) -> None:
        from worker.cli.output import say
        from worker.logs import plain

        say(plain(record), "yellow", "newsdrop: ")


def _note_warnings() -> None:
    """Until the command configures logs of its own, as `listen` does."""
    ours = logging.getLogger("worker")
    if not any(isinstance(handler, _Notes) for handler in ours.handlers):
        ours.addHandler(_Notes(logging.WARNING))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"newsdrop {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            help="The settings, a TOML file. Default: NEWSDROP_CONFIG, else those shipped.",
            metavar="FILE",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    context.obj = Call(config)
    _note_warnings()


for commands in (serve, web, health, intake, status, records, reading, settings):
    commands.add_to(app)
app.add_typer(quarantine.app, name="quarantine", rich_help_panel=reading.PANEL)
app.add_typer(feeds.app, name="feeds", rich_help_panel=intake.PANEL)
