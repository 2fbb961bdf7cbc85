"""What all commands share: `--json`, the settings of the call, and exit codes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.errors import ConfigError, FetchFailed, NewsdropError, Retryable, UsageError

if TYPE_CHECKING:
    from worker.settings import Settings

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
    """The exit code for `error`."""
    if isinstance(error, FetchFailed):  # Retryable, but the address is at fault, not the service
        return FAILED
    if isinstance(error, Retryable):
        return UNAVAILABLE
    if isinstance(error, ConfigError | UsageError):
        return USAGE
    return FAILED


def flag(names: str, help_text: str) -> Any:
    """An option without a value; without a metavar typer would show `<bool>` beside it."""
    return typer.Option(*names.split(), help=help_text, metavar="")


Json = Annotated[bool, flag("--json", "Print JSON.")]
JsonLines = Annotated[bool, flag("--json", "Print JSON, one document per line.")]


@dataclass(frozen=True)
class Call:
    """The options of `newsdrop` itself, given before the command's name."""

    config: Path | None = None

    def settings(
        self, options: Mapping[str, Any] | None = None, *, with_run: bool = True
    ) -> "Settings":
        """The settings; `options` of the command win over all others. Raises ConfigError.

        Without `with_run`, the run file of a running `up` is not read.
        """
        from worker import settings

        return settings.load(self.config, options, with_run=with_run)

    def environment(self) -> dict[str, str]:
        """The environment for a child process that must read the same settings."""
        if self.config is None:
            return dict(os.environ)
        return {**os.environ, "NEWSDROP_CONFIG": str(self.config.absolute())}


def settings_of(context: typer.Context, options: Mapping[str, Any] | None = None) -> "Settings":
    """The settings for the command of `context`. Raises ConfigError."""
    return call_of(context).settings(options)


def call_of(context: typer.Context) -> Call:
    call = context.find_object(Call)
    assert call is not None  # the root callback sets it
    return call
