"""What `listen` does: file events become bells for `newsdrop.scan`."""

import signal
from types import FrameType

from celery import Celery

from worker.app import QUEUE, create_app
from worker.service.listen import Listener
from worker.settings import Settings
from worker.sources.pause import is_paused
from worker.store.bells import Bells
from worker.store.connection import connect, redis_url


def run(settings: Settings) -> None:
    """Listen until TERM, INT or HUP."""
    app: Celery = create_app(settings)
    bells = Bells(connect(redis_url(settings)))
    most = 2 * settings.processes()

    def ring(source: str, hints: list[str]) -> bool:
        if not bells.may_ring(QUEUE, most):
            return False
        app.send_task("newsdrop.scan", kwargs={"source": source, "hints": hints}, queue=QUEUE)
        return True

    listener = Listener(
        settings.all_folders(), ring, paused=lambda source: is_paused(settings.state_dir, source)
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        listener.stop()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    listener.run()
