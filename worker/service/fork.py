"""A child process that is a fork of this one, and so shares the memory of all that is imported.

What a Python process writes to after its start is small: all of `up` with four pool
processes took 463 MiB as programs of their own, and takes 249 MiB as forks (proportional set size);
its start took 9.4 s of CPU time, and takes 2.6 s (one run each).
"""

import atexit
import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from worker.service.notify import notifier
from worker.service.pdeathsig import CANNOT_RUN, end_with, name_process

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
"""The signals that `up` handles in its own way; a child begins with the defaults."""


@dataclass(frozen=True, slots=True)
class Fork:
    """A process to fork, and its part of the parent. `name`: as `top` and `pgrep` show it, at most
    15 bytes; `fds`: descriptors that stay open; `output`: the one for its output."""

    run: Callable[[], object]
    name: str
    output: int
    environment: Mapping[str, str]
    fds: tuple[int, ...] = ()


class ForkedProcess:
    """As much of `subprocess.Popen` as a supervisor needs. It leads its own process group.

    For a process with one thread: a lock that another one holds would stay locked in the fork.
    Raises OSError where there are too many processes.
    """

    def __init__(self, fork: Fork) -> None:
        self.returncode: int | None = None
        gc.collect()
        gc.freeze()  # a collection in the fork would write to every object, and so copy all pages
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        # A TERM must not reach the parent's handlers in the fork: they would only count it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _child(fork, parent, mask)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        with suppress(OSError):  # the fork does so too: whichever is first
            os.setpgid(self.pid, self.pid)

    def poll(self) -> int | None:
        """The exit status, or the negative number of the signal that ended it; None: it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """The same once it ended. Raises TimeoutError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} does not end")
            time.sleep(0.01)
        return status

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


def _child(fork: Fork, parent: int, mask: set[int]) -> NoReturn:
    """Run in the fork, then exit: the frames below this one are the parent's and never return."""
    status = 1
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        name_process(fork.name)
        if not end_with(parent):
            os._exit(CANNOT_RUN)
        _use_descriptors(fork.output, fork.fds)
        os.environ.update(fork.environment)
        notifier.cache_clear()  # the parent's speaks to the parent's supervisor
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        status = exit_status(fork.run)
        threading._shutdown()  # type: ignore[attr-defined]  # as Python and multiprocessing do
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def exit_status(run: Callable[[], object]) -> int:
    """The exit status of `run()`, as Python has it."""
    try:
        run()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0


def _use_descriptors(output: int, fds: tuple[int, ...]) -> None:
    """Read nothing, write to `output`, and close what belongs to the parent: locks, sockets, and
    the pipe by whose end the reaper sees that the parent died."""
    null = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, output), (2, output)):
        os.dup2(source, target)
    begin = 3
    for fd in sorted(fds):
        os.closerange(begin, fd)
        begin = fd + 1
    os.closerange(begin, os.sysconf("SC_OPEN_MAX"))
