"""The figures of a folder with 200,000 files: time until the first record, and memory.

The folder exists when the scan task is sent, as the scheduler sends it. The two pool processes,
warmed up on other articles, scan and ingest in turn. The scanner's memory is the largest growth of
either while the first 20,000 files are claimed and published.
"""

import time
from collections.abc import Callable

import psutil  # type: ignore[import-untyped]

from bench import corpus
from bench.figure import Figure, below, megabytes, seconds
from bench.ours import enqueue, is_idle, settings_of, worker_of
from bench.place import place, pool, wait_until
from bench.rate import PROCESSES
from worker.taskqueue.celery_app import create_app

FILES = 200_000
WATCHED = 20_000
_WARM = 1_000
_WARM_FROM = 10_000_000


def big_folder(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """`quick` makes a tenth of the files."""
    files, watched = (FILES // 10, WATCHED // 10) if quick else (FILES, WATCHED)
    say(f"big folder: {files:,} files")
    with place() as here, worker_of(here, PROCESSES) as worker:
        settings = settings_of(here)
        processes = pool(worker, PROCESSES)
        corpus.write(here.folder / "warm", range(_WARM_FROM, _WARM_FROM + _WARM))
        enqueue(settings, here.folder / "warm")
        wait_until(lambda: is_idle(settings))
        corpus.write(here.drop, range(files))
        time.sleep(settings.all_folders()[0].settle_without_event_seconds)

        idle = [_mb(process) for process in processes]
        grown: list[float] = []

        def has_published(count: int) -> bool:
            grown.append(max(_mb(p) - before for p, before in zip(processes, idle, strict=True)))
            return bool(here.client.xlen(settings.stream.name) >= _WARM + count)

        begun = time.time()
        create_app(settings).send_task("newsdrop.scan")
        first = wait_until(lambda: has_published(1), every=0.01) - begun
        say(f"  the first record after {first:.2f} s")
        wait_until(lambda: has_published(watched), every=0.05)
    name = f"a folder of {files:,} files: "
    return [
        below(name + "first record", first, 3.0, seconds),
        below(name + "scanner's memory above idle", max(grown), 50, megabytes),
    ]


def _mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6
