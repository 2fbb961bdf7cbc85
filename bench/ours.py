"""newsdrop's rates, as a user runs it: a real Celery worker, and the function behind `enqueue`.

The files are accepted (copied) in this process, while the workers work, as the peer's messages
are sent; the clock starts before the first file is enqueued.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from bench.place import Place, place, pool, running, to_last_entry, wait_until
from bench.rate import CELERY, PROCESSES, WARM, Files, Rate, clocked
from worker.cli.enqueue.job import run_enqueue
from worker.pipeline.context import open_context
from worker.settings import Settings, load
from worker.sources.enqueue import EnqueueOptions
from worker.spool.layout import roots
from worker.taskqueue.celery_app import create_app


@dataclass(frozen=True, slots=True)
class Ours:
    """The rates of one run: new articles, the same bytes again, the same in other bytes."""

    new: Rate
    same_bytes: Rate
    other_bytes: Rate


def our_rates(files: Files) -> Ours:
    """Enqueue the articles, then the same again in the same and in other bytes.

    New articles are timed to the last record, duplicates until their last batch is settled.
    """
    with _warm_worker(files) as (here, settings, processes):

        def timed(folder: Path, finish: Callable[[], float]) -> Rate:
            def begin() -> None:
                enqueue(settings, folder)

            return clocked(here.client, processes, files.count, begin, finish)

        def to_settled() -> float:
            return wait_until(lambda: is_idle(settings), every=0.01)

        new = timed(files.files, lambda: _to_last(here, settings, files))
        to_settled()
        rates = Ours(new, timed(files.again, to_settled), timed(files.changed, to_settled))
        _check(settings, files)
        return rates


def new_rate(files: Files, app: str = "worker.app", **environment: str) -> Rate:
    """Enqueue the articles; timed to the last record."""
    with _warm_worker(files, app, **environment) as (here, settings, processes):

        def finish() -> float:
            return _to_last(here, settings, files)

        def begin() -> None:
            enqueue(settings, files.files)

        return clocked(here.client, processes, files.count, begin, finish)


def dropped_rate(files: Files) -> Rate:
    """A folder of files renamed into the drop folder, then one scan task."""
    with _warm_worker(files) as (here, settings, processes):
        folder = settings.all_folders()[0]
        folder.path.mkdir(parents=True, exist_ok=True)
        new = here.folder / "new"
        shutil.copytree(files.files, new)
        os.sync()  # as make_files does
        time.sleep(folder.settle_without_event_seconds)
        app = create_app(settings)

        def begin() -> None:
            new.rename(folder.path / "new")
            app.send_task("newsdrop.scan")

        def finish() -> float:
            return _to_last(here, settings, files)

        return clocked(here.client, processes, files.count, begin, finish)


def settings_of(here: Place) -> Settings:
    return load(options={"state_dir": here.state_dir, "redis.url": here.url})


def worker_of(
    here: Place, processes: int | None = None, app: str = "worker.app", **environment: str
) -> AbstractContextManager[psutil.Process]:
    """newsdrop's Celery worker, as a process; `environment` holds further settings. It has the
    default number of processes, or `processes`."""
    here.state_dir.mkdir(exist_ok=True)
    variables = {"NEWSDROP_STATE_DIR": str(here.state_dir), "NEWSDROP_REDIS_URL": here.url}
    command = [sys.executable, "-m", "celery", "-A", app, *CELERY]
    command += ["-c", str(processes)] if processes else []
    return running(command, variables | environment, here.folder / "worker.log")


def enqueue(settings: Settings, folder: Path, *, move: bool = False) -> None:
    """What the command does: accept every file below the folder, and wake up a worker."""
    run_enqueue(settings, [str(folder)], EnqueueOptions(move=move), wait=False)


def is_idle(settings: Settings) -> bool:
    """Whether no batch waits or is being ingested. Cheap: it is called while the workers run."""
    return not any(root.work.is_dir() and os.listdir(root.work) for root in roots(settings))


@contextmanager
def _warm_worker(
    files: Files, app: str = "worker.app", **environment: str
) -> Iterator[tuple[Place, Settings, list[psutil.Process]]]:
    with place() as here, worker_of(here, PROCESSES, app, **environment) as worker:
        settings = settings_of(here)
        processes = [worker, *pool(worker, PROCESSES)]
        enqueue(settings, files.warm)
        wait_until(lambda: is_idle(settings))
        yield here, settings, processes


def _to_last(here: Place, settings: Settings, files: Files) -> float:
    return to_last_entry(here.client, settings.stream.name, WARM + files.count)


def _check(settings: Settings, files: Files) -> None:
    """Check that every file had its one right outcome; otherwise the figures are meaningless."""
    totals = open_context(settings).counter_store.snapshot().totals
    published, duplicates = totals.published - WARM, totals.duplicate
    if (published, duplicates, totals.content_differs) != (files.count, 2 * files.count, 0):
        raise RuntimeError(f"{files.count} files thrice, but: {totals}")
