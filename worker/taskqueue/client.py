"""Wake-up messages from processes that are no workers: the command line, a library's user.

Everything is imported on use, because most commands send none. The settings are the caller's:
nothing here may import `worker.app`, which reads the environment.
"""

from contextlib import closing

from worker.errors import Retryable
from worker.settings import Settings


def notify_ingest(settings: Settings) -> bool:
    """Wake the workers for waiting batches. False if the broker does not answer: then beat's next
    tick wakes them."""
    return _send(settings, "newsdrop.ingest")


def notify_poll(settings: Settings) -> bool:
    """Wake the workers because feeds changed or are due. False if the broker does not answer.

    Sends nothing while enough messages wait: a script may add a thousand feeds one by one.
    """
    from worker.store.broker import QUEUE, open_wakeups

    try:
        with closing(open_wakeups(settings)) as wakeups:
            if not wakeups.may_notify(QUEUE, settings.max_wakeups()):
                return True
    except Retryable:
        return False
    return _send(settings, "newsdrop.poll")


def redis_answers(settings: Settings) -> bool:
    from worker.store.connection import connect, redis_url
    from worker.store.server import get_run_id

    try:
        get_run_id(connect(redis_url(settings)))
    except Retryable:
        return False
    return True


def _send(settings: Settings, task: str) -> bool:
    from celery.exceptions import OperationalError

    from worker.taskqueue.celery_app import create_app

    try:
        create_app(settings).send_task(task, retry=False)
    except OperationalError:
        return False
    return True
