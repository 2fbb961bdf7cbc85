"""The list of accepted batches: one line each, so that `audit` can miss what has vanished.

`<state>/accepted/<day>.log` holds `<batch> <files>` a line, appended when a batch is full. A
batch whose claimer died before that is still found in `work/` or in the archive.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from worker.spool.layout import day_of


class Accepted:
    """The list below one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self._dir = state_dir / "accepted"

    def add(self, batch: str, files: int) -> None:
        """Note that `batch` was accepted with so many files (one write: safe among processes)."""
        self._dir.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        fd = os.open(self._dir / f"{day_of(batch)}.log", flags, 0o660)
        try:
            os.write(fd, f"{batch} {files}\n".encode())
        finally:
            os.close(fd)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Every batch noted, oldest day first, with its number of files."""
        if not self._dir.is_dir():
            return
        for path in sorted(self._dir.glob("*.log")):
            for line in path.read_text("utf-8", "replace").splitlines():
                batch, _, files = line.partition(" ")
                if files.isdigit():
                    yield batch, int(files)

    def forget_before(self, day: str) -> None:
        """Drop the lists of days before `day` (`YYYYMMDD`)."""
        for path in self._dir.glob("*.log"):
            if path.stem < day:
                path.unlink(missing_ok=True)
