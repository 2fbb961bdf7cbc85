"""`up --detach`: continue in the background, and return to the terminal when all is ready."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

from worker.errors import ConfigError, NewsdropError, UsageError
from worker.service.state import StateDir

_READY = b"ready\n"
_ERRORS: dict[bytes, type[NewsdropError]] = {b"usage\n": UsageError, b"config\n": ConfigError}


def detach(state: StateDir, serve: Callable[[Callable[[], None]], int]) -> None:
    """Run `serve(on_ready)` in a background process; return once it called `on_ready()`.

    Its output goes to `<state>/log/up.log`. It has its own session, so that closing the terminal
    does not end it. Ctrl-C before that stops all of it. Call before any thread is started: the
    process is forked.

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


def _background(state: StateDir, serve: Callable[[Callable[[], None]], int], pipe: int) -> int:
    os.setsid()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    log, null = os.open(state.logs / "up.log", flags, 0o600), os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)
    os.close(log)
    os.close(null)
    open_pipe = [pipe]

    def send(message: bytes) -> None:
        if open_pipe:
            with suppress(BrokenPipeError):  # the terminal was closed: continue without it
                os.write(pipe, message)
            os.close(open_pipe.pop())

    try:
        return serve(lambda: send(_READY))
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
