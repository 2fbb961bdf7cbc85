"""`up` as a process of its own, with stand-in children, and the processes that remain."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.servers import clean_environment
from tests.template import Program

PROJECT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds for what takes well under one; the machine may do much else."""

MARK = "UP_TEST_MARK"


def until(what: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """What `what()` gives once it is true; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)  # most read every process of the machine
    return found


def marked(mark: str, since: float, sessions: Collection[int] = ()) -> list[psutil.Process]:
    """Every living process whose environment holds `mark`, or that is of one of `sessions`, whoever
    its parent is by now. Only those are read that were started after the time `since`: this is
    called many times a second."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.create_time() < since - 5:  # it is counted from a rounded time of boot
                continue
            is_ours = process.environ().get(MARK) == mark or os.getsid(process.pid) in sessions
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, ProcessLookupError):
            continue
    return found


def part_of(up: int, name: str) -> psutil.Process | None:
    """The process of the part `name` of the `up` with this pid."""
    for child in psutil.Process(up).children():
        with suppress(psutil.Error):
            if child.name() == f"newsdrop-{name}" and child.status() != psutil.STATUS_ZOMBIE:
                return child
    return None


class Up:
    """One state directory, and the `up`s run on it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.output = state.parent / "output.txt"
        self.mark = uuid.uuid4().hex
        self.started_at = time.time()
        self.running: list[subprocess.Popen[str]] = []
        self.sessions: list[int] = []
        """Of those that are forks: what is in /proc as their environment is not theirs."""

    def command(self, *options: str, **children: list[str]) -> list[str]:
        child_words = [f"{name}={json.dumps(words)}" for name, words in children.items()]
        given = [word for text in child_words for word in ("--child", text)]
        return [sys.executable, "-m", "tests.service.run_up", str(self.state), *given, *options]

    def run(self, *options: str, **children: list[str]) -> "subprocess.CompletedProcess[str]":
        """To its end."""
        return subprocess.run(
            self.command(*options, **children),
            cwd=PROJECT, env=self.environment(), capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip

    def start(self, *options: str, **children: list[str]) -> "subprocess.Popen[str]":
        """Start it and wait until it is ready; its output continues in `output`."""
        with self.output.open("w") as output:
            process = Program(
                self.command(*options, **children),
                cwd=PROJECT, env=self.environment(), stdout=output, stderr=output, text=True,
                start_new_session=True,
            )  # fmt: skip
        self.running.append(process)
        self.sessions.append(process.pid)
        until(lambda: "ready." in self.output.read_text() or process.poll() is not None)
        assert process.poll() is None, self.output.read_text()
        return process

    def environment(self) -> dict[str, str]:
        return clean_environment(**{MARK: self.mark, "PATH": "/usr/bin:/bin"})

    def run_file(self) -> dict[str, Any]:
        """The content of `up.json`."""
        run_file: dict[str, Any] = json.loads((self.state / "run" / "up.json").read_text())
        return run_file

    def leftover_processes(self) -> list[psutil.Process]:
        return marked(self.mark, self.started_at, self.sessions)

    def exactly(self, *words: str) -> psutil.Process | None:
        """The process with exactly that command line."""
        for process in self.leftover_processes():
            try:
                if process.cmdline() == list(words):
                    return process
            except psutil.Error:
                continue
        return None

    def named(self, part: str) -> psutil.Process | None:
        """The process with `part` in its command line that is not `up` or a leash."""
        for process in self.leftover_processes():
            try:
                words = process.cmdline()
            except psutil.Error:
                continue
            others = "tests.service.run_up" in words or any("leash.py" in word for word in words)
            if not others and any(part in word for word in words):
                return process
        return None


@pytest.fixture
def up() -> Iterator[Up]:
    """A fresh state directory with a short name (a socket's path is limited)."""
    folder = Path(tempfile.mkdtemp(prefix="nd-up-"))
    made = Up(folder / "state")
    yield made
    for process in made.leftover_processes():
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.Error:
            continue
    for started in made.running:
        started.wait(PATIENCE)
    shutil.rmtree(folder, ignore_errors=True)
