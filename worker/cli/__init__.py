"""The command line, `newsdrop`: thin commands over `queries`, `actions` and the service.

Each module has the commands of its name and prints their results. It imports what is below only
when a command runs, so that `newsdrop --help` answers at once. `options` has the exit codes.
"""


def main() -> None:
    """The entry point of the command `newsdrop`."""
    try:
        from worker.cli.root import app
    except KeyboardInterrupt:  # typer, which would handle it, is not loaded yet
        raise SystemExit(130) from None
    app(prog_name="newsdrop")
