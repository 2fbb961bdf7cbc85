"""What something costs in new articles/s: it is switched on and off while the workers continue.

Two runs of the same differ by a tenth and more, so that runs with and without it cannot show a cost
of 2 %. Here it is off, on, on, off for a few seconds each, again and again, and each turn is
compared with the one beside it: whatever else changes, changes both. More files are accepted
between two pairs of turns, while the workers are stopped.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import mean, stdev

import psutil  # type: ignore[import-untyped]

from bench import corpus
from bench.ours import enqueue, is_idle, worker_of
from bench.place import Place, place, pool, server_cpu, wait_until
from bench.rate import PROCESSES, WARM, cpu
from worker.settings import Settings, load

SECONDS = 2.5
"""Seconds of one turn, usually."""

_RESUME_SECONDS = 1.0
FASTEST = 4_000
"""Articles a second for which there are files, until some turn was faster."""
_STREAM = 10_000
"""Entries kept: all of them would take a gigabyte of memory."""


@dataclass(frozen=True, slots=True)
class Turn:
    """`cpu_ms` is what the processes used, in milliseconds an article: the workers and the server
    together, then each that is measured."""

    articles: int
    seconds: float
    cpu_ms: tuple[float, ...]

    @property
    def rate(self) -> float:
        return self.articles / self.seconds


@dataclass(frozen=True, slots=True)
class Turns:
    """The pairs of turns, each off and on."""

    pairs: Sequence[tuple[Turn, Turn]]

    @property
    def shares(self) -> list[float]:
        """The part of the rate that was lost, in each pair."""
        return [1 - on.rate / off.rate for off, on in self.pairs]

    @property
    def share(self) -> float:
        return mean(self.shares)

    @property
    def error(self) -> float:
        """The standard error of the share."""
        return stdev(self.shares) / math.sqrt(len(self.pairs))

    def rate(self, *, on: bool) -> float:
        return mean(pair[on].rate for pair in self.pairs)

    def cpu_ms(self, *, on: bool) -> list[float]:
        """Seconds of CPU of the workers with the server, and of each process that is measured."""
        return [*map(mean, zip(*(pair[on].cpu_ms for pair in self.pairs), strict=True))]


Switch = Callable[[bool], object]
"""Switches on, or off, what is measured."""


@dataclass(slots=True)
class Load:
    """A worker whose processes always have new articles to ingest. `rate` is the highest one."""

    here: Place
    settings: Settings
    worker: psutil.Process
    rate: float = FASTEST
    accepted: int = 0

    def measure(
        self,
        pairs: int,
        switch: Switch,
        watched: Sequence[psutil.Process] = (),
        seconds: float = SECONDS,
    ) -> Turns:
        """Measure pairs of turns. Raises RuntimeError where the workers ran out of files."""
        measured = []
        for number in range(pairs):
            switch(False)
            needed = int(self.rate * (_RESUME_SECONDS + 2 * 1.2 * seconds))
            self.accept(needed - self.accepted + self._count())
            order = (False, True) if number % 2 == 0 else (True, False)
            turns = {is_on: self._turn(is_on, switch, watched, seconds) for is_on in order}
            self.rate = max(self.rate, *(turn.rate for turn in turns.values()))
            measured.append((turns[False], turns[True]))
        return Turns(measured)

    def accept(self, articles: int) -> None:
        """Accept so many new articles; the worker's processes are stopped meanwhile."""
        if articles <= 0:
            return
        folder, processes = self.here.folder / "files", self.worker.children()
        first, self.accepted = self.accepted, self.accepted + articles
        for process in processes:
            process.suspend()
        corpus.write(folder, range(first, self.accepted))
        enqueue(self.settings, folder, move=True)
        for process in processes:
            process.resume()
        time.sleep(_RESUME_SECONDS)

    def _turn(
        self, is_on: bool, switch: Switch, watched: Sequence[psutil.Process], seconds: float
    ) -> Turn:
        before, used, began = self._count(), self._cpu(watched), time.monotonic()
        switch(is_on)
        time.sleep(seconds)
        articles, taken = self._count() - before, time.monotonic() - began
        if not articles or is_idle(self.settings):
            raise RuntimeError("the workers had nothing to do: more files are needed")
        spent = (now - past for now, past in zip(self._cpu(watched), used, strict=True))
        return Turn(articles, taken, tuple(each * 1000 / articles for each in spent))

    def _cpu(self, watched: Sequence[psutil.Process]) -> list[float]:
        workers = cpu([self.worker, *self.worker.children()])
        return [workers + server_cpu(self.here.client), *(cpu([one]) for one in watched)]

    def _count(self) -> int:
        """The entries ever added to the stream: a file each."""
        stream = self.settings.stream.name
        return int(self.here.client.xinfo_stream(stream)["entries-added"])


@contextmanager
def working() -> Iterator[Load]:
    """A warm worker. The server does not rewrite its file: that would take a second of CPU in some
    of the turns."""
    with place() as here:
        here.client.config_set("auto-aof-rewrite-percentage", 0)
        with worker_of(here, PROCESSES, NEWSDROP_STREAM_MAX_LENGTH=str(_STREAM)) as worker:
            pool(worker, PROCESSES)
            place_of = {"state_dir": here.state_dir, "redis.url": here.url}
            one = Load(here, load(options={**place_of, "spool.max_waiting": 10_000}), worker)
            one.accept(WARM)
            wait_until(lambda: is_idle(one.settings))
            yield one
