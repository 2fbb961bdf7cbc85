"""One `up` a state directory: a lock the kernel frees, whatever way its holder ends."""

import os
from types import TracebackType

from worker.errors import UsageError
from worker.escape import printable
from worker.service.command_hint import command_hint
from worker.service.state import StateDir
from worker.spool.lockfile import is_free, try_lock


class UpLock:
    """Held while an `up` runs. Children do not inherit it (Python opens files close-on-exec).

    Raises UsageError on entering when another process holds it, ConfigError where it cannot be.
    """

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._fd = -1

    def __enter__(self) -> "UpLock":
        try:
            fd = try_lock(self._state.lock, mode=0o600)
        except OSError as error:
            raise self._state.unusable(error.strerror) from error
        if fd is None:
            pid = _pid_in(self._state)
            who = f"process {pid}" if pid else "another process"
            raise UsageError(
                f"it already runs on {printable(self._state.path)} ({who}); stop it with "
                f"`{command_hint('down')}`, or choose another directory with NEWSDROP_STATE_DIR"
            )
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        os.ftruncate(self._fd, 0)
        os.close(self._fd)


def holder(state: StateDir) -> int | None:
    """The pid of the `up` that runs on `state`; None where none does.

    Only the lock tells whether it runs; the pid in the file is believed as long as it is held.
    """
    try:
        state.lock.open("rb").close()  # raises for another user's file, which is no free lock
    except FileNotFoundError:
        return None
    return None if is_free(state.lock) else _pid_in(state)


def _pid_in(state: StateDir) -> int | None:
    text = state.lock.read_bytes()[:32].strip()
    return int(text) if text.isdigit() else None
