"""What a command is given: a file or standard input."""

import os
import stat
import sys

from worker.errors import UsageError
from worker.escape import printable

STDIN = "-"


def read_input(path: str, limit: int) -> tuple[bytes, str]:
    """(bytes, name) of the file `path`, or of standard input where it is `-`.

    Raises UsageError where it cannot be read, is no regular file or has more than `limit` bytes.
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
                    raise UsageError(f"{name} is no regular file")
                data = file.read(limit + 1)
        except OSError as error:
            raise UsageError(f"{name} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise UsageError(f"{name} is larger than limits.file_mb allows ({limit:,} bytes)")
    return data, path if path != STDIN else "stdin"
