"""The entry of `celery -A worker.app worker -B`, which does the whole job.

Only the command `celery` imports this module: importing it reads the settings of the environment.
"""

import sys
from contextlib import nullcontext
from pathlib import Path

from worker.health.preflight import exit_with_message
from worker.settings import load
from worker.taskqueue.celery_app import create_app


def _is_celery_command() -> bool:
    """Whether this process is the command `celery`, which shows a traceback of what is raised."""
    program = Path(sys.argv[0])
    return program.stem == "celery" or program.parent.name == "celery"


with exit_with_message() if _is_celery_command() else nullcontext():
    app = create_app(load())
