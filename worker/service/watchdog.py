"""Whether a Celery process still does its work, for systemd's watchdog: it ends one that does not.

A worker is not alive because its process is there. What is looked at is what has gone wrong with
workers: a main loop that hangs, a pool without processes, and one that is connected, idle and deaf,
so that messages wait and none is taken. A Redis that is away is none of these, for a restart would
not bring it back.
"""

import atexit
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil  # type: ignore[import-untyped]
from celery import signals
from celery.worker import state as celery_state

from worker.errors import Retryable
from worker.logs import get_logger
from worker.service.notify import Notifier
from worker.store.connection import connect, redis_url
from worker.store.wakeups import WakeupQueue
from worker.taskqueue.celery_app import INGEST_QUEUE, QUEUE
from worker.taskqueue.scheduler import beat_alive

logger = get_logger(__name__)

WAITS_SECONDS = 10.0
"""A worker that is not connected by then is said to be ready all the same: it waits for Redis, and
`systemctl start` should not."""

_UNWATCHED = 120.0  # as seconds of a watchdog, where there is none: STATUS tells all the same

LOOP_PATIENCE = 45.0
"""Seconds for which a loop may be silent at the least. Celery's beats each 2 s; looking for a
server that is away it sleeps up to 32 s between two tries."""


_HANGS = "its main loop hangs"
_EMPTY = "its pool has no process"
_DEAF = "it is idle and takes none of the messages that wait"


@dataclass(frozen=True, slots=True)
class LivenessReading:
    """What was seen at one moment. `turns` and `taken` are counts; `idle`: no task in hand."""

    turns: int
    processes: int
    taken: int
    idle: bool
    waiting: int


class LivenessMonitor:
    """Judges what it is shown; time is handed in (seconds of a monotonic clock)."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._last: LivenessReading | None = None
        self._good: dict[str, float] = {}

    def trouble(self, seen: LivenessReading, now: float) -> str:
        """What is wrong, for people; empty where the worker is alive."""
        last, self._last = self._last, seen
        well = {
            _HANGS: last is None or seen.turns != last.turns,
            _EMPTY: seen.processes > 0,
            _DEAF: last is None or not seen.idle or not seen.waiting or seen.taken != last.taken,
        }
        self._good.update((what, now) for what, good in well.items() if good)
        for what in well:
            patience = max(self._patience, LOOP_PATIENCE) if what == _HANGS else self._patience
            if now - self._good.setdefault(what, now) > patience:
                return what
        return ""


def attend_worker(notifier: Notifier) -> None:
    """Tell systemd of the Celery worker that is about to run in this process."""
    watcher = _WorkerWatcher(notifier)
    signals.worker_init.connect(watcher.begin, weak=False)
    signals.heartbeat_sent.connect(watcher.turned, weak=False)
    signals.task_received.connect(watcher.took, weak=False)
    signals.worker_ready.connect(watcher.ready, weak=False)
    signals.worker_shutting_down.connect(watcher.stopping, weak=False)


def attend_beat(notifier: Notifier) -> None:
    """The same of Celery's beat: its loop is all there is to it, and it ends at once."""
    signals.beat_init.connect(lambda **_: notifier.ready("ticks"), weak=False)
    beat_alive.connect(lambda **_: notifier.alive(), weak=False)
    atexit.register(notifier.stopping)


class _WorkerWatcher:
    """A thread that looks and tells; the signals' receivers only count."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._controller: Any = None
        self._bells: WakeupQueue | None = None
        self._turns = self._taken = 0
        self._ready = threading.Event()
        self._stopping = False

    def begin(self, sender: Any, **_: Any) -> None:
        self._controller = sender
        settings = sender.app.conf.newsdrop_settings
        self._bells = WakeupQueue(connect(redis_url(settings)))
        threading.Thread(target=self._watch, name="vigil", daemon=True).start()

    def turned(self, **_: Any) -> None:
        self._turns += 1

    def took(self, **_: Any) -> None:
        self._taken += 1

    def ready(self, **_: Any) -> None:
        self._notifier.ready(self._told())
        self._ready.set()

    def stopping(self, **_: Any) -> None:
        self._stopping = True
        self._notifier.stopping()

    # ── the thread ──────────────────────────────────────────────────────────────────────────

    def _watch(self) -> None:
        if not self._ready.wait(WAITS_SECONDS) and not self._stopping:
            self._notifier.ready("waits for Redis")
        watchdog = self._notifier.watchdog
        vigil = LivenessMonitor((watchdog or _UNWATCHED) / 2)
        said = ""
        while True:
            # While it stops, its loop need not turn; how long that takes is bounded elsewhere.
            trouble = "" if self._stopping else vigil.trouble(self._sight(), time.monotonic())
            if not trouble:
                self._notifier.alive()
            if not self._stopping:
                self._notifier.status(f"is stuck: {trouble}" if trouble else self._told())
            if trouble and trouble != said:
                logger.error("this worker is stuck", error=trouble)
            said = trouble
            time.sleep(min(5.0, (watchdog or _UNWATCHED) / 4))

    def _sight(self) -> LivenessReading:
        consumer = getattr(self._controller, "consumer", None)
        away = consumer is None or consumer.connection is None
        # Without a connection there are no beats; then the tries to get one are the sign of life.
        tries = getattr(consumer, "broker_connection_retry_attempt", 0)
        return LivenessReading(
            turns=self._turns + tries,
            processes=_children(),
            taken=self._taken,
            idle=not (celery_state.active_requests or celery_state.reserved_requests),
            waiting=0 if away else self._waiting(),
        )

    def _waiting(self) -> int:
        assert self._bells is not None
        try:
            return self._bells.count_waiting(QUEUE) + self._bells.count_waiting(INGEST_QUEUE)
        except Retryable:
            return 0

    def _told(self) -> str:
        consumer = getattr(self._controller, "consumer", None)
        if consumer is None or consumer.connection is None:
            return "waits for Redis"
        busy, done = len(celery_state.active_requests), self._taken
        return f"works: {busy} of {self._controller.concurrency} processes busy, {done} tasks taken"


def _children() -> int:
    """Processes of this one that live, a dead one that nobody buried left out."""
    try:
        found = psutil.Process().children()
        return sum(process.status() != psutil.STATUS_ZOMBIE for process in found)
    except psutil.Error:  # one ended while it was looked at: so there was one
        return 1


ATTENDED: dict[str, Callable[[Notifier], None]] = {"worker": attend_worker, "beat": attend_beat}
"""By the parts that Celery runs."""
