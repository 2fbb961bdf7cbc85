"""End the process groups of a supervisor that was killed: `reaper.py SECONDS`.

Reads lines from standard input: `+PGID` and `-PGID` as groups start and end, and `.` for a normal
end. If the input ends without it, the supervisor died: every group gets TERM, and after SECONDS
KILL. Groups, not processes, so that a Celery pool ends with its parent.

Started by its path with `python -I -S`, so it uses only the standard library.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable


def main(grace_seconds: float) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # outlives the supervisor
    groups: set[int] = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        elif line.startswith("-"):
            groups.discard(int(line[1:]))
        elif line.startswith("."):
            return 0
    end(groups, grace_seconds)
    return 0


def end(groups: Iterable[int], grace_seconds: float) -> None:
    """TERM every group, wait at most `grace_seconds`, KILL the rest."""
    running = [group for group in groups if _signal(group, signal.SIGTERM)]
    until = time.monotonic() + grace_seconds
    while running and time.monotonic() < until:
        time.sleep(0.05)
        running = [group for group in running if _signal(group, 0)]
    for group in running:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Send it; False if the group is empty."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
