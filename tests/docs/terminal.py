"""A second terminal: a home of its own in which `newsdrop up` runs, and commands are typed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.docs.pages import ROOT
from tests.template import run_newsdrop, serve_commands

PATIENCE = 200.0
LOOKED_ON = 6
"""Seconds that a command which does not end by itself is looked at."""

_SHIM = f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("redis_cli.py")}" "$@"\n'


class Terminal:
    """Commands run by bash in a folder like a clone's top, with a HOME that was empty before."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="nd-docs-"))
        self.state = self.home / ".local" / "state" / "newsdrop"
        self.clone = self.home / "clone"
        self.clone.mkdir()
        for name in ("examples", "config", "worker", "tests"):
            (self.clone / name).symlink_to(ROOT / name)
        (self.clone / ".venv").symlink_to(sys.prefix)
        self.environment = {
            "HOME": str(self.home),
            "PATH": f"{self._tools()}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "NEWSDROP_WORKER_PROCESSES": "2",
            "NEWSDROP_WEB_PORT": "0",
            "DOCS_MARK": self.home.name,
        }
        self._commands = serve_commands(self.home / "commands")
        self._up: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def running(cls) -> "Iterator[Self]":
        """One of its own, with a service that was started and is stopped at the end."""
        made = cls()
        try:
            made.start()
            yield made
        finally:
            made.stop()

    def start(self) -> None:
        """`newsdrop up --examples`, as `make up` runs it, until it is ready."""
        output_file = self.home / "up.txt"
        with output_file.open("wb") as output:
            self._up = subprocess.Popen(
                [Path(sys.executable).with_name("newsdrop"), "up", "--examples"],
                cwd=self.clone, env=self.environment, stdout=output, stderr=output,
            )  # fmt: skip
        self.until(
            lambda: "newsdrop is ready." in output_file.read_text() or self._up.poll() is not None
        )
        assert self._up.poll() is None, output_file.read_text()

    def stop(self) -> None:
        """End what runs here: the service that was started, and one that a page left detached."""
        if self._up is not None:
            self._up.send_signal(signal.SIGTERM)
            try:
                self._up.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._up.kill()
                self._up.wait()
            subprocess.run(["newsdrop", "down"], env=self.environment, check=False)
        os.kill(self._commands, signal.SIGKILL)
        os.waitpid(self._commands, 0)
        shutil.rmtree(self.home, ignore_errors=True)

    def type(self, script: str) -> str:
        """Run a script, which must succeed line by line; its output."""
        done = subprocess.run(  # noqa: PLW1510  # its code is checked
            ["bash", "-exo", "pipefail", "-c", script],
            cwd=self.clone, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    def ask(self, *words: str) -> list[Any]:
        """The JSON documents of a command."""
        done = run_newsdrop(
            *words, "--json", environment=self.environment, cwd=self.clone, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def until(self, what: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while not (found := what()):
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.3)  # most run a command
        return found

    def _tools(self) -> Path:
        """A folder for PATH with `newsdrop`, and `redis-cli` where this machine has none."""
        tools = self.home / "tools"
        tools.mkdir()
        program = Path(__file__).with_name("newsdrop.py")
        words = f'"{sys.executable}" -I -S "{program}" "{self.home / "commands"}"'
        (tools / "newsdrop").write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (tools / "newsdrop").chmod(0o755)
        if shutil.which("redis-cli") is None:
            (tools / "redis-cli").write_text(_SHIM)
            (tools / "redis-cli").chmod(0o755)
        return tools


def bounded(script: str, endless: str) -> str:
    """`script` with each line that matches `endless` ended after some seconds; it must not fail
    before."""

    def line(match: re.Match[str]) -> str:
        command = re.sub(r"\s+#\s.*$", "", match[0])
        looked_on = f"timeout -s INT {LOOKED_ON} {command}"
        return f"if {looked_on}; then false; else [ $? -eq 124 ]; fi"

    return re.sub(rf"^.*(?:{endless}).*$", line, script, flags=re.MULTILINE)
