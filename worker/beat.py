"""The scheduler: beat's ticks, bounded, and cron schedules in a source's own time zone."""

import logging
from typing import Any
from zoneinfo import ZoneInfo

from celery.beat import PersistentScheduler, ScheduleEntry
from celery.schedules import crontab

from worker.errors import Retryable
from worker.store.bells import Bells
from worker.store.connection import connect, redis_url
from worker.store.workers import Heartbeats

logger = logging.getLogger(__name__)


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
        self._bells = Bells(client)
        self._beats = Heartbeats(client, stream=settings.stream.name)
        self._limit = 2 * settings.processes()

    def apply_async(self, entry: ScheduleEntry, *args: Any, **kwargs: Any) -> Any:
        try:
            self._beats.beat_tick()
            ring = self._bells.may_ring(self.app.conf.task_default_queue, self._limit)
        except Retryable:
            ring = True  # the broker's own retry says what is wrong
        if not ring:
            logger.debug("enough ticks wait: %s is left out", entry.name)
            return None
        return super().apply_async(entry, *args, **kwargs)
