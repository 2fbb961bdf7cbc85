"""A command in a fork of the test's process, which has imported everything: to import newsdrop and
Celery again takes most of the CPU time of a short command. For commands that are not themselves
under test: how a program starts, is found in a PATH and meets signals is not shown by a fork."""

import gc
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

import celery.bin.celery  # noqa: F401  # so that no fork has to
from celery.__main__ import main as celery_main

import worker.cli.root  # noqa: F401
from worker.cli import main as newsdrop_main
from worker.service.fork import exit_status

Done = subprocess.CompletedProcess[str]


def run_newsdrop(
    *words: str, environment: Mapping[str, str], cwd: Path | None = None, timeout: float = 180
) -> Done:
    """`newsdrop <words>` with exactly this environment, to its end. Raises
    subprocess.TimeoutExpired after `timeout` seconds."""
    return _run(newsdrop_main, ("newsdrop", *words), environment, cwd, timeout)


def run_celery(*words: str, environment: Mapping[str, str], timeout: float = 180) -> Done:
    """`celery -A worker.app <words>`, likewise; its application has the environment's settings."""
    command = ("celery", "-A", "worker.app", *words)
    return _run(celery_main, command, environment, None, timeout)


def _run(
    main: Callable[[], object],
    command: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path | None,
    timeout: float,
) -> Done:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            _become(main, command, environment, cwd, (output, errors))
        code = _wait(child, command, timeout)
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(
            command, code, output.read().decode(), errors.read().decode()
        )


def _become(
    main: Callable[[], object],
    command: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path | None,
    streams: tuple[IO[bytes], IO[bytes]],
) -> NoReturn:
    """The life of the fork. The frames below this one are the test's: they never go on."""
    status = 1
    try:
        gc.freeze()  # a collection would copy every page
        null = os.open(os.devnull, os.O_RDONLY)
        for target, source in enumerate((null, *(stream.fileno() for stream in streams))):
            os.dup2(source, target)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(target, "r" if target == 0 else "w", encoding="utf-8") for target in range(3)
        )
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        logging.root.handlers.clear()  # pytest's
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(cwd or Path.cwd())
        sys.modules.pop("worker.app", None)  # it has the settings of the process that imported it
        sys.argv = [*command]
        status = exit_status(main)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _wait(child: int, command: Sequence[str], timeout: float) -> int:
    deadline = time.monotonic() + timeout
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise subprocess.TimeoutExpired(command, timeout)
        time.sleep(0.01)
