"""The scheduler: beat's ticks, bounded, and cron schedules in a source's own time zone."""

from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from celery.beat import PersistentScheduler, ScheduleEntry, SchedulingError
from celery.schedules import crontab, schedstate
from celery.utils.dispatch import Signal

from worker.errors import Retryable, SpoolUnavailable
from worker.feeds.cron import next_cron_time
from worker.health.check import exit_with_message
from worker.health.preflight import check_places, create_places
from worker.logs import get_logger
from worker.spool.lockfile import SCHEDULER, acquire_slot
from worker.store.broker import QUEUE, open_wakeups
from worker.store.connection import connect, redis_url
from worker.store.factory import heartbeats

logger = get_logger(__name__)

_CATCH_UP = timedelta(days=1)
"""What was last sent at a time that is still to come is due as if it was last sent a day ago."""

_MAX_SCHEDULERS = 10
"""Of one state directory: one of them works, the others stand by."""

beat_alive = Signal(name="beat_alive")
"""Sent at each turn of beat's loop, and while its server is unavailable."""


class ZoneCrontab(crontab):  # type: ignore[misc]
    """A cron schedule of five fields (minute, hour, day, month, weekday) read in `zone`."""

    def __init__(self, text: str, zone: str) -> None:
        minute, hour, day, month, weekday = text.split()
        super().__init__(minute, hour, weekday, day, month)
        self.text, self.zone = text, zone
        self.tz = ZoneInfo(zone)

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        due = next_cron_time(self.text, self.tz, self.maybe_make_aware(last_run_at))
        now: datetime = self.maybe_make_aware(self.now())
        return due - now

    def is_due(self, last_run_at: datetime) -> schedstate:
        rest = self.remaining_estimate(last_run_at).total_seconds()
        is_due = rest <= 0
        return schedstate(
            is_due, self.remaining_estimate(self.now()).total_seconds() if is_due else rest
        )

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return ZoneCrontab, (self.text, self.zone)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ZoneCrontab) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash((self.text, self.zone))


class BoundedScheduler(PersistentScheduler):  # type: ignore[misc]
    """Beat's scheduler, which sends no tick while enough of them wait.

    Otherwise a night without workers leaves thousands of ticks. It also records each tick, so that
    `status` can show that beat is silent. Of several schedulers on one state directory one works;
    beat's file has no lock of its own.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._turn: ExitStack | None = None
        self._stands_by = False
        super().__init__(*args, **kwargs)
        settings = self.app.conf.newsdrop_settings
        client = connect(redis_url(settings))
        self._wakeups = open_wakeups(settings, client)
        self._heartbeats = heartbeats(settings, client)
        self._limit = settings.max_wakeups()
        self._is_failing = False
        self._has_ticked = False

    def setup_schedule(self) -> None:
        # Beat's file is in the state directory, which does not exist at the first start; without
        # this the process ended here, and the worker continued without ticks. Wrong settings end it
        # with one sentence; Celery would log a traceback.
        with exit_with_message():
            create_places(self.app.conf.newsdrop_settings)
            # The other checks come once it runs (see heartbeat.py): a TERM in here hangs Celery.
            check_places(self.app.conf.newsdrop_settings, lambda _: None)
        self._begin()

    def _begin(self) -> bool:
        """Begin to work, unless another scheduler does so on this state directory: then stand by.
        Where files cannot be locked it works, too: ticks are harmless."""
        state_dir, turn = self.app.conf.newsdrop_settings.state_dir, ExitStack()
        number = int(self._stands_by)
        with suppress(SpoolUnavailable):
            count = 1 if self._stands_by else _MAX_SCHEDULERS
            slot = turn.enter_context(acquire_slot(state_dir, SCHEDULER, count))
            number = slot.number if slot else _MAX_SCHEDULERS
        if number and self._stands_by:
            return False
        if self._turn is not None:
            self._turn.close()
        self._turn = turn
        if number:
            logger.warning("another scheduler works on this state directory: this one stands by")
        elif self._stands_by:
            logger.warning("the other scheduler has ended: this one works now")
        self._stands_by = bool(number)
        if not number:
            super().setup_schedule()
        return not number

    def close(self) -> None:
        if self._stands_by:
            return  # beat's file is not open; the kernel frees the lock
        super().close()
        if self._turn is not None:
            self._turn.close()

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        beat_alive.send(sender=self)
        if self._stands_by and not self._begin():
            return self.max_interval
        if not self._has_ticked:  # the first entry is due an interval after the start
            self._has_ticked = True
            with suppress(Retryable):
                self._heartbeats.record_tick()
        self._forget_future()
        return super().tick(*args, **kwargs)

    def _forget_future(self) -> None:
        """Make entries due now that were last sent in the future, by a clock that was ahead: beat
        would wait until that time. A clock 8 hours ahead for 8 seconds cost 8 hours."""
        now = self.app.now()
        ahead = [entry for entry in self.schedule.values() if _as_utc(entry.last_run_at) > now]
        if not ahead:
            return
        for entry in ahead:
            entry.last_run_at = now - _CATCH_UP
        logger.warning("the clock was set back: what was sent in the future is sent now")
        self.populate_heap()  # it has the times of the wrong clock

    def _ensure_connected(self) -> Any:
        # Celery's own waits in here while the server is unavailable, without a watchdog message.
        def on_error(error: Exception, seconds: float) -> None:
            logger.warning("no tick can be sent", error=f"{error}; next attempt in {seconds:g} s")

        return self.connection.ensure_connection(
            on_error,
            self.app.conf.broker_connection_max_retries,
            callback=lambda: beat_alive.send(sender=self),
        )

    def apply_async(self, entry: ScheduleEntry, *args: Any, **kwargs: Any) -> Any:
        result = None
        try:
            self._heartbeats.record_tick()
            if self._wakeups.may_notify(QUEUE, self._limit):
                result = super().apply_async(entry, *args, **kwargs)
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
        return result


def _as_utc(time: datetime) -> datetime:
    """Celery has naive times in entries that beat's file did not have before."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)
