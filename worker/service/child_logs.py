"""The children's logs: one file each, kept small, their warnings shown on the terminal."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from worker.escape import printable
from worker.logs import told as told_of

LARGEST = 16 * 1024 * 1024
"""Bytes, after which a log becomes `<child>.log.1`; so a child has at most twice as many."""

_MOST_READ = (
    256 * 1024
)  # bytes of one log looked at in one round; what is beyond is only in the file

# `[2026-01-31 10:00:00,000: WARNING/MainProcess] …`: Celery's own format
_CELERY = re.compile(r"^\[[^]]*\b(?:WARNING|ERROR|CRITICAL)\b[^]]*\]\s*(.*)")
# `81:M 31 Jan 2026 10:00:00.000 # …`: the server marks warnings with a #. Those that begin with
# WARNING are advice on the kernel at each start, and its "ready to exit" is none.
_SERVER = re.compile(r"^\d+:\w \d+ \w+ \d+ [\d:.]+ # (?!WARNING|.*bye bye)(.*)")
# `2026-01-31T10:00:00Z [warning  ] …`: structlog for people
_CONSOLE = re.compile(r"^\S+ \[(?:warning|error|critical)\s*\] (.*)")
_UNTOLD = {"level", "event", "timestamp", "logger", "pid", "exception", "batch"}
"""What is in the log for whoever looks there; a line on a terminal is short."""

_LEVELS = {"warning", "error", "critical"}


class ChildLog:
    """`<logs>/<child>.log`: the child appends to it, :meth:`warnings` reads what came since."""

    def __init__(self, folder: Path, child: str) -> None:
        self.path = folder / f"{child}.log"
        self._read = self.path.stat().st_size if self.path.exists() else 0
        self._last = ""

    def open(self) -> IO[bytes]:
        """For the child's output. Appending, so that :meth:`trim` may shorten it meanwhile."""
        return self.path.open("ab", buffering=0)

    def warnings(self) -> Iterator[str]:
        """The warnings written since the last call, escaped, one line each, repeats left out."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return
        if size < self._read:  # trimmed, by us or by somebody's logrotate
            self._read = 0
        self._read = max(self._read, size - _MOST_READ)
        with self.path.open("rb") as file:
            file.seek(self._read)
            fresh = file.read(_MOST_READ)
        whole = fresh.rfind(b"\n") + 1
        self._read += whole
        for line in fresh[:whole].decode("utf-8", "replace").splitlines():
            said = warning_in(line)
            if said and said != self._last:
                self._last = said
                # Our own log lines are escaped when they are written: their backslashes are no new.
                yield printable(said).replace("\\\\", "\\")

    def tail(self, lines: int = 8) -> list[str]:
        """The last lines, escaped."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - 16_384))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return []
        return [printable(line) for line in text.splitlines()[-lines:]]

    def trim(self) -> None:
        """Begin anew where the file has grown large; the child's descriptor stays good."""
        try:
            if self.path.stat().st_size > LARGEST:
                shutil.copyfile(self.path, self.path.with_name(self.path.name + ".1"))
                with self.path.open("r+b") as file:
                    file.truncate()
        except OSError:
            return  # a full disk: a log must not be what stops the service


def warning_in(line: str) -> str | None:
    """What a log line warns of; None where it does not. Reads JSON, Celery's and the server's."""
    if line.startswith("{"):
        try:
            told = json.loads(line)
        except ValueError:
            return None
        if not isinstance(told, dict) or str(told.get("level", "")).lower() not in _LEVELS:
            return None
        fields = {key: value for key, value in told.items() if key not in _UNTOLD}
        if raised := _raised(told.get("exception")):
            fields["error"] = raised
        return told_of(str(told.get("event", "")), fields)
    for shape in (_CELERY, _SERVER, _CONSOLE):
        found = shape.match(line)
        if found:
            return found[1] or None
    return None


def _raised(exception: Any) -> str:
    """The error of a line, its first in a chain, as `ValueError: what it says`."""
    match exception:
        case [{"exc_type": kind, "exc_value": said}, *_]:
            return f"{kind}: {said}" if said else str(kind)
        case _:
            return ""
