"""A batch's journal: the entry that is being read, and the outcome of each article.

Appended while a batch is worked on, so that the next worker after a crash knows the outcomes (one a
line), the finished entries (`{"done": 3}`), and the entry that was being read when the process
died: `{"hand": 3}` starts an entry, the next `hand` line ends it (`{"hand": null}`: no entry is
being read). A crash may leave a torn last line: it is not read.

`{"run": <pid>}` begins the lines of a process. With `"server"` it says under which run of Redis the
outcomes after it were decided: one that was restarted since may have lost them.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from worker.errors import Reason
from worker.model import FeedRead, Outcome, Status, Story
from worker.model.from_json import dataclass_from
from worker.spool.disk_errors import disk_failure

NAME = "journal"


@dataclass(frozen=True, slots=True)
class Progress:
    """The notes of earlier workers: outcomes, finished entries, crashes by the entry that was being
    read, and every entry that was ever started: articles of it may be published. `servers` has the
    run id of Redis under which each outcome was decided; '' if unknown."""

    outcomes: tuple[Outcome, ...] = ()
    finished: frozenset[int] = frozenset()
    crash_counts: Mapping[int, int] = field(default_factory=dict)
    started: frozenset[int] = frozenset()
    servers: Mapping[tuple[int, int], str] = field(default_factory=dict)


class Journal:
    """Appends to one batch's journal. The caller holds the batch's lock. Its methods raise
    SpoolUnavailable: a disk that fails must not stop other batches."""

    def __init__(self, batch_dir: Path) -> None:
        """Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._path = batch_dir / NAME
        self._fd = os.open(self._path, flags, 0o660)
        if _ends_incomplete(self._fd):
            self._append(b"\n")
        self._append(b'{"run":%d}\n' % os.getpid())

    def start(self, entry: int | None) -> None:
        """Write that `entry` is about to be read and parsed; None: no entry is being read."""
        self._append(b'{"hand":null}\n' if entry is None else b'{"hand":%d}\n' % entry)

    def write_server(self, run_id: str) -> None:
        """Write under which run of Redis the following outcomes are decided."""
        self._append(orjson.dumps({"run": os.getpid(), "server": run_id}) + b"\n")

    def add(self, outcomes: Sequence[Outcome], finished: Sequence[int]) -> None:
        """Write outcomes, and which entries are finished with them."""
        lines = [orjson.dumps(outcome) for outcome in outcomes]
        lines.extend(b'{"done":%d}' % entry for entry in finished)
        if lines:
            self._append(b"\n".join(lines) + b"\n")

    def close(self) -> None:
        os.close(self._fd)

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise disk_failure(error, self._path) from error


def read(batch_dir: Path) -> Progress:
    """The progress in the journal in `batch_dir`; empty where there is none."""
    outcomes: dict[tuple[int, int], Outcome] = {}
    finished: set[int] = set()
    started: set[int] = set()
    servers: dict[tuple[int, int], str] = {}
    server = ""
    crash_counts: Counter[int] = Counter()
    current: int | None = None
    for line in _lines(batch_dir / NAME):
        if "run" in line:  # the process before ended; if it was reading an entry, it crashed
            if current is not None:
                crash_counts[current] += 1
            current, server = None, str(line.get("server", ""))
        elif "hand" in line:
            current = line["hand"] if isinstance(line["hand"], int) else None
            if current is not None:
                started.add(current)
        elif "done" in line:
            finished.update(number for number in (line["done"],) if isinstance(number, int))
        elif outcome := read_outcome(line):
            outcomes[outcome.place] = outcome
            servers[outcome.place] = server
    if current is not None:
        crash_counts[current] += 1
    return Progress(
        tuple(outcomes.values()), frozenset(finished), crash_counts, frozenset(started), servers
    )


def read_outcome(line: dict[str, Any]) -> Outcome | None:
    """An outcome from its JSON object; None where that is damaged. Keys of a newer version are
    ignored."""
    try:
        return _outcome_of(line)
    except (LookupError, TypeError, ValueError):
        return None


def _outcome_of(line: dict[str, Any]) -> Outcome:
    typed = {**line, "status": Status(line["status"]), "warnings": tuple(line.get("warnings", ()))}
    if typed.get("reason") is not None:
        typed["reason"] = Reason(typed["reason"])
    if typed.get("feed") is not None:
        typed["feed"] = dataclass_from(FeedRead, typed["feed"])
    if typed.get("story") is not None:
        typed["story"] = dataclass_from(Story, typed["story"])
    return dataclass_from(Outcome, typed)


def parse_lines(data: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON objects of `data`; a line torn by a crash is skipped."""
    for line in data:
        try:
            parsed = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(parsed, dict):
            yield parsed


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            yield from parse_lines(file)
    except FileNotFoundError:
        return


def _ends_incomplete(fd: int) -> bool:
    size = os.fstat(fd).st_size
    return size > 0 and os.pread(fd, 1, size - 1) != b"\n"
