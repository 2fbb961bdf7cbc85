"""The checks, logging and heartbeats of a worker or beat at its start and while it runs.

The heartbeats go beside Celery's own, so that `newsdrop status` needs no round of `inspect`, which
takes a second and more.
"""

import logging
import os
import socket
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import Celery, signals
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.platforms import EX_FAILURE
from celery.worker import state as celery_state

from worker import __version__
from worker.errors import NewsdropError, SpoolUnavailable
from worker.escape import printable
from worker.health.check import exit_with_message
from worker.health.data_format import FORMAT
from worker.health.nodes import shared_directory
from worker.health.preflight import begin
from worker.logs import configure_logging, get_logger, is_json, log_waiting, write_json
from worker.settings import Settings
from worker.settings.clock import read_clocks
from worker.spool.layout import roots
from worker.spool.lockfile import slot_holders
from worker.spool.ownership import check_same_directory, make_id
from worker.spool.waiting import list_waiting
from worker.spool.wanted import WantedPages
from worker.store.connection import connect, redis_url
from worker.store.factory import heartbeats, node_store
from worker.store.service_nodes import NodeReport, NodeStore
from worker.store.workers import BEAT_SECONDS, Heartbeats, WorkerInfo

logger = get_logger(__name__)


def connect_signals(app: Celery) -> None:
    """Have the worker or beat of `app` in this process check itself and send heartbeats."""
    settings: Settings = app.conf.newsdrop_settings
    process = _CeleryProcess(settings)
    receivers = (
        (signals.setup_logging, partial(_set_up_logging, settings)),
        (signals.celeryd_init, partial(_log_only_lines, settings)),
        (signals.celeryd_init, _warn_root),
        (signals.celeryd_init, _delay_in_the_worker),
        (signals.celeryd_after_setup, _ignore_celery_advice),
        (signals.worker_init, process.check_start),
        (signals.beat_init, process.check_start_once),
        (signals.heartbeat_sent, process.send_heartbeat),
        (signals.heartbeat_sent, process.end_without_scheduler),
        (signals.worker_ready, process.on_ready),
        (signals.worker_shutdown, process.on_shutdown),
    )
    for signal, receiver in receivers:
        signal.connect(receiver, weak=False)


def _set_up_logging(settings: Settings, **_: Any) -> None:
    configure_logging(settings)
    logging.getLogger("celery.worker.request").addFilter(_expect_lost_process)


def _expect_lost_process(record: logging.LogRecord) -> bool:
    """A process that a bound or a person ended is a warning without a traceback, which would only
    show Celery: the journal counts the document, and the next task continues."""
    if record.exc_info and record.exc_info[0] is WorkerLostError:
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
    return True


def _ignore_celery_advice(**_: Any) -> None:
    """Hide Celery's advice at each lost connection about a setting that is set on purpose (see
    :mod:`worker.taskqueue.celery_app`). After Celery's set-up, which enables such warnings."""
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)


def _log_only_lines(settings: Settings, instance: Any, **_: Any) -> None:
    """Hide the banner that Celery prints past its logs where no person sees it: a log would repeat
    it at each start. With JSON logs, write what Celery prints in a signal handler as a line."""
    from celery.apps import worker

    configure_logging(settings)  # for lines before Celery does so
    instance.quiet = instance.quiet or not sys.stdout.isatty()
    if is_json(settings.log):
        instance.quiet = True
        worker.safe_say = lambda text, *_: write_json(text)


def _delay_in_the_worker(**_: Any) -> None:
    """Have the worker itself wait until a repeated order is due, as with Redis. For quorum queues
    Celery would declare 28 queues more, which need exchanges of another type."""
    from celery.worker.consumer import Consumer

    steps = Consumer.Blueprint.default_steps
    Consumer.Blueprint.default_steps = [one for one in steps if "delayed_delivery" not in one]


def _warn_root(**_: Any) -> None:
    """Warn root in one line; Celery's own warning has four paragraphs and a source line."""
    warnings.filterwarnings("ignore", category=SecurityWarning)
    if os.geteuid() == 0:
        logger.warning("runs as root: a user of its own is safer")


