"""Ringing the workers from a process that is none: the command line, a library's user."""

from worker.errors import Retryable
from worker.settings import Settings


def notify_ingest(settings: Settings) -> bool:
    """Say that work waits. False where Redis does not answer; beat's next tick rings then."""
    from worker.taskqueue.celery_app import INGEST_QUEUE

    return _ring(settings, "newsdrop.ingest", INGEST_QUEUE)


def notify_poll(settings: Settings) -> bool:
    """Say that feeds came, went or are due. False where Redis does not answer.

    Nothing is said where enough bells wait already: a script may add a thousand feeds one by one.
    """
    from worker.store.connection import connect, redis_url
    from worker.store.wakeups import WakeupQueue
    from worker.taskqueue.celery_app import QUEUE

    try:
        if not WakeupQueue(connect(redis_url(settings))).may_notify(QUEUE, settings.max_wakeups()):
            return True
    except Retryable:
        return False
    return _ring(settings, "newsdrop.poll", QUEUE)


def redis_answers(settings: Settings) -> bool:
    """Whether Redis is there now."""
    from worker.store.connection import connect, redis_url
    from worker.store.server import run_id

    try:
        run_id(connect(redis_url(settings)))
    except Retryable:
        return False
    return True


def _ring(settings: Settings, task: str, queue: str) -> bool:
    from celery.exceptions import OperationalError

    from worker.taskqueue.celery_app import create_app

    try:
        create_app(settings).send_task(task, queue=queue, retry=False)
    except OperationalError:
        return False
    return True
