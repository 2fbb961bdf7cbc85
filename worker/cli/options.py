"""Options of all commands: `--json`, the settings of the call, and exit codes."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.errors import ConfigError, FetchFailed, NewsdropError, Retryable, UsageError
from worker.translation import message as translate

if TYPE_CHECKING:
    from datetime import datetime

    from worker.settings import Settings
    from worker.settings.load import LoadedSettings

FAILED = 1
USAGE = 2
UNAVAILABLE = 3
INTERRUPTED = 130

EXIT_TABLE = (
    "Exit codes: 0 success; 1 refused or failed (a refused file, an address that cannot be "
    "fetched, an audit that does not balance, an unknown ID); 2 wrong usage or wrong settings; "
    "3 Redis does not answer, the service does not run, or a folder cannot be used; "
    "130 stopped by Ctrl-C."
)


def exit_code(error: NewsdropError) -> int:
    if isinstance(error, FetchFailed):  # Retryable, but the address is at fault, not the service
        return FAILED
    if isinstance(error, Retryable):
        return UNAVAILABLE
    if isinstance(error, ConfigError | UsageError):
        return USAGE
    return FAILED


def option(metavar: str, help_text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, metavar=metavar, help=help_text, **more)


def argument(metavar: str, help_text: str, **more: Any) -> Any:
    return typer.Argument(metavar=metavar, help=help_text, **more)


def flag(names: str, help_text: str, **more: Any) -> Any:
    """An option without a value."""
    return typer.Option(*names.split(), help=help_text, **more)


Json = Annotated[bool, flag("--json", "Print JSON.")]
JsonLines = Annotated[bool, flag("--json", "Print JSON, one document per line.")]
Yes = Annotated[bool, flag("--yes -y", "Do not ask for confirmation.")]
Since = Annotated[
    str | None, option("WHEN", "Only archived since: 90m, 12h, 3d, or an ISO date.", "--since")
]


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; elsewhere `--yes` is necessary."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Confirm it with --yes: standard input is not a terminal")
    typer.confirm(translate(question), abort=True)


def parse_since(since: str | None) -> "datetime | None":
    """The time that `--since` names, aware. Raises UsageError."""
    from worker.model.times import parse_moment
    from worker.settings.clock import utc_now

    return parse_moment(since, utc_now()) if since else None


def config_of(context: typer.Context) -> Path | None:
    """The file named with `newsdrop --config FILE`."""
    config: Path | None = context.find_root().obj
    return config


def settings_of(
    context: typer.Context, options: Mapping[str, Any] | None = None, *, with_run: bool = True
) -> "Settings":
    """The settings for a command; its own `options` win over all others. Raises ConfigError.

    Without `with_run`, the run file of a running `up` is not read.
    """
    from worker import settings

    config = config_of(context)
    loaded = settings.load(config, options, with_run=with_run)
    if with_run:
        _compare_config(config, loaded.state_dir)
    return loaded


def _compare_config(config: Path | None, state_dir: Path) -> None:
    """Say so where this command was given another config file than the running service has."""
    from worker.cli.output import print_note
    from worker.escape import printable
    from worker.settings.load import config_file
    from worker.settings.paths import read_config_path

    running, own = read_config_path(state_dir), config_file(config).absolute()
    if running and (config or os.environ.get("NEWSDROP_CONFIG")) and running != own:
        text = f"the running service has its settings from {printable(running)}, this command from "
        print_note(f"{text}{printable(own)}", "yellow")


def loaded_of(context: typer.Context) -> "LoadedSettings":
    """The settings for a command, and where each was set. Raises ConfigError."""
    from worker import settings

    loaded = settings.load_with_places(config_of(context))
    shipped = str(settings.shipped_config() / "newsdrop.toml")
    places = {key: place for key, place in loaded.places.items() if place != shipped}
    return replace(loaded, places=places)
