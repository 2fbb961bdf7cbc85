"""What to paste: `newsdrop` as the person at this terminal can call it.

After `make up` the command lies in `.venv/bin` and not on PATH, and a state directory or config
file of one's own was perhaps named for this call only.
"""

import os
import shutil
import sys
from pathlib import Path
from shlex import join, quote

from worker.escape import printable

NAME = "newsdrop"
_MOVES = ("NEWSDROP_STATE_DIR", "NEWSDROP_CONFIG")
"""Variables without which the same command would look at another service."""


def command_hint(words: str = "", *, config: Path | None = None) -> str:
    """The command line `newsdrop [words]`, to be pasted into another terminal.

    `config` is the file named with `--config`, where one was.
    """
    moved = [
        f"{name}={quote(_absolute(value))}" for name in _MOVES if (value := os.environ.get(name))
    ]
    named = ["--config", str(config.absolute())] if config else []
    line = join([*_program(), *named])
    return printable(" ".join([*moved, line, *([words] if words else [])]), 4096)


def _program() -> list[str]:
    """`newsdrop` where PATH leads to this installation, else the path of its script."""
    on_path = shutil.which(NAME)
    begun = Path(sys.argv[0])
    beside = Path(sys.executable).with_name(NAME)
    ours = begun if begun.name == NAME and begun.is_file() else beside
    if on_path and (not ours.is_file() or Path(on_path).resolve() == ours.resolve()):
        return [NAME]
    return [_absolute(ours)] if ours.is_file() else [sys.executable, "-m", "worker.cli"]


def _absolute(path: str | Path) -> str:
    return os.path.abspath(Path(path).expanduser())  # noqa: PTH100  resolve() would follow links
