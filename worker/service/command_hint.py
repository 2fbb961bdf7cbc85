"""The command `newsdrop` as this terminal can call it, for copying.

After `make up` the command is in `.venv/bin` and not on PATH, and the state directory or the config
file may be set only for this call.
"""

import os
import shutil
import sys
from pathlib import Path
from shlex import join, quote

from worker.escape import printable

NAME = "newsdrop"
_VARIABLES = ("NEWSDROP_STATE_DIR", "NEWSDROP_CONFIG")
"""Variables that decide which service the command uses."""


def command_hint(words: str = "", *, config: Path | None = None) -> str:
    """The command `newsdrop [words]` for another terminal; `config` is the file of `--config`."""
    variables = [
        f"{name}={quote(_absolute(value))}"
        for name in _VARIABLES
        if (value := os.environ.get(name))
    ]
    options = ["--config", str(config.absolute())] if config else []
    line = join([*_program(), *options])
    return printable(" ".join([*variables, line, *([words] if words else [])]), 4096)


def _program() -> list[str]:
    """`newsdrop` if PATH leads to this installation, else the path of its script."""
    on_path = shutil.which(NAME)
    started = Path(sys.argv[0])
    beside = Path(sys.executable).with_name(NAME)
    script = started if started.name == NAME and started.is_file() else beside
    if on_path and (not script.is_file() or Path(on_path).resolve() == script.resolve()):
        return [NAME]
    return [_absolute(script)] if script.is_file() else [sys.executable, "-m", "worker.cli"]


def _absolute(path: str | Path) -> str:
    return os.path.abspath(Path(path).expanduser())  # noqa: PTH100  resolve() would follow links
