"""The spool folders ever claimed into: what waits in one is worked on whatever is configured now.

A drop folder can be named for one `up` only, or be taken out of the config file, while batches
that were accepted from it wait in it. `<state>/spools` names every such folder, one JSON string a
line.
"""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

NOTED = "spools"


@cache
def note(state_dir: Path, spool: Path) -> None:
    """Be sure that `spool` is noted; once a process. Raises OSError."""
    if spool in noted(state_dir):
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    fd = os.open(state_dir / NOTED, flags, 0o660)
    try:
        line = json.dumps(os.path.abspath(spool))  # noqa: PTH100
        os.write(fd, f"\n{line}\n".encode())  # a line cut off before it stays one of its own
        os.fsync(fd)
    finally:
        os.close(fd)


def noted(state_dir: Path) -> tuple[Path, ...]:
    """Those noted, in order; a line that was cut off is left out."""
    try:
        lines = (state_dir / NOTED).read_text("utf-8", "replace").splitlines()
    except OSError:
        return ()
    return tuple(dict.fromkeys(_paths(lines)))


def usable(state_dir: Path) -> Iterator[Path]:
    """Those that are there and can be worked in; one that was removed or unmounted is not."""
    for spool in noted(state_dir):
        if os.access(spool / "work", os.R_OK | os.W_OK | os.X_OK):
            yield spool


def _paths(lines: list[str]) -> Iterator[Path]:
    for line in lines:
        try:
            path = json.loads(line)
        except ValueError:
            continue
        if isinstance(path, str):
            yield Path(path)