class _CeleryProcess:
    """The worker, or beat, in this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stores: tuple[Heartbeats, NodeStore] | None = None
        self._started_ms = int(time.time() * 1000)
        self._last_beat = 0.0
        self._reported_ms = 0
        self._processes = settings.pool()
        self._name = ""
        self._is_checked = False
        self._worker: Any = None
        self._is_ending = False

    def check_start(self, **_: Any) -> None:
        """Exit if a check of the start fails; wait for a server that does not answer."""
        with exit_with_message():
            self._is_checked = begin(self._settings, partial(log_waiting, logger))

    def check_start_once(self, **_: Any) -> None:
        """For beat, which with `-B` is a child of a worker that has begun."""
        if not self._is_checked:
            self.check_start()

    def on_ready(self, sender: Any, **_: Any) -> None:
        self._worker = sender.controller
        self.check_start_once()  # the server was unavailable, and may be one that must be refused
        self._processes = sender.controller.concurrency
        self.send_heartbeat()

    def send_heartbeat(self, **_: Any) -> None:
        """Send the heartbeat and the node's report, at most every BEAT_SECONDS."""
        if time.monotonic() - self._last_beat < BEAT_SECONDS:
            return
        self._last_beat = time.monotonic()
        try:
            node = describe_node(self._settings)
            pid = os.getpid()
            self._name = f"newsdrop@{node.host}-{pid}"
            workers, nodes = self._open()
            other = nodes.get(node.id)
            if other and other.boot != node.boot and 0 < self._reported_ms < other.last_seen_ms:
                self._end(shared_directory(self._settings, other))
            self._reported_ms = nodes.report(node).last_seen_ms
            workers.beat(
                WorkerInfo(
                    self._name, pid, node.host, self._processes, self._started_ms, node=node.id
                )
            )
        except (NewsdropError, OSError):
            self._last_beat = 0.0  # Celery itself logs that its broker is unavailable

    def end_without_scheduler(self, **_: Any) -> None:
        """End a worker with `-B` whose scheduler was killed: without ticks it would wait, and its
        supervisor restarts both."""
        scheduler = getattr(self._worker, "beat", None)
        if scheduler is None or getattr(scheduler, "exitcode", None) is None or self._is_ending:
            return
        self._end("the scheduler ended: this worker ends too", status=scheduler.exitcode)

    def _end(self, reason: str, **details: Any) -> None:
        self._is_ending = True
        logger.error(reason, **details)
        celery_state.should_stop = EX_FAILURE

    def on_shutdown(self, **_: Any) -> None:
        """Remove the heartbeat; the last worker of the node reports that the node has ended."""
        try:
            workers, nodes = self._open()
            workers.remove(self._name)
            if not workers.list_own_workers():
                nodes.report(replace(describe_node(self._settings), has_ended=True))
        except (NewsdropError, OSError):
            return

    def _open(self) -> tuple[Heartbeats, NodeStore]:
        if self._stores is None:
            client = connect(redis_url(self._settings))
            self._stores = heartbeats(self._settings, client), node_store(self._settings, client)
        return self._stores


def describe_node(settings: Settings) -> NodeReport:
    """This node now; spool folders that cannot be read are left out. Raises OSError or
    SpoolUnavailable where the state directory cannot be used."""
    check_same_directory(settings.state_dir)
    waiting = []
    for root in roots(settings):
        with suppress(SpoolUnavailable):
            waiting += list_waiting(root)
    host = socket.gethostname()
    return NodeReport(
        id=make_id(settings.state_dir),
        name=printable(settings.node_name or host, 64),
        host=host,
        boot=read_clocks().boot,
        data_format=FORMAT,
        version=__version__,
        batches=len(waiting),
        files=sum(batch.files for batch in waiting),
        pages=len(WantedPages(settings.state_dir).names()),
        leases=sum(holder.count for holder in slot_holders(settings.state_dir, "fetch")),
    )
