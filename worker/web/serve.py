"""The server of the status page: one process, one event loop, bounded connections."""

import asyncio
import logging
import signal
import socket
from functools import partial
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from worker.errors import ConfigError
from worker.health.preflight import check_places, check_server, create_places
from worker.logs import configure_logging, get_logger, log_waiting
from worker.service.notify import notifier
from worker.settings import Settings
from worker.store.connection import redis_url
from worker.web.app import web_app

logger = get_logger(__name__)

HEAD_SECONDS = 15.0
"""How long a client may take for a request's head, and how long an idle connection stays open."""

STOP_SECONDS = 5
"""Running requests have so long after a TERM; streams end at once."""

_CONNECTIONS = 500


def run_web(settings: Settings, listening: socket.socket) -> int:
    """Serve at the socket `listening` until TERM or Ctrl-C; an exit code. Raises ConfigError."""
    configure_logging(settings)
    _prepare(settings)
    # Invalid requests deserve no warning; an error here is a bug, and its traceback is logged.
    logging.getLogger("uvicorn.error").setLevel("ERROR")
    logging.getLogger("sse_starlette").setLevel("WARNING")
    server = _Server(
        uvicorn.Config(
            web_app(settings),
            http=PromptProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=int(HEAD_SECONDS),
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )
    # One that comes before uvicorn listens to signals counts, too. It raises them again at its end.
    signal.signal(signal.SIGTERM, server.handle_exit)
    signal.signal(signal.SIGINT, server.handle_exit)
    server.run(sockets=[listening])
    return 0


def _prepare(settings: Settings) -> None:
    """The checks of every part, but an unusable Redis does not stop this one: the status page is
    where a person looks for what is wrong."""
    on_problem = partial(log_waiting, logger)
    redis_url(settings)  # raises where the password file cannot be read
    create_places(settings)
    check_places(settings, on_problem)
    try:
        check_server(settings, on_problem)
    except ConfigError as error:
        on_problem(str(error))


class _Server(uvicorn.Server):
    """Notifies systemd, where it listens, that the loop serves, is alive, and stops."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        notifier().ready("serves the status page")

    async def on_tick(self, counter: int) -> bool:
        notifier().alive()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        notifier().stopping()
        await super().shutdown(sockets)


class PromptProtocol(H11Protocol):
    """Closes a connection whose request head does not arrive within HEAD_SECONDS, or whose body
    continues for so long after its refusal. uvicorn waits forever, and some hundred such
    connections would exhaust the limit."""

    _timeout: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start_timeout()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        state = self.conn.their_state
        cycle: Any = self.cycle  # none before the first request, whatever its type says
        is_answered = cycle is not None and cycle.response_complete
        if state is h11.IDLE or (state is h11.SEND_BODY and is_answered):
            self._start_timeout()
        elif self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
        super().connection_lost(exc)

    def _start_timeout(self) -> None:
        if self._timeout is None:
            self._timeout = self.loop.call_later(HEAD_SECONDS, self.transport.close)
