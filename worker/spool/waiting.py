"""The waiting batches, counted cheaply: a status page asks every second, of thousands of batches.

:func:`worker.spool.batch.inspect_waiting` reads each batch's manifest and counts the files that are
there; the audit wants that. Here a batch is counted once, until its folder changes. (Paths are
strings: making Path objects took three quarters of the time.)
"""

import os
from functools import cache

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.settings.flock import closing_fd
from worker.spool import manifest
from worker.spool.batch import WaitingBatch, batch_names
from worker.spool.claim import LOCK
from worker.spool.folder_cache import FolderCache, measure_folder
from worker.spool.layout import Root, read_all, translate_errors
from worker.spool.lockfile import is_free


def list_waiting(root: Root) -> list[WaitingBatch]:
    """Every batch in `root`, oldest first. Raises SpoolUnavailable."""
    folders = {f"{root.work}/{name}": name for name in batch_names(root)}
    with translate_errors(root.work):
        counts = _counts(root).get_values([*folders])
    return [
        WaitingBatch(root, name, counts[folder] or 0, is_locked=not is_free(f"{folder}/{LOCK}"))
        for folder, name in folders.items()
        if folder in counts
    ]


def batch_size(folder: str) -> int | None:
    """The bytes of a batch's files, without its manifest and journal."""
    return measure_folder(folder, lambda name: name == manifest.PACK or name.isdecimal())


@cache
def _counts(_: Root) -> FolderCache[int]:
    return FolderCache(_count)


def _count(folder: str) -> int:
    """The files in a batch. Copied files came together, and the manifest lists them; moved files
    come one by one."""
    try:
        names = os.listdir(folder)
        if manifest.PACK not in names:
            return sum(map(str.isdecimal, names))
        with closing_fd(os.open(f"{folder}/{manifest.NAME}", os.O_RDONLY | os.O_CLOEXEC)) as fd:
            return read_all(fd, os.fstat(fd).st_size).count(b"\n") - 1
    except FileNotFoundError as error:
        if not os.access(folder, os.F_OK):
            raise
        raise SpoolUnavailable(
            f"the batch {printable(folder)} has no manifest: check the disk"
        ) from error
    except OSError as error:
        why = f"the batch {printable(folder)} cannot be read: {error.strerror}"
        raise SpoolUnavailable(why) from error
