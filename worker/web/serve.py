"""The server of the status page: one process, one event loop, bounded in every direction."""

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

logger = get_logger(__name__)

HEAD_SECONDS = 15.0
"""How long a client may take for a request's head; an idle connection is kept so long, too."""

STOP_SECONDS = 5
"""What is under way at a TERM gets so long; streams end at once."""

_CONNECTIONS = 500


def run_web(settings: Settings, listening: socket.socket) -> int:
    """Serve at the socket `listening` until TERM or Ctrl-C; an exit code. Raises ConfigError."""
    from worker.web.app import web_app

    configure_logging(settings)
    _begin(settings)
    # What strangers send is no warning of ours; an error here is a bug, and told with its trace.
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
    # uvicorn sends itself the signal again when all is ended: that is the end asked for.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    server.run(sockets=[listening])
    return 0


def _begin(settings: Settings) -> None:
    """As each part does, but a server that must be refused is no reason not to come up: this page
    is where a person looks for what is wrong."""
    told = partial(log_waiting, logger)
    redis_url(settings)  # raises where its password's file cannot be read
    create_places(settings)
    check_places(settings, told)
    try:
        check_server(settings, told)
    except ConfigError as error:
        told(str(error))


class _Server(uvicorn.Server):
    """Tells systemd, where it listens, that the loop serves, lives and ends."""

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
    """Closes connections on which a request's head does not come within HEAD_SECONDS, or on which
    a body goes on for so long after it was refused. uvicorn waits for ever, and some hundred of
    them would take every place."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        state = self.conn.their_state
        cycle: Any = self.cycle  # none before the first request, whatever its type says
        answered = cycle is not None and cycle.response_complete
        if state is h11.IDLE or (state is h11.SEND_BODY and answered):
            self._expect()
        elif self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)

    def _expect(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)
