"""`celery -A worker.app worker -B` as real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.template import Program, run_program
from tests.world import World

WITHIN = 180.0
"""Seconds; generous, for a machine that does much else."""


def until(there: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WITHIN
    while not (found := there()):
        assert time.monotonic() < deadline, f"no {what} within {WITHIN:.0f} s"
        time.sleep(0.05)
    return found


class Worker:
    """`celery -A worker.app worker -B` as a process of its own."""

    def __init__(
        self, world: World, log: Path, *, before: Sequence[str] = (), **environment: str
    ) -> None:
        """`before` are words of the command before its own: of a program that runs it."""
        self._world, self._log, self._before = world, log, before
        self.environment = {
            **os.environ,
            "NEWSDROP_STATE_DIR": str(world.settings.state_dir),
            "NEWSDROP_DROP": str(world.drop_dir),
            "NEWSDROP_REDIS_URL": world.settings.redis.url,
            "NEWSDROP_WORKER_TICK_SECONDS": "0.5",
            "NEWSDROP_SPOOL_MIN_FREE_MB": "1",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    def celery(self, *words: str, code: int = 0) -> str:
        """What the command `celery -A worker.app …` prints, with this worker's settings."""
        command = [sys.executable, "-m", "celery", "-A", "worker.app", *words]
        done = run_program(command, env=self.environment, timeout=WITHIN)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def start(self, *, with_beat: bool = True, options: Sequence[str] = ()) -> "Worker":
        beat = ["-B"] if with_beat else []
        command = [
            *self._before,
            sys.executable,
            "-m",
            "celery",
            "-A",
            "worker.app",
            "worker",
            *beat,
            "-l",
            "info",
            *options,
        ]
        with self._log.open("ab") as log:
            self.process = Program(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._starts += 1
        process = self.process
        until(
            lambda: self._log.read_bytes().count(b"ready.") >= self._starts or process.poll(),
            "worker",
        )
        assert process.poll() is None, self._log.read_text()
        return self

    def children(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> None:
        """kill -9 of the worker and its pool; a pool process may end by itself at the same time."""
        if self.process is not None and self.process.poll() is None:
            for process in [psutil.Process(self.process.pid), *self.children()]:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
            self.process.wait(WITHIN)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(WITHIN)
