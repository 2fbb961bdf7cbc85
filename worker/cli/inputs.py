"""What a command is given: a file or standard input, and a source's name."""

import difflib
import os
import stat
import sys
from typing import TYPE_CHECKING

from worker.errors import UsageError
from worker.escape import printable

if TYPE_CHECKING:
    from worker.settings import Settings

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


def known_source(settings: "Settings", name: str | None) -> None:
    """Raises UsageError with the nearest name where `name` is no source."""
    from worker.settings import MANUAL

    if name is not None and name != MANUAL:
        known_folder(settings, name)


def known_folder(settings: "Settings", name: str) -> None:
    """Raises UsageError with the nearest name where no drop folder is called `name`."""
    names = [folder.name for folder in settings.all_folders()]
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
    raise UsageError(f"no source is named {printable(name, 80)}; {hint}")
