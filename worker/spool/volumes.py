"""On which file system the spool of each drop folder is, to notice a volume that is not mounted.

Where the volume of a drop folder is not mounted, its folder looks like an empty one on the disk
below. Nothing may be created or claimed there: it would be hidden when the volume comes back.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.spool.layout import SPOOL, translate_errors, write_durably

_STATE = "volumes.json"
"""The device number of each drop folder's spool, by path."""


def volume_problem(state_dir: Path, name: str, folder: Path) -> str | None:
    """A message if the volume of the drop folder `name` is not mounted: its spool is gone, and the
    folder is on another device than before."""
    device = _load(state_dir).get(_key(folder))
    if device is None or os.path.lexists(folder / SPOOL):
        return None
    try:
        if os.stat(folder).st_dev == device or _device_below(folder) == device:
            return None
    except OSError:
        return None  # a folder that is missing is reported as such
    return (
        f"the volume of folder {name} is not mounted at {printable(folder, 4096)}: mount it, and "
        f"its files are claimed again; to use the folder as it is now, create {SPOOL} in it"
    )


def check_volume(state_dir: Path, name: str, folder: Path) -> None:
    """Raise SpoolUnavailable if the volume of the drop folder is not mounted."""
    if problem := volume_problem(state_dir, name, folder):
        raise SpoolUnavailable(problem)


def remember_volume(state_dir: Path, folder: Path) -> None:
    """Record where the spool of a drop folder is now. Raises SpoolUnavailable."""
    with translate_errors(state_dir):
        device = os.stat(folder / SPOOL).st_dev
        devices = _load(state_dir)
        if devices.get(_key(folder)) != device:
            devices = {**devices, _key(folder): device}
            write_durably(state_dir / _STATE, json.dumps(devices).encode())


def _device_below(folder: Path) -> int:
    """The device on which the volume of `folder` is mounted: where the spool was on that one, a new
    volume has been mounted over it."""
    there = folder.absolute()
    mount = next(path for path in (there, *there.parents) if os.path.ismount(path))
    return os.stat(mount.parent).st_dev


def _key(folder: Path) -> str:
    return os.path.abspath(folder)  # noqa: PTH100  resolve() would follow links


def _load(state_dir: Path) -> Mapping[str, int]:
    try:
        devices = json.loads((state_dir / _STATE).read_bytes())
    except (OSError, ValueError):
        return {}
    return devices if isinstance(devices, dict) else {}
