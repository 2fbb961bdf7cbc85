"""Room on the disk: intake pauses before it is full."""

import shutil
from pathlib import Path

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.settings import MEGABYTE
from worker.spool.layout import translated


def check_free(path: Path, least_mb: int) -> None:
    """Raise SpoolUnavailable where less than `least_mb` megabytes are free at `path`.

    What was accepted is still worked on: that makes room.
    """
    with translated(path):
        free = shutil.disk_usage(path).free // MEGABYTE
    if free < least_mb:
        raise SpoolUnavailable(
            f"only {free:,} MB are free at {printable(path)}, less than spool.min_free_mb = "
            f"{least_mb:,}: intake waits until there is room"
        )
