"""`up --detach`: continue in the background, and return to the terminal when all is ready."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from worker.errors import ConfigError, NewsdropError, UsageError
from worker.service.child_logs import ChildLog
from worker.service.state import StateDir

_READY = b"ready\n"
_Serve = Callable[[Callable[[], None], ChildLog], int]
_ERRORS: dict[bytes, type[NewsdropError]] = {b"usage\n": UsageError, b"config\n": ConfigError}


def detach(state: StateDir, serve: _Serve) -> None:
    """Run `serve(on_ready, log)` in a background process; return once it called `on_ready()`.

    Its output goes to `log`, `<state>/log/up.log`, which it trims itself. It has its own session,
    so that closing the terminal does not end it. Ctrl-C before that stops all of it. Call before
    any thread is started: the process is forked.

    Raises the ConfigError or UsageError that `serve` raised before it was ready, or a ConfigError
    that names its log.
    """
    read, write = os.pipe()
    interrupt = {signal.SIGINT}
    # A Ctrl-C in one of the functions that Python calls after a fork would be ignored.
    signal.pthread_sigmask(signal.SIG_BLOCK, interrupt)
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, interrupt)
        os.close(read)
        os._exit(_background(state, serve, write))
    os.close(write)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, interrupt)
        with os.fdopen(read, "rb") as pipe:
            message = pipe.read()
    except KeyboardInterrupt:
        print("Interrupted before it was ready: stopping all of it.", file=sys.stderr, flush=True)
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
        raise
    if message == _READY:
        return
    os.waitpid(pid, 0)
    for mark, kind in _ERRORS.items():
        if message.startswith(mark):
            raise kind(message.removeprefix(mark).decode())
    raise ConfigError(f"newsdrop did not start; its log is {state.logs / 'up.log'}")


def _background(state: StateDir, serve: _Serve, pipe: int) -> int:
    os.setsid()
    log = ChildLog(state.logs, "up")
    with log.open() as output, Path(os.devnull).open("rb") as null:
        for target, source in ((0, null), (1, output), (2, output)):
            os.dup2(source.fileno(), target)
    open_pipe = [pipe]

    def send(message: bytes) -> None:
        if open_pipe:
            with suppress(BrokenPipeError):  # the terminal was closed: continue without it
                os.write(pipe, message)
            os.close(open_pipe.pop())

    try:
        return serve(lambda: send(_READY), log)
    except NewsdropError as error:
        mark = next((mark for mark, kind in _ERRORS.items() if isinstance(error, kind)), b"")
        send(mark + str(error).encode() if mark else b"")
        print(error, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
