"""Worker and beat as real processes, restarted whenever they end, as an init system does."""

import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tests.servers import clean_environment

PROJECT = Path(__file__).parents[2]
INJECT = Path(__file__).parent / "inject"
_CELERY = (sys.executable, "-m", "celery", "-A", "worker.app")
COMMANDS = {
    "worker": (
        *_CELERY,
        "worker",
        "--without-gossip",
        "--without-mingle",
        "-l",
        "info",
    ),
    "beat": (*_CELERY, "beat", "-l", "info"),
}


class Service:
    """The processes of one state directory, named by the config file in their environment."""

    def __init__(
        self,
        config: Path,
        log: Path,
        *,
        parts: Sequence[str] = ("worker", "beat"),
        before: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.config, self._log, self._before = config, log, before
        # `inject` switches a mechanism off where TORTURE_WITHOUT names one.
        paths = {"PYTHONPATH": f"{INJECT}:{PROJECT}", "NEWSDROP_CONFIG": str(config)}
        self._environment = clean_environment(**paths | dict(environment or {}))
        self.starts = 0
        self._stopping = threading.Event()
        self.parts: list[tuple[str, subprocess.Popen[bytes]]] = [(p, self._start(p)) for p in parts]
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def pool(self) -> list[psutil.Process]:
        """The pool processes of the workers."""
        found: list[psutil.Process] = []
        for name, process in self.parts:
            if name == "worker":
                with suppress(psutil.NoSuchProcess):
                    found += psutil.Process(process.pid).children(recursive=True)
        return found

    def main(self, part: str) -> psutil.Process | None:
        """The main process of `part`; None while it is down."""
        for name, process in self.parts:
            if name == part and process.poll() is None:
                with suppress(psutil.NoSuchProcess):
                    return psutil.Process(process.pid)
        return None

    def everything(self) -> list[psutil.Process]:
        """All of its living processes, orphans, too."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("NEWSDROP_CONFIG") == str(self.config):
                    found.append(process)
        return found

    def log_text(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def stop(self) -> None:
        """Kill all of it, whatever state it is in."""
        self._stopping.set()
        self._keeper.join()
        while left := [p for p in self.everything() if p.status() != psutil.STATUS_ZOMBIE]:
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
            for _, started in self.parts:
                started.wait(30)
            psutil.wait_procs(left, timeout=10)

    def _start(self, part: str) -> "subprocess.Popen[bytes]":
        self.starts += 1
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*self._before, *COMMANDS[part]],
                env=self._environment,
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _keep(self) -> None:
        while not self._stopping.wait(0.2):
            for at, (name, process) in enumerate(self.parts):
                if process.poll() is not None:
                    self.parts[at] = (name, self._start(name))
