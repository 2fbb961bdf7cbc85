"""What waits, told often and cheaply: a status page asks each second, of thousands of batches.

:func:`worker.spool.batch.look` reads each batch's manifest and counts what is there; that is what
an audit wants. Here a batch is counted once and then known by its folder's inode and time, which
change with every file that comes or goes.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from worker.errors import SpoolUnavailable
from worker.spool import manifest
from worker.spool.batch import Waiting, is_free, names
from worker.spool.layout import Root

_SETTLED_NS = 2_000_000_000
"""A folder that changed so lately is counted again."""


@dataclass(frozen=True, slots=True)
class _Counted:
    inode: int
    changed_ns: int
    files: int


class Waits:
    """Counts batches, and remembers those that it counted. Safe to be asked by several threads."""

    def __init__(self) -> None:
        self._counted: dict[Root, dict[str, _Counted]] = {}

    def look(self, root: Root) -> list[Waiting]:
        """Every batch in `root`, oldest first. Raises SpoolUnavailable."""
        before = self._counted.get(root, {})
        after: dict[str, _Counted] = {}
        waiting = []
        for name in names(root):
            folder = f"{root.work}/{name}"
            counted = _counted(folder, before.get(name))
            if counted is not None:
                after[name] = counted
                locked = not is_free(root.work / name)
                waiting.append(Waiting(root, name, counted.files, locked))
        self._counted[root] = after
        return waiting


def _counted(folder: str, before: _Counted | None) -> _Counted | None:
    """The batch in `folder`; None where it is finished meanwhile."""
    try:
        about = os.stat(folder)
        # One that changed so lately may change again within the same tick of its clock.
        settled = time.time_ns() - about.st_mtime_ns > _SETTLED_NS
        if before and before == _Counted(about.st_ino, about.st_mtime_ns, before.files) and settled:
            return before
        return _Counted(about.st_ino, about.st_mtime_ns, _count(folder))
    except FileNotFoundError as error:
        if Path(folder).is_dir():
            raise SpoolUnavailable(f"the batch {folder} has no manifest") from error
        return None
    except OSError as error:
        raise SpoolUnavailable(f"the batch {folder} cannot be read: {error.strerror}") from error


def _count(folder: str) -> int:
    """What was copied came whole, as its manifest says; what is moved comes one by one."""
    found = os.listdir(folder)
    if manifest.PACK not in found:
        return sum(map(str.isdecimal, found))
    return Path(folder, manifest.NAME).read_bytes().count(b"\n") - 1
