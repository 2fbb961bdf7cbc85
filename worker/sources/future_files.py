"""Files whose ctime is in the future: a clock that was ahead stamped them.

Their age is unknown, so such a file is ready when two scans, the settle time apart by the folder's
own clock, found it with the same stamp. Without this a file written by a clock 8 hours ahead waited
8 hours. A later write of the file gets a stamp of the right clock, and the usual rule holds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worker.sources.walk import WalkedFile
from worker.spool.layout import write_durably

_NOTES = "ahead.json"
_MAX_NOTES = 20_000
"""Maximum recorded files; others follow when these have been claimed."""


@dataclass(slots=True)
class FutureFiles:
    """The record of earlier scans in `home`: path → [ctime in ns, size, when it was first seen]."""

    home: Path
    clock: float
    _earlier: Mapping[str, Any] | None = None
    _now: dict[str, Any] = field(default_factory=dict)

    def is_ready(self, file: WalkedFile) -> bool:
        """Whether an earlier scan found it unchanged, at least its settle time ago."""
        if self._earlier is None:
            self._earlier = _load(self.home / _NOTES)
        stamp = [file.status.st_ctime_ns, file.status.st_size]
        match self._earlier.get(file.path):
            case [ctime, size, float(first)] if [ctime, size] == stamp and first <= self.clock:
                pass
            case _:
                first = self.clock
        if self.clock - first >= file.settle_seconds:
            return True
        if len(self._now) < _MAX_NOTES:
            self._now[file.path] = [*stamp, first]
        return False

    def save(self, *, is_whole: bool) -> None:
        """Save the record; after a scan of some files only, keep that of the others. Raises
        OSError."""
        notes = dict(self._now) if is_whole else {**(self._earlier or {}), **self._now}
        path = self.home / _NOTES
        if notes:
            write_durably(path, json.dumps(notes).encode())
        elif is_whole:
            path.unlink(missing_ok=True)


def _load(path: Path) -> Mapping[str, Any]:
    try:
        notes = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}
