"""The server of the status page: one process, one event loop, bounded in every direction."""

import logging
import signal
import socket
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from worker.logs import configure_logging
from worker.service.port import address_of, open_port
from worker.settings import Settings

__all__ = ["address_of", "open_port", "run_web"]

HEAD_SECONDS = 15.0
"""How long a client may take for a request's head; an idle connection is kept so long, too."""

STOP_SECONDS = 5
"""What is under way at a TERM gets so long; streams end at once."""

_CONNECTIONS = 500


def run_web(settings: Settings, listening: socket.socket) -> int:
    """Serve at the socket `listening` until TERM or Ctrl-C; an exit code. Raises ConfigError."""
    from worker.web.app import web_app

    configure_logging(settings)
    # What strangers send is no warning of ours; an error here is a bug, and told with its trace.
    logging.getLogger("uvicorn.error").setLevel("ERROR")
    logging.getLogger("sse_starlette").setLevel("WARNING")
    server = uvicorn.Server(
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


class PromptProtocol(H11Protocol):
    """Closes connections on which a request's head does not come within HEAD_SECONDS: uvicorn
    waits for ever, and some hundred of them would take every place."""

    _patience: Any = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:  # in the middle of a head
            self._expect()
        else:
            self._got()

    def connection_lost(self, exc: Exception | None) -> None:
        self._got()
        super().connection_lost(exc)

    def _expect(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _got(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
