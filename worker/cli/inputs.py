"""What a command is given: a file, an address or standard input."""

import os
import stat
import sys

from worker.errors import UsageError
from worker.escape import printable
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.sources.fetch_once import fetch_once, is_address
from worker.spool.claim import Incoming

STDIN = "-"


def read_given(settings: Settings, given: str, source: str | None) -> Incoming:
    """The file or standard input, or what is at the address now, to be read as one of `source`.

    Raises UsageError, FetchFailed.
    """
    if is_address(given):
        return fetch_once(settings, given, utc_now(), source)
    return Incoming(*read_input(given, settings.limits.file_bytes))


def read_input(path: str, limit: int, bound: str = "limits.file_mb allows") -> tuple[bytes, str]:
    """(bytes, name) of the file `path`, or of standard input where it is `-`.

    Raises UsageError where it cannot be read, is no regular file or has more than `limit` bytes,
    which `bound` is.
    """
    if path == STDIN:
        data = sys.stdin.buffer.read(limit + 1)
        name = "standard input"
    else:
        name = printable(path)
        try:
            # A FIFO must not be waited at; a link that a person names is meant.
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise UsageError(f"{name} is no regular file: name one that is")
                data = file.read(limit + 1)
        except OSError as error:
            why = f"{error.strerror}; check path and rights"
            raise UsageError(f"{name} cannot be read: {why}") from error
    if len(data) > limit:
        raise UsageError(f"{name} is larger than {bound} ({limit:,} bytes): split it")
    return data, path if path != STDIN else "stdin"
