"""Ringing the workers from the command line."""

from typing import TYPE_CHECKING

from worker.settings import Settings

if TYPE_CHECKING:
    import redis


def ring_ingest(settings: Settings) -> bool:
    """Say that work waits. False where Redis does not answer; beat's next tick rings then."""
    from kombu.exceptions import OperationalError

    from worker.app import INGEST_QUEUE, create_app

    try:
        create_app(settings).send_task("newsdrop.ingest", queue=INGEST_QUEUE, retry=False)
    except OperationalError:
        return False
    return True


def answers(client: "redis.Redis") -> bool:
    """Whether Redis is there now."""
    from worker.app import INGEST_QUEUE
    from worker.errors import Retryable
    from worker.store.bells import Bells

    try:
        Bells(client).queued(INGEST_QUEUE)
    except Retryable:
        return False
    return True
