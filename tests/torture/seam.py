"""The file system calls of this process, and its scripts in Redis: one made to fail, or all of them
recorded.

Only calls through `os` are seen. A file object's own writes go past it; those of the way of a batch
are followed by `os.fsync`, which is seen.
"""

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from worker.store.connection import Script

CHANGES = ("open", "write", "rename", "replace", "fsync", "mkdir", "unlink", "rmdir")
SCRIPT = "script"
"""A Lua script, as the one that publishes. It does not fail but by a kill."""
CALLS = (*CHANGES, "read", "pread", "fstat", "listdir", "scandir", "fdopen", "close", SCRIPT)
FAILURES = ("EIO", "ENOSPC", "EMFILE", "short write", "kill before", "kill after")


@contextmanager
def before_each(
    act: Callable[[str, tuple[Any, ...]], None], names: tuple[str, ...]
) -> Iterator[None]:
    """`act(name, arguments)` is called before each call of one of `names`."""

    def wrap(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            act(name, args)
            return real(*args, **options)

        return call

    with _replaced({name: wrap(name, _function(name)) for name in names}):
        yield


@contextmanager
def failing(failure: str, number: int, on_failure: Callable[[str], None]) -> Iterator[None]:
    """The `number`-th call that can fail this way fails; `on_failure` gets its name first."""
    count = 0

    def wrap(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            is_able = name == "write" or failure != "short write"
            if (
                count != number
                or (name == SCRIPT and not failure.startswith("kill"))
                or not is_able
            ):
                return real(*args, **options)
            on_failure(name)
            if failure == "short write":
                return real(args[0], bytes(args[1])[: max(1, len(args[1]) // 2)])
            if failure == "kill after" or name == "close":  # a file that cannot be closed is closed
                real(*args, **options)
            if failure.startswith("kill"):
                os.kill(os.getpid(), signal.SIGKILL)
            code = getattr(errno, failure)
            raise OSError(code, os.strerror(code), str(args[0])[:100] if args else None)

        return call

    with _replaced({name: wrap(name, _function(name)) for name in CALLS}):
        yield


@contextmanager
def _replaced(functions: dict[str, Callable[..., Any]]) -> Iterator[None]:
    real = {name: _function(name) for name in functions}
    for name, function in functions.items():
        _replace(name, function)
    try:
        yield
    finally:
        for name, function in real.items():
            _replace(name, function)


def _function(name: str) -> Callable[..., Any]:
    return Script.run if name == SCRIPT else getattr(os, name)


def _replace(name: str, function: Callable[..., Any]) -> None:
    if name == SCRIPT:
        Script.run = function  # type: ignore[method-assign]
    else:
        setattr(os, name, function)
