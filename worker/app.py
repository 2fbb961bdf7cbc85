"""The entry of `celery -A worker.app worker -B`, which does the whole job.

Only the command `celery` imports this module: it reads the settings of the environment.
"""

import sys
from contextlib import nullcontext, suppress
from pathlib import Path

from worker.health.check import exit_with_message
from worker.settings import load
from worker.taskqueue.celery_app import create_app
from worker.taskqueue.heartbeat import connect_signals


def _is_celery_command() -> bool:
    """Whether this process is the command `celery`, which shows a traceback for every error."""
    program = Path(sys.argv[0])
    return "celery" in (program.stem, program.parent.name)


with exit_with_message() if _is_celery_command() else nullcontext():
    settings = load()
    with suppress(OSError):  # its id is in the names of the queues
        settings.state_dir.mkdir(parents=True, exist_ok=True)
    app = create_app(settings)
    connect_signals(app)
