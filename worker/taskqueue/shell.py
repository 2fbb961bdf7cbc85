"""Runs each task: its errors are logged here, and little goes back to the main process.

A pool process reports a task's end through a pipe. billiard writes a message above 16 KB as header
and body; if the main process loses its Redis connection between the two, its event loop forgets the
half that it has read, takes the body for a header and never reads a result again. An exception with
its frames has 32 to 76 KB, and tasks fail just when Redis goes. So the traceback is logged in the
pool process, and what is sent stays small.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from billiard.einfo import ExceptionInfo
from celery import Task, current_app, shared_task
from celery.exceptions import Ignore, Retry
from kombu.exceptions import OperationalError

from worker.errors import (
    ConfigError,
    FetchFailed,
    NewsdropError,
    Retryable,
    SpoolUnavailable,
    StoreRefused,
)
from worker.escape import printable
from worker.logs import get_logger
from worker.settings.clock import utc_now
from worker.spool.disk_errors import disk_problem, is_of_disk
from worker.spool.ownership import check_same_directory
from worker.spool.task_record import record_failure, record_success

logger = get_logger(__name__)

P = ParamSpec("P")

_OUTSIDE = (Retryable, ConfigError, OperationalError, OSError)
"""Problems outside the code, such as no Redis for a wake-up, a folder without permission or a file
of settings that was damaged: beat sends the task again."""

_UNSEEN = (SpoolUnavailable, StoreRefused, ConfigError, OSError)
"""Temporary problems that `status` may not see by itself, as it sees a Redis that is down. So is a
plain Retryable: a command that Redis refuses, for a key of another type."""

_MAX_CHARACTERS = 2_000  # of an error's text for the main process, which only counts it

_RETRY_SECONDS = 10
"""Seconds until an order is tried again after a temporary problem, such as a full spool."""


class TaskFailed(Exception):
    """A task ended by a bug, whose traceback is in the log; or a refused order, with the reason and
    the counts of its job."""


def task(name: str) -> Callable[[Callable[P, None]], Task]:
    """Make the Celery task `name` of a function.

    A temporary problem is one warning, and the task succeeds: the next tick repeats it. Anything
    else is logged as an error with its traceback, and the task fails. `status` shows both until the
    task succeeds again.
    """

    def decorate(work: Callable[P, None]) -> Task:
        @wraps(work)
        def shell(*args: P.args, **kwargs: P.kwargs) -> None:
            state_dir = current_app.conf.newsdrop_settings.state_dir
            try:
                check_same_directory(state_dir)
                work(*args, **kwargs)
            except _OUTSIDE as error:
                why = _one_line(error)
                logger.warning("postponed until a later tick", task=name, error=why)
                if isinstance(error, _UNSEEN) or type(error) is Retryable:
                    record_failure(state_dir, name, why, utc_now(), is_bug=False)
            except Exception as error:
                logger.error("task failed", task=name, exc_info=error)
                record_failure(state_dir, name, _one_line(error), utc_now(), is_bug=True)
                raise TaskFailed(type(error).__name__) from None
            else:
                record_success(state_dir, name, utc_now())

        return shared_task(name=name, throws=(TaskFailed,))(shell)

    return decorate


def order(name: str) -> Callable[[Callable[Concatenate[Task, P], object]], Task]:
    """Make the Celery task `name` of a function that gets the task first: one that a client sends,
    and whose result it may read.

    An error of the order fails the task, in a sentence. After a temporary problem the task is
    tried again until it succeeds.
    """

    def decorate(work: Callable[Concatenate[Task, P], object]) -> Task:
        @wraps(work)
        def shell(self: Task, /, *args: P.args, **kwargs: P.kwargs) -> object:
            try:
                check_same_directory(current_app.conf.newsdrop_settings.state_dir)
                return work(self, *args, **kwargs)
            except Ignore:
                raise
            except Exception as error:
                why = _one_line(error)
                # FetchFailed is an error of the order: its address cannot be fetched.
                if isinstance(error, _OUTSIDE) and not isinstance(error, FetchFailed | ConfigError):
                    logger.warning("tried again later", task=name, error=why)
                    raise self.retry(countdown=_RETRY_SECONDS, max_retries=None) from None
                if isinstance(error, NewsdropError | TypeError):
                    # Without a result backend, only the log has the reason.
                    logger.warning("order refused", task=name, job=self.request.id, error=why)
                    raise TaskFailed(why) from None
                logger.error("task failed", task=name, exc_info=error)
                raise TaskFailed(type(error).__name__) from None

        bound = shared_task(name=name, bind=True, throws=(TaskFailed,), ignore_result=False)
        return bound(shell)

    return decorate


def limit_error_reports() -> None:
    """Pickle an exception's report without frames, and its text cut: Celery's own errors (a message
    that cannot be read) do not pass a task's shell."""
    ExceptionInfo.__getstate__ = _small_state


def _small_state(report: Any) -> dict[str, object]:
    text = str(report.traceback)[-_MAX_CHARACTERS:]
    error = report.exception
    is_small = isinstance(error, TaskFailed | Ignore | Retry | SystemExit | KeyboardInterrupt)
    return {
        "type": report.type,
        "exception": error if is_small else TaskFailed(text),
        "tb": None,
        "traceback": text,
        "internal": report.internal,
    }


def _one_line(error: BaseException) -> str:
    if isinstance(error, NewsdropError):
        return str(error)[:_MAX_CHARACTERS]  # escaped where it was made
    if isinstance(error, OSError) and is_of_disk(error):
        problem = disk_problem(error, current_app.conf.newsdrop_settings.state_dir)
        return f"{type(error).__name__}: {problem}"[:_MAX_CHARACTERS]
    return printable(f"{type(error).__name__}: {error}", _MAX_CHARACTERS)
