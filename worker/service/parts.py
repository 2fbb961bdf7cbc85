"""The parts of `newsdrop up`, as functions for forks of it.

Everything they need is imported here, once: if each part imported it, it would be in memory four
times.
"""

# ruff: noqa: F401
from collections.abc import Callable
from functools import partial
from socket import socket

import billiard.popen_fork
import billiard.sharedctypes
import celery.app.control
import celery.app.log
import celery.apps.beat
import celery.apps.worker
import celery.backends.base
import celery.bin.beat
import celery.bin.worker
import celery.concurrency.prefork
import celery.fixups.django
import celery.worker.autoscale
import celery.worker.components
import celery.worker.consumer.delayed_delivery
import celery.worker.strategy
import structlog.stdlib
import structlog.tracebacks
import watchdog.observers

import worker.service.watchdog
import worker.taskqueue.heartbeat
import worker.tasks
from worker.health.check import exit_with_message
from worker.service.listener.process import run_listen
from worker.service.part import part_words, run_celery
from worker.service.port import ServePage, get_address, open_port
from worker.service.supervise import Child
from worker.service.watchdog_socket import WATCHDOG_SECONDS
from worker.settings import Settings, load


def default_children(
    settings: Settings, serve_page: ServePage | None
) -> tuple[tuple[Child, ...], str | None]:
    """Worker, beat, listener and the status page; and the page's address.

    Each reads the settings again when it starts. The page listens on `web.port`, or on the next
    free port: several services may run side by side. Raises ConfigError where it would admit other
    machines without a token.
    """
    runs = {part: partial(run_celery, part_words(part, settings)) for part in ("worker", "beat")}
    runs["listen"] = partial(_with_settings, run_listen)
    children = tuple(Child(part, run=run, watchdog=WATCHDOG_SECONDS) for part, run in runs.items())
    if serve_page is None:
        return children, None
    listening = open_port(settings, or_another=True)
    address = get_address(listening)
    fd = listening.detach()  # open as long as this process lives
    run = partial(_with_settings, lambda own: serve_page(own, socket(fileno=fd)))
    # Ingesting does not need the page: it is restarted without limit and never stops the rest.
    page = Child("web", run=run, is_external=lambda: True, fds=(fd,), watchdog=WATCHDOG_SECONDS)
    return (*children, page), address


def _with_settings(run: Callable[[Settings], int]) -> None:
    with exit_with_message():
        raise SystemExit(run(load()))
