"""The process `newsdrop listen`: a listener that sends Celery messages."""

import signal
from functools import partial
from types import FrameType

from worker.health.preflight import begin
from worker.logs import configure_logging, get_logger, log_waiting
from worker.service.listener.listener import Listener, Notify
from worker.service.notify import notifier
from worker.settings import Settings
from worker.sources.registry import is_paused
from worker.store.broker import QUEUE, open_wakeups

logger = get_logger(__name__)


def run_listen(settings: Settings) -> int:
    """Wake the scan for every file that is ready, until TERM or Ctrl-C. For the main thread.

    Raises ConfigError.
    """
    configure_logging(settings)
    begin(settings, partial(log_waiting, logger))
    systemd = notifier()
    listener = Listener(
        settings.all_folders(),
        _celery_notify(settings),
        is_paused=partial(is_paused, settings.state_dir),
        on_turn=systemd.alive,
    )

    def stop(number: int, frame: FrameType | None) -> None:
        systemd.stopping()
        listener.stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    folders = len(settings.all_folders())
    systemd.ready(f"watching {folders} folder{'' if folders == 1 else 's'}")
    listener.run()
    return 0


def _celery_notify(settings: Settings) -> Notify:
    from worker.taskqueue.celery_app import create_app

    app = create_app(settings)
    wakeups = open_wakeups(settings)
    limit = settings.max_wakeups()

    def notify(source: str, hints: list[str]) -> bool:
        if not wakeups.may_notify(QUEUE, limit):
            return False
        arguments = {"source": source, "hints": hints} if hints else {"source": source}
        app.send_task("newsdrop.scan", kwargs=arguments)
        return True

    return notify
