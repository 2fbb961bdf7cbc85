"""Ringing the workers from the command line."""

from worker.settings import Settings


def ring_ingest(settings: Settings) -> bool:
    """Say that work waits. False where Redis does not answer; beat's next tick rings then."""
    from kombu.exceptions import OperationalError

    from worker.app import INGEST_QUEUE, create_app

    try:
        create_app(settings).send_task("newsdrop.ingest", queue=INGEST_QUEUE, retry=False)
    except OperationalError:
        return False
    return True
