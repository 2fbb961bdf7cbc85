"""Liveness of a Celery process, for the watchdog of systemd and of `up`, which end a stuck process.

A worker is not alive because its process exists. The checks are for what has gone wrong with
workers: a main loop that hangs, a pool without processes, and a connected, idle worker that takes
none of the waiting messages. A Redis that does not answer is none of these: a restart would not
help.
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
from worker.store.broker import WakeupQueue, open_wakeups
from worker.taskqueue.celery_app import INGEST_QUEUE, QUEUE
from worker.taskqueue.scheduler import beat_alive

logger = get_logger(__name__)

CONNECT_SECONDS = 10.0
"""A worker that is not connected by then is reported as ready: it waits for Redis, and
`systemctl start` should not."""

_UNWATCHED_SECONDS = 120.0  # the watchdog's time where there is none: the status is sent anyway

LOOP_PATIENCE_SECONDS = 45.0
"""Minimum seconds for which the main loop may be silent. Celery's loop sends a heartbeat each 2 s,
but while its server is unavailable it sleeps up to 32 s between two attempts."""

_HANGS = "its main loop hangs"
_EMPTY = "its pool has no process"
_IGNORES_MESSAGES = "it is idle and takes none of the messages that wait"


@dataclass(frozen=True, slots=True)
class LivenessReading:
    """State at one moment: counts of loop turns, live processes, received tasks and waiting
    messages; `is_idle`: no process has accepted a task. A suspended one never accepts what it gets,
    and no time limit counts before that."""

    loop_count: int
    process_count: int
    received_count: int
    is_idle: bool
    waiting_count: int


class LivenessMonitor:
    """Finds problems in readings; the caller passes the time (monotonic seconds)."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._previous: LivenessReading | None = None
        self._last_good: dict[str, float] = {}
        self._last_reading = 0.0

    def problem(self, now: LivenessReading, seconds: float) -> str:
        """The problem, for people; empty while the worker is alive."""
        before, self._previous = self._previous, now
        if seconds - self._last_reading > self._patience:  # the whole process was suspended
            self._last_good.clear()
        self._last_reading = seconds
        is_good = {
            _HANGS: before is None or now.loop_count != before.loop_count,
            _EMPTY: now.process_count > 0,
            _IGNORES_MESSAGES: before is None
            or not (now.is_idle and now.waiting_count)
            or now.received_count != before.received_count,
        }
        self._last_good |= {check: seconds for check in is_good if is_good[check]}
        for check in is_good:
            least = LOOP_PATIENCE_SECONDS if check == _HANGS else 0.0
            patience = max(self._patience, least)
            if seconds - self._last_good.setdefault(check, seconds) > patience:
                return check
        return ""


def monitor_worker(notifier: Notifier) -> None:
    """Report the Celery worker that is about to run in this process to its supervisor."""
    monitor = _WorkerMonitor(notifier)
    signals.worker_init.connect(monitor.on_init, weak=False)
    signals.heartbeat_sent.connect(monitor.on_heartbeat, weak=False)
    signals.task_received.connect(monitor.on_received, weak=False)
    signals.worker_ready.connect(monitor.on_ready, weak=False)
    signals.worker_shutting_down.connect(monitor.on_stopping, weak=False)


def monitor_beat(notifier: Notifier) -> None:
    """The same for Celery's beat, which is only its loop and stops at once."""
    signals.beat_init.connect(lambda **_: notifier.ready("running"), weak=False)
    beat_alive.connect(lambda **_: notifier.alive(), weak=False)
    atexit.register(notifier.stopping)


class _WorkerMonitor:
    """A thread that reads the worker's state and reports; the signals' receivers only count."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._controller: Any = None
        self._wakeups: WakeupQueue | None = None
        self._loop_count = self._received_count = 0
        self._ready = threading.Event()
        self._is_stopping = False

    def on_init(self, sender: Any, **_: Any) -> None:
        self._controller = sender
        settings = sender.app.conf.newsdrop_settings
        self._wakeups = open_wakeups(settings)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def on_heartbeat(self, **_: Any) -> None:
        self._loop_count += 1

    def on_received(self, **_: Any) -> None:
        self._received_count += 1

    def on_ready(self, **_: Any) -> None:
        self._notifier.ready(self._status())
        self._ready.set()

    def on_stopping(self, **_: Any) -> None:
        self._is_stopping = True
        self._notifier.stopping()

    # ── the thread ──────────────────────────────────────────────────────────────────────────

    def _watch(self) -> None:
        if not self._ready.wait(CONNECT_SECONDS) and not self._is_stopping:
            self._notifier.ready("waiting for the broker")
        seconds = self._notifier.watchdog or _UNWATCHED_SECONDS
        monitor = LivenessMonitor(seconds / 2)
        logged = ""
        while True:
            # While it stops, its loop need not turn; other limits bound how long that takes.
            is_checked = not self._is_stopping
            problem = monitor.problem(self._reading(), time.monotonic()) if is_checked else ""
            if problem and problem != logged:
                logger.error("this worker is stuck", error=problem)
            logged = problem
            if problem:
                self._notifier.stuck(problem)
            else:
                self._notifier.alive()
                if not self._is_stopping:
                    self._notifier.status(self._status())
            time.sleep(min(5.0, seconds / 4))

    def _reading(self) -> LivenessReading:
        consumer = getattr(self._controller, "consumer", None)
        # Without a connection the loop does not turn; then connection attempts show that it lives.
        attempts = getattr(consumer, "broker_connection_retry_attempt", 0)
        return LivenessReading(
            loop_count=self._loop_count + attempts,
            process_count=_child_count(),
            received_count=self._received_count,
            is_idle=not celery_state.active_requests,
            waiting_count=self._waiting_count() if self._is_connected() else 0,
        )

    def _is_connected(self) -> bool:
        consumer = getattr(self._controller, "consumer", None)
        return consumer is not None and consumer.connection is not None

    def _waiting_count(self) -> int:
        assert self._wakeups is not None
        try:
            waiting = (self._wakeups.count_waiting(queue) for queue in (QUEUE, INGEST_QUEUE))
            return sum(waiting)
        except Retryable:
            return 0

    def _status(self) -> str:
        if not self._is_connected():
            return "waiting for the broker"
        busy, total = len(celery_state.active_requests), self._controller.concurrency
        return f"working: {busy} of {total} processes busy, {self._received_count} tasks received"


def _child_count() -> int:
    """Live child processes, without zombies."""
    try:
        children = psutil.Process().children()
        return sum(child.status() != psutil.STATUS_ZOMBIE for child in children)
    except psutil.Error:  # a child ended meanwhile: so there was one
        return 1


MONITORS: dict[str, Callable[[Notifier], None]] = {"worker": monitor_worker, "beat": monitor_beat}
"""By the parts that Celery runs."""
