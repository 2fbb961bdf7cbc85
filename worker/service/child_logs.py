"""The children's logs: one file each, bounded, with their warnings shown on the terminal."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from worker.escape import printable
from worker.logs import summary

MAX_BYTES = 16 * 1024 * 1024
"""Bytes after which a log becomes `<child>.log.1`; both together are at most twice as large."""

_MAX_READ = 256 * 1024  # bytes of one log searched for warnings in one round

# `[2026-01-31 10:00:00,000: WARNING/MainProcess] …`: Celery's own format
_CELERY = re.compile(r"^\[[^]]*\b(?:WARNING|ERROR|CRITICAL)\b[^]]*\]\s*(.*)")
# `81:M 31 Jan 2026 10:00:00.000 # …`: the server marks warnings with a #. Lines that begin with
# WARNING are advice about the kernel at each start; its "bye bye" is not a warning.
_SERVER = re.compile(r"^\d+:\w \d+ \w+ \d+ [\d:.]+ # (?!WARNING|.*bye bye)(.*)")
# `2026-01-31T10:00:00Z [warning  ] …`: structlog for people
_CONSOLE = re.compile(r"^\S+ \[(?:warning|error|critical)\s*\] (.*)")
_HIDDEN = {"level", "event", "timestamp", "logger", "pid", "exception", "batch"}
"""Fields that are only in the log: a line on a terminal is short."""

_LEVELS = {"warning", "error", "critical"}


class ChildLog:
    """`<logs>/<child>.log`: the child appends to it, :meth:`warnings` reads the new lines.

    The file stays open, because the child writes on into it whatever becomes of its name.
    """

    def __init__(self, folder: Path, child: str) -> None:
        self.path = folder / f"{child}.log"
        self._file: IO[bytes] | None = None
        self._read = self.path.stat().st_size if self.path.exists() else 0
        self._last = ""
        self._was_moved = False

    def open(self) -> IO[bytes]:
        """For the child's output, in append mode: :meth:`trim` may truncate it meanwhile."""
        output = self.path.open("ab", buffering=0)
        self.close()
        self._file, self._was_moved = self.path.open("r+b", buffering=0), False
        return output

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def add_error(self, event: str) -> None:
        """Add a line about the child, which cannot write it itself."""
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"timestamp": stamp, "level": "error", "event": event})
        with suppress(OSError), self.open() as file:
            file.write(f"{line}\n".encode())
            self._last = event  # the caller shows it

    def warnings(self) -> Iterator[str]:
        """The warnings since the last call, escaped, one line each, without repetitions; the first
        time also that the file was moved away or removed."""
        if self._file is None:
            return
        if not self._was_moved and self._is_moved():
            self._was_moved = True
            yield (
                f"{printable(self.path)} was moved or removed: its lines are in the old file until "
                "the service is restarted; let logrotate use copytruncate"
            )
        size = os.fstat(self._file.fileno()).st_size
        if size < self._read:  # truncated, by us or by logrotate
            self._read = 0
        self._read = max(self._read, size - _MAX_READ)
        self._file.seek(self._read)
        data = self._file.read(_MAX_READ)
        end = data.rfind(b"\n") + 1  # the last line may be incomplete
        self._read += end
        for line in data[:end].decode("utf-8", "replace").splitlines():
            warning = warning_in(line)
            if warning and warning != self._last:
                self._last = warning
                # Our own log lines are escaped already: do not double their backslashes.
                yield printable(warning).replace("\\\\", "\\")

    def tail(self, lines: int = 8) -> list[str]:
        """The last lines, escaped."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - 16_384))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return []
        return [printable(line) for line in text.splitlines()[-lines:]]

    def trim(self) -> None:
        """Truncate a large file after copying it; the child's descriptor stays valid. One that was
        moved belongs to whoever moved it; a removed one is truncated: nobody else can."""
        if self._file is None or (status := os.fstat(self._file.fileno())).st_size <= MAX_BYTES:
            return
        with suppress(OSError):  # a full disk: logging must not stop the service
            if not self._is_moved():
                shutil.copyfile(self.path, self.path.with_name(self.path.name + ".1"))
            elif status.st_nlink:
                return
            self._file.truncate(0)

    def _is_moved(self) -> bool:
        """Whether the child's file has its name no more."""
        assert self._file is not None
        try:
            return not os.path.samestat(self.path.stat(), os.fstat(self._file.fileno()))
        except OSError:
            return True


def warning_in(line: str) -> str | None:
    """The warning in a log line of newsdrop, Celery or the server; None for any other line."""
    if line.startswith("{"):
        try:
            values = json.loads(line)
        except ValueError:
            return None
        if not isinstance(values, dict) or str(values.get("level", "")).lower() not in _LEVELS:
            return None
        fields = {key: value for key, value in values.items() if key not in _HIDDEN}
        if error := _first_error(values.get("exception")):
            fields["error"] = error
        return summary(str(values.get("event", "")), fields)
    for shape in (_CELERY, _SERVER, _CONSOLE):
        if match := shape.match(line):
            return match[1] or None
    return None


def _first_error(exception: Any) -> str:
    """The first error of a chain, as `ValueError: its message`."""
    match exception:
        case [{"exc_type": kind, "exc_value": message}, *_]:
            return f"{kind}: {message}" if message else str(kind)
        case _:
            return ""
