"""Exit codes: one table, documented in `newsdrop --help`."""

from worker.errors import ConfigError, FetchFailed, NewsdropError, Retryable, UsageError

FAILED = 1
USAGE = 2
UNAVAILABLE = 3
INTERRUPTED = 130

EXIT_TABLE = (
    "Exit codes: 0 done; 1 refused or failed (a refused file, an address that cannot be fetched, "
    "an audit that does not balance, no such id); 2 called wrongly, or the settings are wrong; "
    "3 Redis does not answer, no service runs, or a folder cannot be used; 130 stopped by Ctrl-C."
)


def exit_code(error: NewsdropError) -> int:
    """The exit code that stands for `error`."""
    if isinstance(error, FetchFailed):  # of what a person named: nothing here is out of order
        return FAILED
    if isinstance(error, Retryable):
        return UNAVAILABLE
    if isinstance(error, ConfigError | UsageError):
        return USAGE
    return FAILED
