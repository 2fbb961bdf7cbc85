"""A worker's life as others see it: it refuses to start wrongly, and says that it is there.

Connected to Celery's signals when the application is made; the heartbeats go beside Celery's own,
so that `newsdrop status` needs no round of `inspect`, which takes a second and more.
"""

import os
import socket
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from celery import Celery, signals
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning

from worker.errors import Retryable
from worker.health.preflight import begin, exit_with_message
from worker.logs import configure_logging, get_logger, is_json, log_waiting, write_json
from worker.store.connection import connect, redis_url
from worker.store.workers import BEAT_SECONDS, Heartbeats, WorkerInfo

logger = get_logger(__name__)


def connect_signals(app: Celery) -> None:
    """Have the workers of `app` check themselves at start and beat while they live."""
    presence = _Presence(app)
    signals.setup_logging.connect(_logging(app), weak=False)
    signals.celeryd_init.connect(_lines_only, weak=False)
    signals.celeryd_init.connect(_root_in_a_sentence, weak=False)
    signals.celeryd_after_setup.connect(_no_advice, weak=False)
    signals.worker_init.connect(presence.begin, weak=False)
    signals.beat_init.connect(presence.begin_unless_begun, weak=False)
    signals.heartbeat_sent.connect(presence.beat, weak=False)
    signals.worker_ready.connect(presence.ready, weak=False)
    signals.worker_shutdown.connect(presence.leave, weak=False)


def _logging(app: Celery) -> Callable[..., None]:
    def configure(**_: Any) -> None:
        configure_logging(app.conf.newsdrop_settings)

    return configure


def _no_advice(**_: Any) -> None:
    """Leave out what Celery says at each lost connection, of a setting that is set on purpose (see
    :mod:`worker.app`). After its own set-up, in which it asks for all such warnings."""
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)


def _lines_only(instance: Any, conf: Any, **_: Any) -> None:
    """Where lines are JSON, what Celery prints past its logs (its banner, and what it says in a
    signal's handler) is none, or a line as well."""
    from celery.apps import worker

    configure_logging(conf.newsdrop_settings)  # for what is said before Celery does so
    if is_json(conf.newsdrop_settings.log):
        instance.quiet = True
        worker.safe_say = lambda said, *_: write_json(said)


def _root_in_a_sentence(**_: Any) -> None:
    """What Celery warns root of next, in four paragraphs with its source line, is one line."""
    warnings.filterwarnings("ignore", category=SecurityWarning)
    if os.geteuid() == 0:
        logger.warning("runs as root: a user of its own is safer")


class _Presence:
    """Beats of the worker in this process."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._beats: Heartbeats | None = None
        self._started_ms = int(time.time() * 1000)
        self._last = 0.0
        self._processes = app.conf.worker_concurrency
        self._checked = False

    def begin(self, **_: Any) -> None:
        """Refuse to work, or begin; a server that is away is waited for."""
        with exit_with_message():
            self._checked = begin(self._app.conf.newsdrop_settings, partial(log_waiting, logger))

    def begin_unless_begun(self, **_: Any) -> None:
        """For beat, which with `-B` is a child of a worker that did so."""
        if not self._checked:
            self.begin()

    def ready(self, sender: Any, **_: Any) -> None:
        self.begin_unless_begun()  # the server was away, and may be one that must be refused
        self._processes = sender.controller.concurrency
        self.beat()

    def beat(self, **_: Any) -> None:
        if time.monotonic() - self._last < BEAT_SECONDS:
            return
        self._last = time.monotonic()
        info = WorkerInfo(
            name=self._name(),
            pid=os.getpid(),
            host=socket.gethostname(),
            processes=self._processes,
            started_ms=self._started_ms,
        )
        try:
            self._store().beat(info)
        except Retryable:
            self._last = 0.0  # Celery says itself that its broker is away

    def leave(self, **_: Any) -> None:
        try:
            self._store().leave(self._name())
        except Retryable:
            return

    def _store(self) -> Heartbeats:
        if self._beats is None:
            settings = self._app.conf.newsdrop_settings
            self._beats = Heartbeats(connect(redis_url(settings)), stream=settings.stream.name)
        return self._beats

    @staticmethod
    def _name() -> str:
        return f"newsdrop@{socket.gethostname()}-{os.getpid()}"
