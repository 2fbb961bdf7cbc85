"""The command line, `newsdrop`: thin shells over `queries`, `actions` and the service.

Importing this package imports nothing else; each command imports what it needs when it runs, so
that `newsdrop --help` answers at once.

========  ===========================================================================
exit      meaning
========  ===========================================================================
0         done
1         refused or failed: a refused file, an address that cannot be fetched, an audit
          that does not balance, no such id
2         called wrongly, or the settings are wrong
3         Redis does not answer, no service runs, or a folder cannot be used
130       stopped by Ctrl-C
========  ===========================================================================

The commands, and what each of them does or shows where that is more than a few lines:

==============================  ===================================================================
``root`` ``options`` ``exits``  the global options, settings of a call, exit codes
``serve``                       up, down, worker, beat, listen, doctor
``health``                      healthcheck
``web``                         the status page
``intake``                      enqueue (``enqueue_view``, ``progress``), replay (``replay_view``)
``status``                      package: status, jobs, audit, pause, resume
``units``                       times, sizes and rates in few columns
``records``                     tail (``tail_view``), show, forget
``reading``                     parse, explain (``explain_view``)
``feeds``                       package: list, add, remove, refresh, import, export
``quarantine``                  list, show, retry, discard
``settings``                    config, schema
``completion``                  names and ids that a shell completes
``inputs`` ``output``           a file, an address, standard input; tables, facts, JSON, complaints
==============================  ===================================================================
"""


def main() -> None:
    """The entry point of the command `newsdrop`."""
    try:
        from worker.cli.root import app
    except KeyboardInterrupt:  # before typer is there to say it
        raise SystemExit(130) from None
    app(prog_name="newsdrop")
