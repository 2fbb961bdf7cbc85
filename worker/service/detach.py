"""`up --detach`: go on in the background, and return to the terminal when all is ready."""

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from worker.errors import ConfigError, NewsdropError, UsageError
from worker.service.state import StateDir

READY = b"ready\n"


@dataclass(frozen=True, slots=True)
class _Failure:
    kind: type[NewsdropError]
    mark: bytes


_FAILURES = (_Failure(UsageError, b"usage\n"), _Failure(ConfigError, b"config\n"))


def detach(state: StateDir, serve: Callable[[Callable[[], None]], int]) -> None:
    """Run `serve(ready)` in a process of its own; return once it called `ready()`.

    Its output goes to `<state>/log/up.log`. It has its own session, so that closing the terminal
    does not reach it. Call before any thread is started: the process is forked.

    Raises the ConfigError or UsageError that `serve` raised before it was ready, or a ConfigError
    that shows the end of its log.
    """
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        os._exit(_background(state, serve, write))
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    if told == READY:
        return
    os.waitpid(pid, 0)
    for failure in _FAILURES:
        if told.startswith(failure.mark):
            raise failure.kind(told.removeprefix(failure.mark).decode())
    raise ConfigError(f"newsdrop did not start; its log is {state.logs / 'up.log'}")


def _background(state: StateDir, serve: Callable[[Callable[[], None]], int], pipe: int) -> int:
    os.setsid()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    log, null = os.open(state.logs / "up.log", flags, 0o600), os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)
    os.close(log)
    os.close(null)
    open_pipe = [pipe]

    def say(message: bytes) -> None:
        if open_pipe:
            os.write(pipe, message)
            os.close(open_pipe.pop())

    try:
        return serve(lambda: say(READY))
    except NewsdropError as error:
        mark = next((f.mark for f in _FAILURES if isinstance(error, f.kind)), b"")
        say(mark + str(error).encode() if mark else b"")
        print(error, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
