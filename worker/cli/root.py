"""The command `newsdrop`: global options, the table of commands, and how failures are printed."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from worker import __version__
from worker.cli import (
    archive,
    audit,
    backup,
    config,
    explain,
    health,
    jobs,
    nodes,
    parse,
    quarantine,
    reparse,
    replay,
    service,
    sources,
    tail,
)
from worker.cli.enqueue import command as enqueue
from worker.cli.feeds import commands as feeds
from worker.cli.groups import commands as groups
from worker.cli.groups import dead_letters
from worker.cli.options import EXIT_TABLE, exit_code, flag, option
from worker.cli.output import print_error, print_note
from worker.cli.status.command import status
from worker.errors import NewsdropError, UsageError
from worker.escape import printable
from worker.translation import (
    DEFAULT,
    LANGUAGES,
    current_language,
    from_environment,
    gettext,
    set_language,
)
from worker.translation import message as translate

_INTRO = """Drop articles into a folder, or name a feed: each becomes one clean, deduplicated
record in a Redis stream.

`newsdrop up` runs the whole service; `newsdrop status` shows what it does.
Every command has `--json`; commands that list print one JSON document per line."""

_COMMANDS: dict[str, tuple[Any, ...]] = {
    "Run": (
        *(service.up, service.down, health.doctor, health.healthcheck),
        *(backup.backup, backup.restore),
    ),
    "Parts of the service": (service.worker, service.beat, service.listen, service.web),
    "Add articles": (enqueue.enqueue, replay.replay, reparse.reparse, sources.adopt),
    "Watch the work": (status, jobs.jobs, audit.audit, sources.pause, sources.resume),
    "Records": (tail.tail, tail.show, tail.retract, tail.forget, tail.trim),
    "Inspect": (parse.parse, explain.explain, replay.reindex),
    "Settings and schema": (config.schema,),
}
"""Panel of the help -> its commands."""

_GROUPS = (
    ("feeds", feeds.app, "Add articles"),
    ("nodes", nodes.app, "Watch the work"),
    ("groups", groups.app, "Records"),
    ("stories", replay.stories, "Records"),
    ("archive", archive.app, "Records"),
    ("dead-letters", dead_letters.app, "Records"),
    ("quarantine", quarantine.app, "Inspect"),
    ("config", config.app, "Settings and schema"),
)

_PASS_OPTIONS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


class _Help:
    """Shows no `<bool>` beside a flag and no `<list[str]>` beside an argument, as typer does."""

    def get_params(self, ctx: Any) -> list[Any]:
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for one in parameters:
            if getattr(one, "is_flag", False):
                one.metavar = ""
            elif one.param_type_name == "argument":
                one.display_type = lambda ctx: ""
        return parameters


class _Command(_Help, TyperCommand):
    """One command."""


class _Group(_Help, TyperGroup):
    """The commands of one word."""


class Commands(_Group):
    """The command group. It prints every expected failure as one sentence, without a traceback."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        options = list(takewhile(lambda arg: arg != "--", args[1:]))
        if any(arg == "--config" or arg.startswith("--config=") for arg in options):
            raise UsageError(
                "--config comes before the command: newsdrop --config FILE " + printable(args[0])
            )
        return super().resolve_command(ctx, args)

    def make_context(self, info_name: Any, args: list[str], *more: Any, **options: Any) -> Any:
        # Before the arguments are parsed: that may fail.
        wanted = re.search(r"(?:^|\n)--lang[\n=](en|zh)(?:\n|$)", "\n".join(args))
        set_language(wanted[1] if wanted else from_environment(os.environ))
        with _translated_usage():
            return super().make_context(info_name, args, *more, **options)

    def invoke(self, ctx: Any) -> Any:
        try:
            set_language(_language_of(ctx.params.get("lang")))
            with _translated_usage():
                return super().invoke(ctx)
        except NewsdropError as error:
            print_error(error)
            raise typer.Exit(exit_code(error)) from error
        except OSError as error:
            from worker.spool.disk_errors import disk_failure, is_of_disk

            if not is_of_disk(error):
                raise  # a bug, or a closed pipe
            failure = disk_failure(error, is_command=True)
            print_error(failure)
            raise typer.Exit(exit_code(failure)) from error


@contextmanager
def _translated_usage() -> Iterator[None]:
    """Typer's usage errors in the language of messages; the help stays English, as does typer's own
    catalogue, which has none of them."""
    try:
        yield
    except (typer.TyperException, typer.Abort) as error:
        if current_language() != DEFAULT:
            from typer import rich_utils

            if isinstance(error, typer.TyperException):
                text = translate(error.format_message())
                error.format_message = lambda: text  # type: ignore[method-assign]
            if context := getattr(error, "ctx", None):
                usage = context.get_usage().replace("Usage:", gettext("Usage:"), 1)
                context.get_usage = lambda: usage
            rich_utils.ABORTED_TEXT = gettext("Aborted.")
            rich_utils.ERRORS_PANEL_TITLE = gettext("Error")
            rich_utils.RICH_HELP = gettext("Try [blue]'{command_path} {help_option}'[/] for help.")
        raise


app = typer.Typer(
    cls=Commands,
    help=_INTRO,
    epilog=EXIT_TABLE,
    rich_markup_mode="markdown",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its frames would show locals: bodies, paths, passwords
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _NoteHandler(logging.Handler):
    """Prints a warning that is logged while a command runs as a note of the command."""

    def emit(self, record: logging.LogRecord) -> None:
        from worker.logs import plain

        print_note(plain(record), "yellow", "newsdrop: ")


def _language_of(wanted: str | None) -> str:
    """The language of messages: `--lang`, else that of the terminal. Raises UsageError."""
    if wanted is not None and wanted not in LANGUAGES:
        raise UsageError(f"no messages in {printable(wanted, 20)}: give --lang en or --lang zh")
    return wanted or from_environment(os.environ)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"newsdrop {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        option("FILE", "The settings, a TOML file. Default: NEWSDROP_CONFIG, or built in."),
    ] = None,
    lang: Annotated[
        str | None,
        option("en|zh", "The language of messages. Default: LC_ALL, LC_MESSAGES or LANG."),
    ] = None,
    version: Annotated[
        bool,
        flag("--version", "Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    context.obj = config
    # Until the command configures its own logging, as `listen` does.
    logger = logging.getLogger("worker")
    if not any(isinstance(handler, _NoteHandler) for handler in logger.handlers):
        logger.addHandler(_NoteHandler(logging.WARNING))


for panel, commands in _COMMANDS.items():
    for command in commands:
        extra = _PASS_OPTIONS_ON if command in (service.worker, service.beat) else None
        app.command(rich_help_panel=panel, context_settings=extra)(command)
for name, group, panel in _GROUPS:
    app.add_typer(group, name=name, cls=_Group, rich_help_panel=panel)
for group in (app, *(group for _, group, _ in _GROUPS)):
    for info in group.registered_commands:
        info.cls = _Command
