"""Keep a few child processes running and working, and leave none behind.

Every child leads its own process group, so that a terminal's Ctrl-C reaches only this process and
a child's own children end with it. Three things end children: :meth:`Supervisor.stop`; the reaper,
a process that sees the end of a pipe when this one is killed; and the kernel, from which each child
requests a TERM at the death of its parent (:mod:`worker.service.pdeathsig`).
"""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from worker.errors import NewsdropError
from worker.service import pdeathsig
from worker.service.child_logs import ChildLog
from worker.service.fork import Fork, ForkedProcess
from worker.service.watchdog_socket import WatchdogSocket

MAX_RESTARTS = 5
RESTART_WINDOW_SECONDS = 60.0  # seconds
STOP_SECONDS = 20.0
"""Seconds for a child to end after TERM: longer than the worker's soft shutdown."""

REAPER_SECONDS = 10.0
"""The same after the death of this process, when nobody waits for current work."""

WRONG_SETTINGS = 2
"""The status of a part whose settings are wrong (:mod:`worker.health.check`)."""

WORKED_SECONDS = 10.0
"""A part that ran for so long had correct settings: if they are wrong now, it waits until a person
corrects them, and the service continues without it."""

_MAX_BACKOFF_SECONDS = 8.0
_MAX_ROUND_SECONDS = 10.0
"""After a longer pause between two rounds no child counts as silent."""
_HERE = Path(__file__).parent


class ChildError(NewsdropError):
    """A child ended too often; the message is for the person at the terminal."""


Process = subprocess.Popen[bytes] | ForkedProcess


@dataclass(frozen=True, slots=True)
class Child:
    """A process to run: a program, or a function for a fork of this process. `stops_last` is for
    the server, which the others need until their end.

    If `is_external()` is True after its end, the cause is outside (a full disk): it is not counted,
    and the child is restarted as long as that lasts. `fds` are descriptors that a fork inherits.
    A child with a `watchdog` is ended when it sends no watchdog message for so many seconds.
    """

    name: str
    argv: Sequence[str] = ()
    run: Callable[[], object] | None = None
    stops_last: bool = False
    is_external: Callable[[], bool] | None = None
    fds: tuple[int, ...] = ()
    watchdog: float | None = None


@dataclass(slots=True)
class _Running:
    child: Child
    log: ChildLog
    watchdog: WatchdogSocket | None
    process: Process | None = None
    crashes: deque[float] = field(default_factory=deque)
    start_at: float = 0.0
    launched_at: float = 0.0
    has_worked: bool = False
    kill_reason: str = ""


