"""A finding of a check, and what one that failed does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from worker.errors import ConfigError

USAGE = 2
"""The exit code for wrong settings, the same as the commands' (`worker/cli/options.py`)."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `fail` breaks a promise or the service; `warn` is worth knowing. `advice` may be
    empty."""

    name: str
    level: Literal["ok", "warn", "fail"]
    message: str
    advice: str = ""


def raise_failures(checks: Iterator[Check]) -> Iterator[Check]:
    """The checks; raises ConfigError at the first that failed."""
    for check in checks:
        if check.level == "fail":
            raise ConfigError(f"{check.message}: {check.advice}")
        yield check


@contextmanager
def exit_with_message() -> Iterator[None]:
    """End this process with status 2 and one sentence if the settings are wrong.

    For code that Celery calls: Celery logs its errors with a traceback and continues; only an exit
    stops it. The sentence goes to standard error and not to the logs: a person looks there first.
    """
    try:
        yield
    except ConfigError as error:
        print(f"newsdrop: {error}", file=sys.__stderr__, flush=True)
        raise SystemExit(USAGE) from None
