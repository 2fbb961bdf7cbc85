"""The rate of one run, and the files that all rates are measured on."""

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import redis

from bench import corpus
from bench.place import server_cpu

PROCESSES = 2
WARM = 400
SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"
_TITLE = re.compile(rb"(?m)^title: *['\"]?")
_WARM_FROM = 10_000_000
"""Numbers of the articles for warming up, with other titles."""

CELERY = ("worker", "--without-gossip", "--without-mingle", "-l", "warning")
"""Arguments of `celery -A APP`, the same for newsdrop and the peer."""


@dataclass(frozen=True, slots=True)
class Files:
    """Folders of files: to warm up on, the articles, the same bytes under other names, and the
    same articles in other bytes."""

    warm: Path
    files: Path
    again: Path
    changed: Path
    count: int


@dataclass(frozen=True, slots=True)
class Rate:
    """One run. CPU in milliseconds an article: of the server, of the worker (Celery's main process
    too, where there is one), and of this process, which enqueues."""

    articles: int
    seconds: float
    server_ms: float
    workers_ms: float
    enqueuing_ms: float

    @property
    def per_second(self) -> float:
        return self.articles / self.seconds

    @property
    def cpu_ms(self) -> float:
        """The sum of the three."""
        return self.server_ms + self.workers_ms + self.enqueuing_ms


def make_files(folder: Path, count: int, *, is_short: bool = False) -> Files:
    """Write the files that all runs read."""
    files = _folders(folder, count)
    corpus.write(files.warm, range(_WARM_FROM, _WARM_FROM + WARM), is_short=is_short)
    corpus.write(files.files, range(count), is_short=is_short)
    if not is_short:  # duplicates are measured on whole articles
        corpus.write(files.again, range(count), name="again")
        corpus.write(files.changed, range(count), name="changed", cover=2, tail="\n")
    os.sync()  # pending writes would be charged to the first run
    return files


def sample_files(folder: Path, count: int) -> Files | None:
    """The real posts beside the project, each under many titles; None where there are none."""
    posts = [*sorted(SAMPLES.glob("mirror/*.md")), *SAMPLES.glob("seed.md")]
    if not posts:
        return None
    files = _folders(folder, count)
    files.files.mkdir(parents=True)
    for number in range(count):
        post = posts[number % len(posts)].read_bytes()
        data = _TITLE.sub(rb"\g<0>%d " % number, post, count=1)
        (files.files / f"{number}.md").write_bytes(data)
    corpus.write(files.warm, range(_WARM_FROM, _WARM_FROM + WARM))
    os.sync()
    return files


def files_of(folder: Path, count: int, make: Callable[[int], bytes]) -> Files:
    """The articles that `make` gives for each number, without those for duplicates."""
    files = _folders(folder, count)
    files.files.mkdir(parents=True)
    for number in range(count):
        (files.files / f"{number}.md").write_bytes(make(number))
    corpus.write(files.warm, range(_WARM_FROM, _WARM_FROM + WARM), is_short=True)
    os.sync()
    return files


def _folders(folder: Path, count: int) -> Files:
    return Files(folder / "warm", folder / "files", folder / "again", folder / "changed", count)


def clocked(
    client: redis.Redis,
    processes: Sequence[psutil.Process],
    articles: int,
    begin: Callable[[], object],
    finish: Callable[[], float],
) -> Rate:
    """The rate from before `begin` to the Unix time that `finish` returns."""
    server, workers, own = server_cpu(client), cpu(processes), time.process_time()
    started = time.time()
    begin()
    own = time.process_time() - own
    ended = finish()
    return Rate(
        articles=articles,
        seconds=ended - started,
        server_ms=(server_cpu(client) - server) / articles * 1000,
        workers_ms=(cpu(processes) - workers) / articles * 1000,
        enqueuing_ms=own / articles * 1000,
    )


def cpu(processes: Sequence[psutil.Process]) -> float:
    """Seconds of CPU that the processes have used."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)
