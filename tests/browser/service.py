"""A whole newsdrop as `newsdrop up` runs it, for the browser: one state directory, one page."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.servers import clean_environment
from tests.template import Program, run_program

PATIENCE = 90.0
"""Seconds; generous, for a machine that does much else."""


@dataclass(frozen=True, slots=True)
class Service:
    """`address` is the page's, without a slash at its end."""

    state: Path
    address: str
    environment: dict[str, str]

    @property
    def drop(self) -> Path:
        return self.state / "drop"

    def run(self, *command: str) -> str:
        """What a command of this service prints."""
        words = [sys.executable, "-m", "worker.cli", *command]
        done = run_program(words, env=self.environment, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def put(self, name: str, data: bytes) -> None:
        """Rename a file into the drop folder."""
        outside = self.state / "outside"
        outside.write_bytes(data)
        outside.rename(self.drop / name)

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.address + path, timeout=PATIENCE) as answer:
            return answer.read().decode()  # type: ignore[no-any-return]

    def published(self) -> int:
        """How many articles have been."""
        status = json.loads(self.get("/api/v1/status"))
        return int(status["status"]["articles"]["published"])


def start(state: Path, log: Path, **settings: str) -> "tuple[subprocess.Popen[bytes], Service]":
    """Start `up`, and wait until its page answers. The caller ends it."""
    environment = clean_environment(
        NEWSDROP_STATE_DIR=str(state), NEWSDROP_WEB_PORT="0", **settings
    )
    with log.open("wb") as output:
        process = Program(
            [sys.executable, "-m", "worker.cli", "up"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    run_file = state / "run" / "up.json"

    def address() -> str:
        try:
            return str(json.loads(run_file.read_text("utf-8"))["web"]["url"]).rstrip("/")
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    wait_until(lambda: process.poll() is not None or address() != "")
    assert process.poll() is None, log.read_text("utf-8", "replace")
    service = Service(state, address(), environment)
    wait_until(lambda: _answers(service.address))
    return process, service


def wait_until(true: Callable[[], bool]) -> None:
    """Look until it is true. Fails after PATIENCE."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, "not within a minute and a half"
        time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/livez", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
