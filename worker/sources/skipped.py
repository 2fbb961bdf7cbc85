"""What the last look at a whole drop folder left alone, noted beside the source's spool."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from worker.spool.layout import write_durably

_NAME = "left.json"


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that will not be taken as it is, and why. `path` is escaped."""

    path: str
    why: str


def note(spool: Path, files: Sequence[SkippedFile], count: int) -> None:
    """Note the first `files` of `count` left alone; with none, what was noted before is gone.

    Raises OSError.
    """
    path = spool / _NAME
    if count:
        listed = [asdict(one) for one in files]
        write_durably(path, json.dumps({"count": count, "files": listed}).encode())
    else:
        path.unlink(missing_ok=True)


def noted(spool: Path) -> tuple[tuple[SkippedFile, ...], int]:
    """The files noted, and how many there were; none where nothing (readable) is noted."""
    try:
        found = json.loads((spool / _NAME).read_text("utf-8"))
        files = tuple(SkippedFile(one["path"], one["why"]) for one in found["files"])
        return files, int(found["count"])
    except (OSError, ValueError, KeyError, TypeError):
        return (), 0
