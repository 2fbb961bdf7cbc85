"""What commands have in common: the call's settings and the option `--json`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from worker.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print JSON, one document a line.")]


@dataclass(frozen=True)
class Call:
    """How `newsdrop` was called, before the command's own name."""

    config: Path | None = None

    def settings(
        self, options: Mapping[str, Any] | None = None, *, with_run: bool = True
    ) -> "Settings":
        """The settings, with a command's own `options` on top. Raises ConfigError.

        Without `with_run`, the run file of an `up` is not read.
        """
        from worker import settings

        return settings.load(self.config, options, with_run=with_run)

    def environment(self) -> dict[str, str]:
        """The environment of a process that shall read the same settings."""
        if self.config is None:
            return dict(os.environ)
        return {**os.environ, "NEWSDROP_CONFIG": str(self.config.absolute())}


def settings_of(context: typer.Context, options: Mapping[str, Any] | None = None) -> "Settings":
    """The settings for the command of `context`. Raises ConfigError."""
    return call_of(context).settings(options)


def call_of(context: typer.Context) -> Call:
    call = context.find_object(Call)
    assert call is not None  # the root callback makes it
    return call
