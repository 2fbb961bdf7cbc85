"""Run a command that ends when its parent does: `pdeathsig.py PARENT_PID COMMAND …`.

Started by its path with `python -I -S`, so it uses only the standard library. It requests a TERM at
the parent's death (prctl(2), PR_SET_PDEATHSIG; kept over exec) and then becomes the command. Where
the kernel does not support it, :mod:`worker.service.reaper` ends the child.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15  # linux/prctl.h
CANNOT_RUN = 127  # as in a shell


def end_with(parent: int) -> bool:
    """Have this process get a TERM at the death of its parent. False if `parent` died before."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    return os.getppid() == parent


def name_process(name: str) -> None:
    """Have `top`, `pgrep` and `ps -o comm` show this process as `name`, at most 15 bytes."""
    _prctl(PR_SET_NAME, name.encode())


def _prctl(option: int, value: object) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def main(parent: int, command: list[str]) -> int:
    if not end_with(parent):
        return CANNOT_RUN
    try:
        os.execvp(command[0], command)  # noqa: S606  no shell is the point
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]!a}: {error.strerror}\n")
    return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
