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
from worker.store.workers import Heartbeats, WakeupQueue

logger = get_logger(__name__)

beat_alive = Signal(name="beat_alive")
"""Sent at each turn of beat's loop, and while it looks for a server that is away."""


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
        return isinstance(other, ZoneCrontab) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash((self.text, self.zone))


class BoundedScheduler(PersistentScheduler):  # type: ignore[misc]
    """Beat's scheduler, which sends no tick while enough of them wait.

    Otherwise a night without workers leaves thousands of ticks. It also records each tick, so that
    `status` can show that beat is silent.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings = self.app.conf.newsdrop_settings
        client = connect(redis_url(settings))
        self._wakeups = WakeupQueue(client)
        self._heartbeats = Heartbeats(client, stream=settings.stream.name)
        self._limit = settings.max_wakeups()
        self._is_failing = False

    def setup_schedule(self) -> None:
        # Beat's file is in the state directory, which does not exist at the first start; without
        # this the process ended here, and the worker went on without ticks. Wrong settings end it
        # with one sentence; Celery would log a traceback.
        with exit_with_message():
            create_places(self.app.conf.newsdrop_settings)
            # The other checks come once it runs (see heartbeat.py): a TERM in here hangs Celery.
            check_places(self.app.conf.newsdrop_settings, lambda _: None)
        super().setup_schedule()

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        beat_alive.send(sender=self)
        return super().tick(*args, **kwargs)

    def _ensure_connected(self) -> Any:
        # Celery's own waits in here while the server is away, without a sign of life.
        def on_error(error: Exception, seconds: float) -> None:
            logger.warning("no tick can be sent", error=f"{error}; next attempt in {seconds:g} s")

        return self.connection.ensure_connection(
            on_error,
            self.app.conf.broker_connection_max_retries,
            callback=lambda: beat_alive.send(sender=self),
        )

    def apply_async(self, entry: ScheduleEntry, *args: Any, **kwargs: Any) -> Any:
        sent = None
        try:
            self._heartbeats.record_tick()
            if self._wakeups.may_notify(self.app.conf.task_default_queue, self._limit):
                sent = super().apply_async(entry, *args, **kwargs)
            else:
                logger.debug("enough ticks wait: this one is skipped", tick=entry.name)
        except (Retryable, SchedulingError) as error:
            if not self._is_failing:  # once, not at every tick
                logger.warning("no tick can be sent", error=str(error))
            self._is_failing = True
            return None
        if self._is_failing:
            logger.warning("ticks are sent again")
        self._is_failing = False
        return sent
