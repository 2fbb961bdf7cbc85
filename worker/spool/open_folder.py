"""Opening a folder below another one, so that no link leads out of it.

A path is looked up again at each use: a folder that was examined may be a link when its files are
claimed. A descriptor stays with the folder that was opened, and each part of the way to it is
opened by itself, so that a link anywhere in it is refused.
"""

import os
from dataclasses import dataclass

_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC


def open_below(top: str, folder: str, flags: int = os.O_PATH) -> int:
    """A descriptor of `folder` below `top`, where `top` itself may be a link.

    O_PATH needs only the right to search it; give O_RDONLY to list it. Raises NotADirectoryError
    where a part of `folder` is a link or no folder, and OSError.
    """
    parts = folder.split("/") if folder else []
    fd = os.open(top, _FOLDER | (os.O_PATH if parts else flags))
    for number, part in enumerate(parts, start=1):
        kind = flags if number == len(parts) else os.O_PATH
        try:
            deeper = os.open(part, _FOLDER | os.O_NOFOLLOW | kind, dir_fd=fd)
        finally:
            os.close(fd)
        fd = deeper
    return fd


@dataclass(slots=True)
class FolderOpener:
    """Opens folders for one file after another; holds only the last one, however deep it is."""

    _key: tuple[str, str] | None = None
    _fd: int = -1

    def open(self, top: str, folder: str) -> int:
        """As :func:`open_below`; the descriptor is valid until the next call."""
        if self._key != (top, folder):
            self.close()
            self._fd = open_below(top, folder)
            self._key = top, folder
        return self._fd

    def close(self) -> None:
        if self._key is not None:
            os.close(self._fd)
            self._key = None
