"""`newsdrop down`: stop the `up` that runs on a state directory."""

import os
import signal
import time

from rich.console import Console
from rich.text import Text

from worker.escape import printable
from worker.service.lock import holder
from worker.service.state import state_of
from worker.settings import Settings
from worker.settings.paths import run_file

STOP_SECONDS = 60.0
"""How long it may take: the children's and the server's 20 seconds each, and some."""


def run_down(settings: Settings, console: Console) -> int:
    """Ask it to stop and wait until it has. 0 if nothing runs now, 1 if it does not end.

    Only the lock is believed: a pid in a file that nobody holds may be anybody's by now.
    """
    state = state_of(settings.state_dir)
    pid = holder(state)
    if pid is None:
        run_file(state.path).unlink(missing_ok=True)
        console.print(Text(f"Nothing runs on {printable(state.path)}."))
        return 0
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while holder(state) is not None:
        if time.monotonic() > until:
            console.print(Text(f"It does not end (process {pid}); its logs are in {state.logs}."))
            return 1
        time.sleep(0.1)
    console.print(Text("Stopped."))
    return 0
