"""The command line, `newsdrop`: thin shells over `worker.view`, `worker.service` and the spool.

Importing this package imports nothing else; each command imports what it needs when it runs, so
that `newsdrop --help` answers at once.

========  ===========================================================================
exit      meaning
========  ===========================================================================
0         done
1         refused or failed: a refused file, an audit that does not balance, no such id
2         called wrongly, or the settings are wrong
3         Redis does not answer, no service runs, or a folder cannot be used
130       stopped by Ctrl-C
========  ===========================================================================
"""


def main() -> None:
    """The entry point of the command `newsdrop`."""
    from worker.cli.root import app

    app(prog_name="newsdrop")
