"""Running the peer (:mod:`bench.naive`) and the floor (:mod:`bench.floor`) on the files."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from bench import naive
from bench.place import ROOT, Place, clean_environment, place, pool, running, to_last_entry
from bench.rate import CELERY, PROCESSES, WARM, Files, Rate, clocked


def naive_rate(files: Files) -> Rate:
    """`delay(path)` for each file, in this process, while the workers work."""
    with place() as here:
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "bench.naive",
            *CELERY,
            "-c",
            str(PROCESSES),
        ]
        with running(command, {naive.URL: here.url}, here.folder / "worker.log") as worker:
            processes = [worker, *pool(worker, PROCESSES)]
            task = naive.create_app(here.url).tasks["naive.ingest"]

            def send(folder: Path) -> None:
                for path in sorted(folder.iterdir()):
                    task.delay(str(path))

            send(files.warm)
            to_last_entry(here.client, naive.STREAM, WARM)
            return clocked(
                here.client,
                processes,
                files.count,
                lambda: send(files.files),
                lambda: to_last_entry(here.client, naive.STREAM, WARM + files.count),
            )


def floor_rate(files: Files) -> Rate:
    """Plain processes, warmed up, that start at the same time."""
    with place() as here, ExitStack() as stack:
        workers = [stack.enter_context(_floor(here, files, n)) for n in range(PROCESSES)]
        for worker in workers:
            assert worker.stdout is not None
            if worker.stdout.readline() != b"ready\n":
                raise RuntimeError("a process of the floor has failed: see above")

        def begin() -> None:
            for worker in workers:
                assert worker.stdin is not None
                worker.stdin.write(b"\n")
                worker.stdin.flush()

        return clocked(
            here.client,
            [psutil.Process(worker.pid) for worker in workers],
            files.count,
            begin,
            lambda: to_last_entry(here.client, "newsdrop:articles", WARM + files.count),
        )


@contextmanager
def _floor(here: Place, files: Files, number: int) -> Iterator["subprocess.Popen[bytes]"]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "bench.floor", str(number), str(PROCESSES), str(files.warm.parent)],
        cwd=ROOT,
        env=clean_environment()
        | {
            "NEWSDROP_STATE_DIR": str(here.state_dir),
            "NEWSDROP_REDIS_URL": here.url,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield worker
    finally:
        worker.kill()
        worker.communicate()
