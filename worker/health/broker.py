"""Whether Celery's broker answers, where it is another server than that of the stream.

Nothing of the broker is checked at a start: its messages may be lost, and a worker waits for it.
"""

from contextlib import closing

from worker.errors import NewsdropError
from worker.health.check import Check
from worker.settings import Settings
from worker.store.broker import QUEUE, broker_url, open_wakeups
from worker.store.connection import printable_url


def broker_check(settings: Settings) -> Check | None:
    """None where the broker is the server of the stream, which has its own checks."""
    if not settings.celery.broker_url:
        return None
    try:
        with closing(open_wakeups(settings)) as wakeups:
            wakeups.count_waiting(QUEUE)
        return Check("broker", "ok", f"{printable_url(broker_url(settings))} answers")
    except NewsdropError as error:
        return Check("broker", "fail", str(error), "start it, or correct celery.broker_url")
