"""Ringing the workers from a process that is none: the command line, a library's user."""

from worker.errors import Retryable
from worker.settings import Settings


def ring_ingest(settings: Settings) -> bool:
    """Say that work waits. False where Redis does not answer; beat's next tick rings then."""
    from celery.exceptions import OperationalError

    from worker.app import INGEST_QUEUE, create_app

    try:
        create_app(settings).send_task("newsdrop.ingest", queue=INGEST_QUEUE, retry=False)
    except OperationalError:
        return False
    return True


def answers(settings: Settings) -> bool:
    """Whether Redis is there now."""
    from worker.store.connection import connect, redis_url
    from worker.store.server import run_id

    try:
        run_id(connect(redis_url(settings)))
    except Retryable:
        return False
    return True
