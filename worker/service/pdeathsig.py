"""Run a command that ends when its parent does: `pdeathsig.py PARENT_PID COMMAND …`.

Started by its path with `python -I -S`, so it uses only the standard library. It requests a TERM at
the parent's death (prctl(2), PR_SET_PDEATHSIG; kept over exec) and then becomes the command. Where
the kernel does not support it, :mod:`worker.service.reaper` ends the child.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
CANNOT_RUN = 127  # as in a shell


def main(parent: int, command: list[str]) -> int:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died before the request
        return CANNOT_RUN
    try:
        os.execvp(command[0], command)  # noqa: S606  no shell is the point
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]!a}: {error.strerror}\n")
    return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
