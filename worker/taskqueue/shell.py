"""What surrounds each task: its errors are logged here, and little goes back to the main process.

A pool process reports a task's end through a pipe. billiard writes a message above 16 KB as header
and body; if the main process loses its Redis connection between the two, its event loop forgets the
half that it has read, takes the body for a header and never reads a result again. An exception with
its frames has 32 to 76 KB, and tasks fail just when Redis goes. So the traceback is logged in the
pool process, and what is sent stays small.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from billiard.einfo import ExceptionInfo
from celery import Task, shared_task
from kombu.exceptions import OperationalError

from worker.errors import Retryable
from worker.escape import printable
from worker.logs import get_logger

logger = get_logger(__name__)

P = ParamSpec("P")

_OUTSIDE = (Retryable, OperationalError, OSError)
"""Problems of the world (no Redis for a wake-up, a folder without permission): beat repeats it."""

_MAX_CHARACTERS = 2_000  # of an error's text for the main process, which only counts it


class TaskFailed(Exception):
    """A bug ended a task; its traceback is in the log."""


def task(name: str) -> Callable[[Callable[P, None]], Task]:
    """Make the Celery task `name` of a function.

    An outside problem is one warning, and the task ends well: there is nothing to repeat but the
    next tick. Anything else is logged as an error with its traceback, and the task fails.
    """

    def decorate(work: Callable[P, None]) -> Task:
        @wraps(work)
        def shell(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                work(*args, **kwargs)
            except _OUTSIDE as error:
                logger.warning("put off until a later tick", task=name, error=_one_line(error))
            except Exception as error:
                logger.error("task failed", task=name, exc_info=error)
                raise TaskFailed(type(error).__name__) from None

        return shared_task(name=name, throws=(TaskFailed,))(shell)

    return decorate


def send_little_to_the_main_process() -> None:
    """Pickle an exception's report without frames, and its text cut: Celery's own errors (a message
    that cannot be read) do not pass a task's shell."""
    ExceptionInfo.__getstate__ = _small_state


def _small_state(report: Any) -> dict[str, object]:
    text = str(report.traceback)[-_MAX_CHARACTERS:]
    error = report.exception
    is_small = isinstance(error, TaskFailed | SystemExit | KeyboardInterrupt)
    return {
        "type": report.type,
        "exception": error if is_small else TaskFailed(text),
        "tb": None,
        "traceback": text,
        "internal": report.internal,
    }


def _one_line(error: BaseException) -> str:
    if isinstance(error, Retryable):
        return str(error)  # escaped where it was made
    return printable(f"{type(error).__name__}: {error}", _MAX_CHARACTERS)
