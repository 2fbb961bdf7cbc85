"""Doctor's checks of this machine: disk, folders, clock, inotify, time zones."""

import ctypes
import errno
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from worker.escape import printable
from worker.health.check import Check
from worker.health.preflight import owner_check
from worker.settings import MEGABYTE, Folder, Settings
from worker.sources.walk import is_ignored
from worker.spool.filesystem import probe_fs
from worker.spool.layout import SPOOL
from worker.spool.volumes import volume_problem

SKEW_SECONDS = 2.0
"""Difference between a file system's clock and ours that is reported. It breaks nothing: settling
uses only the file system's clock."""

INOTIFY = Path("/proc/sys/fs/inotify")
"""Its files are the three limits, each for all processes of a user or for one instance."""

_MIN_INSTANCES = 16
"""The listener needs one instance, and shares them with all programs of its user; the kernel's
default is 128."""

_MIN_EVENTS = 16_384
"""Events that wait for the listener: the kernel's default. After an overflow a scan finds the
files, later."""

_OLDEST_YEAR = 2025  # this was written later: an earlier clock is wrong
_UNSUPPORTED = (errno.EXDEV, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL, errno.ENOSYS)
_MAX_COUNT = 20_000  # folders; enough to know that there are many


def machine_checks(settings: Settings) -> Iterator[Check]:
    """The state directory, each drop folder, then the machine as a whole."""
    yield from _space_check("state directory", settings.state_dir, settings)
    for folder in settings.all_folders():
        yield from _folder(folder, settings)
    yield _clock()
    yield _inotify(settings)
    yield _time_zones()


def _space_check(name: str, path: Path, settings: Settings) -> Iterator[Check]:
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free // MEGABYTE
    message = f"{printable(path)}: {free:,} MB free"
    if not os.access(there, os.W_OK):
        advice = "give newsdrop's user permission"
        yield Check(name, "fail", f"{printable(there)} cannot be written", advice)
    elif (
        path == settings.state_dir == there
        and (defect := probe_fs(path))
        and defect.is_lock_failure
    ):
        yield Check(name, "fail", defect.message, "keep it on a file system that has locks")
    elif free < settings.spool.min_free_mb:
        advice = (
            f"free disk space: intake pauses below spool.min_free_mb = {settings.spool.min_free_mb}"
        )
        yield Check(name, "fail", message, advice)
    else:
        yield Check(name, "ok", message)


def _folder(folder: Folder, settings: Settings) -> Iterator[Check]:
    name = f"folder {folder.name}"
    if not folder.path.is_dir():
        message = f"{printable(folder.path)} is not there"
        in_place = folder.in_place
        advice = "mount it" if in_place else "create or mount it; `newsdrop up` creates it"
        yield Check(name, "warn", message, advice)
        return
    if folder.in_place:
        yield _reading(name, folder.path)
        return
    if problem := volume_problem(settings.state_dir, folder.name, folder.path):
        message, _, advice = problem.partition(": ")
        yield Check(name, "fail", message, advice)
        return
    yield from _space_check(name, folder.path, settings)
    yield _claiming(name, folder.path)
    yield from owner_check(settings.state_dir, folder)


def _reading(name: str, path: Path) -> Check:
    """A folder that is read in place must only be readable."""
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                entry.stat(follow_symlinks=False)
                break
    except OSError as error:
        message = f"{printable(path)} cannot be read: {error.strerror}"
        return Check(name, "fail", message, "give newsdrop's user permission to read and search it")
    return Check(name, "ok", f"{printable(path)} is read in place: nothing in it is moved")


def _claiming(name: str, path: Path) -> Check:
    """Try what a claim does, in the folder's spool: create, rename, lock, sync."""
    spool = path / SPOOL
    probe, target = path / f".newsdrop-doctor-{os.getpid()}.tmp", spool / f"doctor-{os.getpid()}"
    step = "read the folder"
    try:
        with os.scandir(path) as entries:
            next(entries, None)
        step = "write a file"
        spool.mkdir(mode=0o770, exist_ok=True)
        probe.write_bytes(b"")
        skew = probe.stat().st_ctime - time.time()
        step = "rename a file into the spool"
        probe.rename(target)
        step = "sync a file"
        with target.open("rb") as file:
            os.fsync(file.fileno())
        defect = probe_fs(spool)
    except OSError as error:
        advice = "give newsdrop's user permission to read, write and search the folder"
        if error.errno in _UNSUPPORTED:
            advice = "its file system cannot do that: move the folder to another"
        message = f"newsdrop cannot {step} in {printable(path)}: {error.strerror}"
        return Check(name, "fail", message, advice)
    finally:
        probe.unlink(missing_ok=True)
        target.unlink(missing_ok=True)
    if defect is not None:
        return Check(
            name, "fail", defect.message, "keep the folder on a file system that has locks"
        )
    if abs(skew) > SKEW_SECONDS:
        message = f"its clock differs from this machine's by {skew:+.0f} s"
        return Check(name, "warn", message, "run NTP on both; settling uses the folder's own clock")
    return Check(name, "ok", "files can be claimed here: create, rename, lock and sync work")


def _clock() -> Check:
    now = datetime.now(UTC)
    message = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now.year < _OLDEST_YEAR or now.year > _OLDEST_YEAR + 50:
        return Check("clock", "fail", f"it says {message}", "set the system's clock (NTP)")
    return Check("clock", "ok", message)


def _inotify(settings: Settings) -> Check:
    """Whether the limits are high enough: one watch for each folder and subfolder, an instance, and
    room for events that come all at once."""
    try:
        watches, instances, events = (
            int((INOTIFY / f"max_{name}").read_text())
            for name in ("user_watches", "user_instances", "queued_events")
        )
    except (OSError, ValueError):
        message = "this system has none: only scheduled scans find files"
        return Check(
            "file events", "warn", message, "lower worker.tick_seconds if that is too slow"
        )
    folders = sum(_subfolders(folder.path) for folder in settings.all_folders())
    message = (
        f"folders to watch: {folders:,} of {watches:,} allowed; "
        f"{instances:,} instances, {events:,} waiting events allowed"
    )
    low = {
        "user_watches": folders * 2 > watches,
        "user_instances": instances < _MIN_INSTANCES or not _has_instance(),
        "queued_events": events < _MIN_EVENTS,
    }
    if names := [f"fs.inotify.max_{name}" for name, is_low in low.items() if is_low]:
        return Check("file events", "warn", message, f"raise sysctl {', '.join(names)}")
    return Check("file events", "ok", message)


def _has_instance() -> bool:
    """Whether this user may open one more inotify instance."""
    fd = ctypes.CDLL(None).inotify_init1(os.O_CLOEXEC)
    if fd < 0:
        return False
    os.close(fd)
    return True


def _subfolders(path: Path) -> int:
    """The number of the folder and its subfolders, up to _MAX_COUNT."""
    count, levels = 0, [str(path)]
    while levels and count < _MAX_COUNT:
        count += 1
        try:
            with os.scandir(levels.pop()) as entries:
                levels += (
                    entry.path
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False) and not is_ignored(entry.name)
                )
        except OSError:
            continue
    return count


def _time_zones() -> Check:
    try:
        zones = [ZoneInfo(name) for name in ("Asia/Shanghai", "America/New_York")]
    except ZoneInfoNotFoundError:
        advice = "install the package tzdata"
        return Check("time zones", "fail", "there is no time zone data", advice)
    return Check("time zones", "ok", f"known, as {zones[0].key}")
