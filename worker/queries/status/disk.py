"""Disk usage: the room on the disk, and the bytes of spool, archive and quarantine.

Open pages ask every second, so each part is added up for a few milliseconds at a time.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from worker.settings import MEGABYTE, Settings
from worker.spool.batch import WaitingBatch
from worker.spool.folder_cache import DiskUsage, FolderCache, disk_usage, measure_folder
from worker.spool.quarantine import DISCARDED
from worker.spool.waiting import batch_size


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of the state directory, in bytes; intake pauses below `least`.

    `spool` and `archive` are the sizes of the waiting batches and of the archive; they are at least
    that large where `whole` is False: a large archive is added up in several looks. `total` is None
    where the disk does not answer.
    """

    free: int | None
    total: int | None
    least: int
    spool: int
    archive: int
    whole: bool


@dataclass(frozen=True, slots=True)
class SizeCaches:
    """Sizes of folders, of one state directory."""

    spool: FolderCache[int]
    archive: FolderCache[int]
    quarantine: FolderCache[int]


@lru_cache(maxsize=8)
def size_caches(_: Path) -> SizeCaches:
    return SizeCaches(
        spool=FolderCache(batch_size, budget_seconds=0.005),
        archive=FolderCache(measure_folder, budget_seconds=0.01, recheck_seconds=30),
        quarantine=FolderCache(measure_folder, budget_seconds=0.01),
    )


def read_disk(settings: Settings, batches: Iterable[WaitingBatch]) -> Disk:
    """Disk usage as far as it is added up. `batches` are those in the spool."""
    caches = size_caches(settings.state_dir)
    spool = disk_usage(caches.spool, [f"{batch.root.work}/{batch.name}" for batch in batches])
    days = _folders_in(f"{settings.state_dir}/archive")
    segments = [folder for day in days for folder in _folders_in(day)]  # one for each source
    archive = disk_usage(caches.archive, segments)
    try:
        room = shutil.disk_usage(settings.state_dir)
    except OSError:
        room = None
    return Disk(
        free=room.free if room else None,
        total=room.total if room else None,
        least=settings.spool.min_free_mb * MEGABYTE,
        spool=spool.bytes,
        archive=archive.bytes,
        whole=spool.whole and archive.whole,
    )


def quarantine_usage(settings: Settings) -> tuple[int, DiskUsage]:
    """(number of inputs in quarantine, their bytes and those of discarded inputs)."""
    inputs = _folders_in(f"{settings.state_dir}/quarantine")
    folders = [*inputs, *_folders_in(f"{settings.state_dir}/{DISCARDED}")]
    return len(inputs), disk_usage(size_caches(settings.state_dir).quarantine, folders)


def _folders_in(folder: str) -> list[str]:
    """The last by name first: of days, the newest."""
    try:
        return [f"{folder}/{name}" for name in sorted(os.listdir(folder), reverse=True)]
    except OSError:
        return []
