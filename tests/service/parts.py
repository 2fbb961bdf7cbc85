"""The parts of the service as real processes, and a world that is wrong for them."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from typer.main import get_command

from tests.servers import Server, clean_environment
from tests.template import Program, run_program
from worker.cli.root import app

PROJECT = Path(__file__).parents[2]
WITHIN = 60.0
"""Seconds for what takes one or two; the machine may do much else."""

_NEWSDROP = (sys.executable, "-m", "worker.cli")
_PARTS = ("worker", "beat", "listen", "web", "up")
COMMANDS: dict[str, tuple[str, ...]] = {
    **{part: (*_NEWSDROP, part) for part in _PARTS if part in get_command(app).commands},  # type: ignore[attr-defined]
    "celery": (sys.executable, "-m", "celery", "-A", "worker.app", "worker"),
}
"""Each way to begin work; plain Celery is one."""


def run_command(environment: Mapping[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a newsdrop command to its end; a new interpreter where the environment has PYTHONPATH."""
    whole = clean_environment(**environment)
    return run_program([*_NEWSDROP, *words], env=whole, cwd=PROJECT, timeout=WITHIN)


class Part:
    """A running part; its output is read as it is written."""

    def __init__(self, name: str, environment: Mapping[str, str], *options: str) -> None:
        self.process = Program(
            [*COMMANDS[name], *options],
            env=clean_environment(**environment),
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line

    def until(self, words: str) -> None:
        """Wait until its output has the text."""
        end = time.monotonic() + WITHIN
        while words not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < end, f"it did not say {words!r}, but:\n{self.output}"
            time.sleep(0.05)

    def ended(self) -> int:
        """Its exit code, once it ended by itself."""
        code = self.process.wait(WITHIN)
        self._reader.join(WITHIN)
        return code

    def stop(self) -> int:
        """Its exit code after a TERM."""
        self.process.terminate()
        return self.ended()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(WITHIN)


@contextmanager
def running(name: str, environment: Mapping[str, str], *options: str) -> Iterator[Part]:
    """The part `name`, which is gone afterwards whatever happens; `up` ends its own children."""
    part = Part(name, environment, *options)
    try:
        yield part
    finally:
        if name == "up" and part.process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                part.process.terminate()
                part.process.wait(WITHIN)
        part.kill()


@contextmanager
def older(server: Server) -> Iterator[str]:
    """The URL of `server` seen through a proxy that has it say it is Redis 5.0.7."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    here, _ = listener.accept()
                except OSError:
                    return
                there = socket.socket(socket.AF_UNIX)
                there.connect(str(server.socket))
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        listener.shutdown(socket.SHUT_RDWR)


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Forward a reply with another version of the same length."""
    with suppress(OSError):
        while data := one.recv(1 << 20):
            other.sendall(re.sub(rb"(?<=redis_version:)\d\.\d\.\d", b"5.0.7", data))
    with suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)
