"""The command line, `newsdrop`: thin commands over `queries`, `actions` and the service.

Each module has the commands of its name and prints their results. It imports what is below only
when a command runs, so that `newsdrop --help` answers at once. `options` has the exit codes.
"""

import sys


def main() -> None:
    _escape_unencodable_output()
    try:
        from worker.cli.root import app
    except KeyboardInterrupt:  # typer, which would handle it, is not loaded yet
        raise SystemExit(130) from None
    app(prog_name="newsdrop")


def _escape_unencodable_output() -> None:
    """Escape what an encoding other than UTF-8 has no character for (`…`, a Chinese title): Python
    would end the command with a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and stream.encoding.lower() != "utf-8":
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
