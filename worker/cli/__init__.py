"""The command line, `newsdrop`: thin commands over `queries`, `actions` and the service.

Each module has the commands of its name and prints their results. It imports what is below only
when a command runs, so that `newsdrop --help` answers at once. `options` has the exit codes.

=================  ==========================================================================
``root``           the table of commands, the global options, how failures are printed
``options``        the settings of a call, `--json`, exit codes
``service``        up, down, worker, beat, listen, web
``health``         doctor, healthcheck
``enqueue``        enqueue; ``enqueue_job`` accepts the files, ``progress`` shows how far it is
``enqueue_job``    accepting the files of one job, and following it with `--wait`
``progress``       a progress bar, or lines outside a terminal
``replay``         replay
``feeds``          package: list, add, remove, refresh, reset-errors, import, export
``status``         status; ``status_report`` draws it, ``watch`` repeats it
``status_report``  the report of `status`
``watch``          a view that is refreshed until a key is pressed
``jobs``           jobs
``audit``          audit
``pause``          pause, resume
``tail``           tail, show, forget
``parse``          parse
``explain``        explain
``quarantine``     list, show, retry, discard
``config``         check, show, and schema
``completion``     names and IDs that a shell completes
``input``          a file, an address, standard input
``output``         consoles, tables, JSON, notes, errors
``formatting``     numbers, times and sizes as text
=================  ==========================================================================
"""


def main() -> None:
    """The entry point of the command `newsdrop`."""
    try:
        from worker.cli.root import app
    except KeyboardInterrupt:  # typer, which would handle it, is not loaded yet
        raise SystemExit(130) from None
    app(prog_name="newsdrop")
