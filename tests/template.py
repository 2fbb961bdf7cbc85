"""Programs of newsdrop and Celery as forks of one process that has imported all they need: their
imports take most of the CPU time of a short life. Not for tests of how a program starts, nor where
its environment is looked for in /proc.

::

    Program([sys.executable, "-m", "celery", …], env=…, stdout=…)    # as subprocess.Popen

A fork of the test's own process would have its threads' locks, its sockets and its memory.
"""

import atexit
import ctypes
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from celery.__main__ import main as celery_main

from tests.servers import clean_environment
from tests.service import run_up
from worker.cli import main as newsdrop_main
from worker.service.fork import exit_status
from worker.service.part import run_celery

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_MODULES = ("celery", "worker.cli", "tests.service.run_up")


class Program(subprocess.Popen[Any]):
    """`subprocess.Popen` of `python -m <one of _MODULES> …`, which begins as a fork; of any other
    command, and where the environment names what is to be loaded, it is nothing else."""

    def _execute_child(self, args: Any, *options: Any) -> None:
        cwd, environment, new_session = options[4], options[5], options[20]
        pipes = options[9:15]  # the ends of the child are at 0, 3 and 5; -1: it has ours
        environment = dict(os.environ if environment is None else environment)
        if not _can_fork([*args], environment):
            super()._execute_child(args, *options)  # type: ignore[misc]
            return
        order = {"words": [*args[2:]], "environment": environment, "session": new_session}
        order["cwd"] = os.fspath(cwd or Path.cwd())
        given = [at if pipes[end] == -1 else pipes[end] for at, end in enumerate((0, 3, 5))]
        self.pid = _order(order, given)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def run_program(
    command: Sequence[str], *, timeout: float, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, as :class:`Program`; its output is text. Raises
    subprocess.TimeoutExpired after `timeout` seconds."""
    pipe = subprocess.PIPE
    with Program(command, stdout=pipe, stderr=pipe, text=True, **options) as program:
        try:
            output, errors = program.communicate(timeout=timeout)
        except BaseException:
            program.kill()
            raise
    return subprocess.CompletedProcess(command, program.returncode, output, errors)


def run_newsdrop(
    *words: str, environment: Mapping[str, str], cwd: Path | None = None, timeout: float = 180
) -> "subprocess.CompletedProcess[str]":
    """`newsdrop <words>` with exactly this environment, as :func:`run_program`."""
    return run_program(
        [sys.executable, "-m", "worker.cli", *words],
        env={name: value for name, value in environment.items() if name != "PYTHONPATH"},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        timeout=timeout,
    )


def _can_fork(command: list[str], environment: dict[str, str]) -> bool:
    is_one = command[:2] == [sys.executable, "-m"] and command[2] in _MODULES
    loads = {"PYTHONPATH", "LD_PRELOAD"} & {*environment}
    return is_one and not loads and sys.platform == "linux"


def serve_commands(path: Path) -> int:
    """The pid of a child that runs the commands sent to the socket `path`; the caller must kill
    it."""
    return _order({"listen": str(path)}, [0, 1, 2])


def _order(content: Mapping[str, Any], descriptors: list[int]) -> int:
    """The pid of the program, which is a child of this process: its parent ended at once."""
    template, order = _template(), json.dumps(content).encode()
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        socket.send_fds(template, [len(order).to_bytes(8)], descriptors)
        template.sendall(order)
        return int.from_bytes(_receive(template, 8))
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@cache
def _template() -> socket.socket:
    """The way to the process, which ends with this one."""
    here, there = socket.socketpair()
    with there:
        subprocess.Popen(
            [sys.executable, "-m", "tests.template", str(there.fileno())],
            cwd=Path(__file__).parents[1], env=clean_environment(), pass_fds=[there.fileno()],
        )  # fmt: skip
    return here


def _receive(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def main() -> None:
    connection = socket.socket(fileno=int(sys.argv[1]))
    import worker.service.parts
    import worker.service.up
    import worker.web.serve  # noqa: F401

    gc.collect()
    gc.freeze()  # a collection in a fork would copy every page
    while True:
        try:
            order, descriptors = _receive_order(connection)
        except (EOFError, ConnectionError):
            return
        reads, writes = os.pipe()
        between = os.fork()
        if between == 0:
            if (pid := os.fork()) == 0:
                if "listen" in order:
                    _listen(order["listen"])
                _run_command(order, descriptors)
            os.write(writes, pid.to_bytes(8))
            os._exit(0)
        for fd in (writes, *descriptors):
            os.close(fd)
        os.waitpid(between, 0)
        connection.sendall(os.read(reads, 8))
        os.close(reads)


def _receive_order(connection: socket.socket) -> tuple[Any, list[int]]:
    size, descriptors, _, _ = socket.recv_fds(connection, 8, 3)
    if not size:
        raise EOFError
    return json.loads(_receive(connection, int.from_bytes(size))), descriptors


def _listen(path: str) -> NoReturn:
    """Run what comes until this process is killed."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(10)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _serve(connection)
        connection.close()


def _serve(connection: socket.socket) -> NoReturn:
    """One program: each byte that comes is a signal for it; its exit status goes back."""
    order, descriptors = _receive_order(connection)
    pid = os.fork()
    if pid == 0:
        _run_command(order, descriptors)

    def pass_on() -> None:
        with suppress(ProcessLookupError):
            while number := connection.recv(1):
                os.kill(pid, number[0])
            os.kill(pid, signal.SIGKILL)  # its caller is gone

    threading.Thread(target=pass_on, daemon=True).start()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    connection.send(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


def _run_command(order: Any, descriptors: Sequence[int]) -> NoReturn:
    """Run the command in this fork, then exit: the frames below are the template's."""
    status = 1
    try:
        if order["session"]:
            os.setsid()
        for target, source in enumerate(descriptors):
            os.dup2(source, target)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(target, "r" if target == 0 else "w", encoding="utf-8") for target in range(3)
        )
        os.environ.clear()
        os.environ.update(order["environment"])
        time.tzset()
        os.chdir(order["cwd"])
        sys.argv = order["words"]
        os.execve = _exec_celery
        mains = {"celery": celery_main, "worker.cli": newsdrop_main}
        status = exit_status(mains.get(sys.argv[0], lambda: sys.exit(run_up.main())))
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _exec_celery(_: str, command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Stand-in for the exec of `newsdrop worker` (worker/service/part.py): run Celery in this
    process."""
    os.environ.update(environment)
    sys.argv = [*command[3:]]
    run_celery(sys.argv[1:])
    raise SystemExit


if __name__ == "__main__":
    main()