class Supervisor:
    """For the main thread only: the kernel ties a child's death signal to the thread that made it.

    `on_warning(child, message)` receives what a person should see, escaped.
    """

    def __init__(self, logs: Path, on_warning: Callable[[str, str], None]) -> None:
        self.environment: Mapping[str, str] = {}
        """Variables that children get in addition to our own environment."""
        self._logs = logs
        self._on_warning = on_warning
        self._running: dict[str, _Running] = {}
        self._reaper: subprocess.Popen[bytes] | None = None
        self._last_round = 0.0

    def start(self, child: Child) -> None:
        """Run `child` from now on. Its output goes to `<logs>/<name>.log`."""
        log = ChildLog(self._logs, child.name)
        watchdog = child.watchdog if sys.platform == "linux" else None  # abstract sockets
        running = _Running(child, log, WatchdogSocket(watchdog) if watchdog else None)
        self._running[child.name] = running
        self._launch(running)

    def watch(self) -> None:
        """One round: show warnings, end what is stuck, restart what ended. Call it a few times a
        second.

        Raises ChildError when a child died more than MAX_RESTARTS times in RESTART_WINDOW_SECONDS.
        """
        now = time.monotonic()
        was_suspended, self._last_round = now - self._last_round > _MAX_ROUND_SECONDS, now
        if self._reaper is not None and self._reaper.poll() is not None:
            self._start_reaper()
        for running in self._running.values():
            for line in running.log.warnings():
                self._on_warning(running.child.name, line)
            running.log.trim()
            self._end_if_stuck(running, now, was_suspended=was_suspended)
            if running.process is not None and running.process.poll() is not None:
                self._on_end(running, running.process, now)
            if running.process is None and now >= running.start_at:
                self._launch(running)

    def alive(self, name: str) -> bool:
        process = self._running[name].process
        return process is not None and process.poll() is None

    def log(self, name: str) -> ChildLog:
        return self._running[name].log

    def pids(self) -> dict[str, int]:
        processes = {name: r.process for name, r in self._running.items()}
        return {name: p.pid for name, p in processes.items() if p is not None and p.poll() is None}

    def stop(self, should_kill: Callable[[], bool] = lambda: False) -> None:
        """End every child: TERM, at most STOP_SECONDS, KILL; the server after the others.

        Once `should_kill()` is True it waits no longer.
        """
        children = list(self._running.values())
        _end((r for r in children if not r.child.stops_last), should_kill)
        _end((r for r in children if r.child.stops_last), should_kill)
        for running in children:
            running.log.close()
            if running.watchdog is not None:
                running.watchdog.close()
        self._running.clear()
        if self._reaper is not None and self._reaper.stdin is not None:
            self._send_to_reaper(".\n")
            self._reaper.stdin.close()
            self._reaper.wait(STOP_SECONDS)
            self._reaper = None

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _end_if_stuck(self, running: _Running, now: float, *, was_suspended: bool) -> None:
        process, watchdog = running.process, running.watchdog
        running.has_worked |= process is not None and now > running.launched_at + WORKED_SECONDS
        if process is None or watchdog is None or process.poll() is not None:
            return
        if was_suspended:  # this process was stopped, perhaps with its children
            watchdog.restart_silence(now)
        running.kill_reason = watchdog.problem(now)
        if running.kill_reason:
            running.log.add_error(f"{running.child.name} {running.kill_reason}: it is restarted")
            _kill_group(process.pid)
            process.wait(STOP_SECONDS)

    def _launch(self, running: _Running) -> None:
        if self._reaper is None:
            self._start_reaper()
        variables, running.launched_at = dict(self.environment), time.monotonic()
        if running.watchdog is not None:
            running.watchdog.start(time.monotonic())
            variables |= running.watchdog.environment
        try:
            with running.log.open() as output:
                running.process = _start(running.child, output.fileno(), variables)
        except OSError as error:  # too many processes, no inode for the log
            why = f"could not be started ({error.strerror})"
            self._plan_restart(running, why, time.monotonic())
        else:
            self._send_to_reaper(f"+{running.process.pid}\n")

    def _on_end(self, running: _Running, process: Process, now: float) -> None:
        _kill_group(process.pid)  # its own children that are left
        self._send_to_reaper(f"-{process.pid}\n")
        running.process = None
        how, running.kill_reason = running.kill_reason, ""
        is_waiting = process.returncode == WRONG_SETTINGS and running.has_worked
        if is_waiting:
            how = " ".join(("cannot start:", *running.log.tail(1)))
        how = how or describe_end(process.returncode or 0)
        self._plan_restart(running, how, now, is_waiting=is_waiting)

    def _plan_restart(
        self, running: _Running, how: str, now: float, *, is_waiting: bool = False
    ) -> None:
        """Count the end and set the time of the restart, later each time. Raises ChildError."""
        name, is_external = running.child.name, is_waiting
        if running.child.is_external is not None:
            is_external |= running.child.is_external()
        if not is_external:
            running.crashes.append(now)
        while running.crashes and running.crashes[0] < now - RESTART_WINDOW_SECONDS:
            running.crashes.popleft()
        if len(running.crashes) > MAX_RESTARTS:
            last = "\n".join(f"  {line}" for line in running.log.tail())
            raise ChildError(
                f"{name} {how} {len(running.crashes)} times within a minute, so newsdrop stops. "
                f"The end of its log ({running.log.path.name}):\n{last}"
            )
        wait = min(0.5 * 2 ** max(0, len(running.crashes) - 1), _MAX_BACKOFF_SECONDS)
        running.start_at = now + (_MAX_BACKOFF_SECONDS if is_external else wait)
        self._on_warning(name, f"{how}; restarting it in {running.start_at - now:g} s")

    def _start_reaper(self) -> None:
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_HERE / "reaper.py"), str(REAPER_SECONDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for pid in self.pids().values():
            self._send_to_reaper(f"+{pid}\n")

    def _send_to_reaper(self, line: str) -> None:
        if self._reaper is None or self._reaper.stdin is None:
            return
        with suppress(BrokenPipeError):  # killed; the next round starts another
            self._reaper.stdin.write(line.encode())
            self._reaper.stdin.flush()


def _start(child: Child, output: int, variables: dict[str, str]) -> Process:
    """Start it with these variables in addition to our own. Raises OSError."""
    if child.run is not None:
        name = f"newsdrop-{child.name}"
        return ForkedProcess(Fork(child.run, name, output, variables, child.fds))
    with_death_signal = (sys.executable, "-I", "-S", pdeathsig.__file__, str(os.getpid()))
    return subprocess.Popen(
        [*with_death_signal, *child.argv],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, "LC_ALL": "C", **variables},  # a server warns of one it does not have
        process_group=0,
    )


def describe_end(status: int) -> str:
    """How a process ended: `ended with status 2`, `was ended by SIGKILL`."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _end(some: Iterable[_Running], should_kill: Callable[[], bool]) -> None:
    processes = [r.process for r in some if r.process is not None]
    for process in processes:
        if process.poll() is None:
            process.terminate()  # the leader alone: a Celery worker ends its pool in good order
    deadline = time.monotonic() + STOP_SECONDS
    while any(process.poll() is None for process in processes):
        if time.monotonic() > deadline or should_kill():
            break
        time.sleep(0.05)
    for process in processes:
        _kill_group(process.pid)
        process.wait(STOP_SECONDS)


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nobody is left
        os.killpg(group, signal.SIGKILL)
