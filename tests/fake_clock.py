"""Processes with another clock than this machine's, by libfaketime (Debian's package faketime)."""

from pathlib import Path

LIBRARY = "usr/lib/*/faketime/libfaketimeMT.so.1"
_SLEEP = '''\
"""libfaketime fails a sleep with EINVAL that ended before it began, as on a machine at load."""
import time

_sleep = time.sleep


def sleep(seconds):
    try:
        _sleep(seconds)
    except OSError:
        return


time.sleep = sleep
'''


class NoFakeClock(Exception):
    """libfaketime is not installed."""


def fake_clock(folder: Path, **setting: str) -> dict[str, str]:
    """Environment variables of libfaketime for a process whose clock `setting` sets. Raises
    NoFakeClock."""
    library = next(Path("/").glob(LIBRARY), None)
    if library is None:
        raise NoFakeClock("no libfaketime (Debian's package faketime)")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(_SLEEP)
    return {
        "LD_PRELOAD": str(library),
        "PYTHONPATH": str(folder),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
        **setting,
    }
