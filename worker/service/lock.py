"""One `up` per state directory: a lock that the kernel releases however its holder ends; and
`newsdrop down`, which stops the holder."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from worker.errors import UsageError
from worker.escape import printable
from worker.service.command_hint import command_hint
from worker.service.state import StateDir
from worker.settings import Settings
from worker.settings.flock import closing_fd, try_flock
from worker.settings.paths import is_up_running, run_file
from worker.translation import gettext
from worker.translation import message as translate

STOP_SECONDS = 60.0
"""How long `down` waits: 20 seconds each for the children and the server, and a margin."""

_LOOKING_SECONDS = 0.5
"""A command that looks whether an `up` runs holds the lock for a moment (`is_up_running`)."""


@contextmanager
def up_lock(state: StateDir, command: str = "up") -> Iterator[None]:
    """Hold the lock for `command`: `up`, or one that runs the embedded server for a while. Children
    do not inherit it: Python opens files close-on-exec.

    Raises UsageError where another process holds it, ConfigError where it cannot be opened.
    """
    try:
        fd = os.open(state.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise state.unusable(error.strerror) from error
    with closing_fd(fd):
        _lock(fd, state)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()} {command}\n".encode(), 0)
        yield
        os.ftruncate(fd, 0)


def holder(state: StateDir) -> int | None:
    """The pid of the `up` that runs on `state`; None where none does.

    Only the lock says that it runs: the pid in the file is valid while the lock is held. Raises
    UsageError while a command that will end by itself holds the lock.
    """
    if not is_up_running(state.path):
        return None
    with closing_fd(os.open(state.lock, os.O_RDONLY | os.O_CLOEXEC)) as fd:
        pid, command = _content(fd)
    if command != "up":
        raise _command_runs(state, pid, command)
    return pid


def run_down(settings: Settings, console: Console) -> int:
    """Stop the `up` of the state directory and wait for its end: 0 if none runs then, else 1."""
    state = StateDir(settings.state_dir)
    pid = holder(state)
    if pid is None:
        run_file(state.path).unlink(missing_ok=True)
        console.print(Text(translate(f"Nothing runs on {printable(state.path)}.")))
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while holder(state) is not None:
        if time.monotonic() > deadline:
            text = f"Process {pid} does not stop; its logs are in {printable(state.logs)}."
            console.print(Text(translate(text)))
            return 1
        time.sleep(0.1)
    console.print(Text(gettext("Stopped.")))
    return 0


def _lock(fd: int, state: StateDir) -> None:
    deadline = time.monotonic() + _LOOKING_SECONDS
    while time.monotonic() <= deadline:
        if try_flock(fd):
            return
        time.sleep(0.02)
    pid, command = _content(fd)
    if command != "up":
        raise _command_runs(state, pid, command)
    who = f"process {pid}" if pid else "another process"
    raise UsageError(
        f"it already runs on {printable(state.path)} ({who}); stop it with "
        f"`{command_hint('down')}`, or choose another directory with NEWSDROP_STATE_DIR"
    )


def _command_runs(state: StateDir, pid: int | None, command: str) -> UsageError:
    return UsageError(
        f"`newsdrop {printable(command)}` runs on {printable(state.path)} (process {pid}): wait "
        "for its end, and try again"
    )


def _content(fd: int) -> tuple[int | None, str]:
    """The holder's pid, None where it is about to write it, and its command."""
    pid, _, command = os.pread(fd, 64, 0).decode("ascii", "replace").strip().partition(" ")
    return int(pid) if pid.isdigit() else None, command or "up"
