"""Bounds on what one document may cost, which no loop in Python or C can ignore: the kernel holds
them on the process that parses.

- Memory: `limits.memory_mb` above what the process has when it is idle (RLIMIT_DATA). An allocation
  beyond it fails.
- CPU time: a timer that ends the process (ITIMER_PROF; the action of its signal is the default
  one). It starts again with each article, so a file of many may take as long as they do.
- Time by the clock, a hundred times as much and more (ITIMER_REAL): for a document whose parser
  waits forever.

A document has an eighth of its CPU time at its first try, and all of it at its second, which waits
until nothing else does and which one process at a time makes. A document that ends its process is
counted by the journal. For 20 s after that, documents are *probed* before their first try: parsed
in a forked process that is ended after a fraction of a second. What a probe does not finish waits,
too. So a row of bad documents costs others the first try of one and 50 ms for each of the rest: ten
that loop for ever took a minute.
"""

import os
import resource
import select
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from worker.errors import SpoolUnavailable
from worker.settings import MEGABYTE
from worker.spool import lockfile

PROBED_AT_ONCE = 16
"""Documents that one forked process parses: a fork costs as much as parsing one or two."""
_PROBE_SECONDS = (0.1, 0.05)
"""CPU time of a document's probe, and after the first that did not finish; 99.9 % of documents need
less than 0.1 s."""
_PROBE_WALL_SECONDS = 10
_WALL_SECONDS = 600
"""A process that waits uses no CPU time. Generous: publishing waits for a Redis that is slow, and a
disk may hang. Celery's own limit for the task is a day."""
_ALERT_SECONDS = 20
_FIRST_SHARE, _FIRST_SECONDS = 0.125, 0.5
"""The part of its time that a document has at its first try, and the least: others wait for it."""

Item = TypeVar("Item")


def limit_memory(megabytes: int) -> None:
    """Limit this process to so many megabytes above what it uses now."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_data_bytes() + megabytes * MEGABYTE, hard))


def _data_bytes() -> int:
    """The memory that RLIMIT_DATA counts: private writable memory (proc(5), `VmData`)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmData")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The CPU time of each document, in seconds, and the file whose time is that of the last one
    that ended its process. Without seconds nothing is bounded: commands and tests."""

    alert: Path
    seconds: float | None = None

    def each(self, items: Iterator[Item], *, is_first_try: bool) -> Iterator[Item]:
        """`items`. Each, with what the caller does with it, may take so long; the process ends
        where one takes longer. It costs 5 µs a document."""
        if self.seconds is None:  # the timers are the caller's
            yield from items
            return
        seconds = self.seconds
        if is_first_try:
            seconds = min(seconds, max(_FIRST_SECONDS, seconds * _FIRST_SHARE))
        _set_timers(seconds)
        try:
            for item in items:
                yield item
                _set_timers(seconds)
        finally:
            _set_timers(0)

    def raise_alert(self) -> None:
        """Record that a document ended its process."""
        with suppress(OSError):
            self.alert.parent.mkdir(parents=True, exist_ok=True)
            self.alert.touch()

    def is_alert(self) -> bool:
        """Whether a document ended its process within the last seconds."""
        if self.seconds is None:
            return False
        try:
            return abs(time.time() - self.alert.stat().st_mtime) < _ALERT_SECONDS
        except OSError:
            return False

    @contextmanager
    def exclusive_trial(self) -> Iterator[bool]:
        """Whether this process may try entries that may end it: one process at a time does, so
        that the others stay free for new batches."""
        try:
            self.alert.parent.mkdir(parents=True, exist_ok=True)
            fd = lockfile.try_lock(self.alert.with_name("turn"))
        except OSError as error:
            raise SpoolUnavailable(f"{self.alert.parent} cannot be written: check it") from error
        try:
            yield fd is not None
        finally:
            if fd is not None:
                os.close(fd)

    def are_quick(self, documents: Sequence[Iterable[object]]) -> list[bool]:
        """Whether all items of each document are read within the time of a probe. A forked process
        reads them, so they must not use a connection."""
        answers: list[bool] = []
        seconds, after_failure = _PROBE_SECONDS
        while len(answers) < len(documents):
            quick_count = _probe(documents[len(answers) :], seconds)
            answers += [True] * quick_count
            if len(answers) < len(documents):
                answers.append(False)
                seconds = after_failure
        return answers


def _probe(documents: Sequence[Iterable[object]], seconds: float) -> int:
    """How many of `documents` a forked process reads before one takes longer or fails."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            for items in documents:
                signal.setitimer(signal.ITIMER_PROF, seconds)
                for _ in items:
                    pass
                os.write(writer, b".")
        finally:
            os._exit(0)
    os.close(writer)
    count = 0
    # Nothing may come: a lock that a thread held at the fork.
    while select.select([reader], [], [], _PROBE_WALL_SECONDS)[0]:
        if not (done := os.read(reader, len(documents))):
            break
        count += len(done)
    os.close(reader)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return count


def _set_timers(cpu_seconds: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    signal.setitimer(signal.ITIMER_REAL, _WALL_SECONDS if cpu_seconds else 0)
