"""Input named on the command line: a file, an address or standard input."""

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


def read_or_fetch(settings: Settings, path: str, source: str | None) -> Incoming:
    """The bytes of a file, of standard input (`-`) or of an address, which is fetched now.

    Raises UsageError, FetchFailed.
    """
    if is_address(path):
        return fetch_once(settings, path, utc_now(), source)
    return Incoming(*read_input(path, settings.limits.file_bytes))


def read_input(
    path: str, limit: int, limit_name: str = "limits.file_mb allows"
) -> tuple[bytes, str]:
    """(bytes, name) of the file `path`, or of standard input where it is `-`.

    Raises UsageError where it cannot be read, is not a regular file, or has more than `limit`
    bytes; `limit_name` completes "larger than …".
    """
    if path == STDIN:
        data = sys.stdin.buffer.read(limit + 1)
        name = "standard input"
    else:
        name = printable(path)
        try:
            # Opening a FIFO would block. A symbolic link is followed: a person named it.
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise UsageError(f"{name} is not a regular file: name a regular file")
                data = file.read(limit + 1)
        except IsADirectoryError as error:
            raise UsageError(f"{name} is a folder: name a file") from error
        except OSError as error:
            reason = f"{error.strerror}; check the path and its permissions"
            raise UsageError(f"{name} cannot be read: {reason}") from error
    if len(data) > limit:
        raise UsageError(f"{name} is larger than {limit_name} ({limit:,} bytes): split it")
    return data, path if path != STDIN else "stdin"
