"""The scheduler: beat's ticks, bounded, and cron schedules in a source's own time zone."""

from typing import Any
from zoneinfo import ZoneInfo

from celery.beat import PersistentScheduler, ScheduleEntry, SchedulingError
from celery.schedules import crontab
from celery.utils.dispatch import Signal

from worker.errors import Retryable
from worker.health.preflight import check_places, create_places, exit_with_message
from worker.logs import get_logger
from worker.store.connection import connect, redis_url
from worker.store.wakeups import WakeupQueue
from worker.store.workers import Heartbeats

logger = get_logger(__name__)

beat_alive = Signal(name="loop_turned")
"""Sent at each turn of beat's loop, and while it looks for a server that is away: it lives."""


class ZoneCrontab(crontab):  # type: ignore[misc]
    """A cron schedule of five fields (minute, hour, day, month, weekday) read in `zone`."""

    def __init__(self, text: str, zone: str) -> None:
        minute, hour, day, month, weekday = text.split()
        super().__init__(minute, hour, weekday, day, month)
        self.text, self.zone = text, zone
        self.tz = ZoneInfo(zone)

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return ZoneCrontab, (self.text, self.zone)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ZoneCrontab):
            return NotImplemented
        return (self.text, self.zone) == (other.text, other.zone)

    def __hash__(self) -> int:
        return hash((self.text, self.zone))


class BoundedScheduler(PersistentScheduler):  # type: ignore[misc]
    """Beat's scheduler, which sends no tick while enough of them wait.

    Without it a night without workers leaves thousands of ticks to work through. It also notes
    that it lives, so that `status` can tell a silent beat.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings = self.app.conf.newsdrop_settings
        client = connect(redis_url(settings))
        self._bells = WakeupQueue(client)
        self._beats = Heartbeats(client, stream=settings.stream.name)
        self._limit = settings.max_wakeups()
        self._trouble = ""

    def setup_schedule(self) -> None:
        # Its file is in the state directory, which nothing has made yet at the very first start;
        # without this beat's process ended there, and the worker went on without a tick. Where
        # the settings are wrong it ends in a sentence; Celery would log a traceback.
        with exit_with_message():
            create_places(self.app.conf.newsdrop_settings)
            # The rest is told once it runs (see heartbeat.py): a TERM in here hangs Celery.
            check_places(self.app.conf.newsdrop_settings, lambda _: None)
        super().setup_schedule()

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        beat_alive.send(sender=self)
        return super().tick(*args, **kwargs)

    def _ensure_connected(self) -> Any:
        # Celery's own waits in here for as long as the server is away, and says nothing meanwhile.
        def away(error: Exception, seconds: float) -> None:
            logger.warning("no tick can be sent", error=f"{error}; tried again in {seconds:g} s")

        return self.connection.ensure_connection(
            away,
            self.app.conf.broker_connection_max_retries,
            callback=lambda: beat_alive.send(sender=self),
        )

    def apply_async(self, entry: ScheduleEntry, *args: Any, **kwargs: Any) -> Any:
        try:
            self._beats.beat_tick()
            if self._bells.may_notify(self.app.conf.task_default_queue, self._limit):
                sent = super().apply_async(entry, *args, **kwargs)
            else:
                logger.debug("enough ticks wait: one is left out", tick=entry.name)
                sent = None
        except (Retryable, SchedulingError) as error:
            self._say_once(str(error))
            return None
        self._say_once("")
        return sent

    def _say_once(self, trouble: str) -> None:
        """Log a trouble when it begins and its end, not at every tick between."""
        if bool(trouble) != bool(self._trouble):
            if trouble:
                logger.warning("no tick can be sent", error=trouble)
            else:
                logger.warning("ticks are sent again")
        self._trouble = trouble
