"""Room on the disk: intake pauses before it is full."""

import shutil
from pathlib import Path

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.settings import MEGABYTE, Settings
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


def check_room(settings: Settings) -> None:
    """Raise SpoolUnavailable where scans and enqueues wait for room on the state directory's disk,
    or on a drop folder's. What is not there is not asked."""
    # One that is read in place may be a mount that never has room: nothing is written there.
    folders = [folder.path for folder in settings.all_folders() if not folder.in_place]
    for path in (settings.state_dir, *folders):
        if path.is_dir():
            check_free(path, settings.spool.min_free_mb)
