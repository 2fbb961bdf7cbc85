"""Opens connections, sends one request at a time over each, and keeps idle ones.

httpx's client would add the environment's proxies, .netrc, cookies and redirects. httpcore's pool
examines every connection for every request, and assigns an idle one to several requests: 1.7 ms of
CPU a request with 32 at once, where this takes 0.3.
"""

import contextlib
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import httpcore

from worker.errors import ConfigError
from worker.escape import printable
from worker.fetch.guard import Guard
from worker.fetch.http1 import ByteStream, Headers, Http1Connection, Request, Response
from worker.fetch.url import Target

KEEP_SECONDS = 30.0
"""How long an idle connection is kept."""

if find_spec("sniffio") is None:
    # httpcore tries to import it for every lock of an HTTP/2 connection, which searches all paths.
    # None ends the search at once.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

_LOST = (httpcore.RemoteProtocolError, httpcore.NetworkError, httpcore.ConnectionNotAvailable)
_Connection = Http1Connection | httpcore.AsyncHTTP2Connection


@lru_cache(maxsize=4)
def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Trusts the usual certificates and those in `ca_file` (PEM). Made once a process: 30 ms.

    Raises ConfigError if the file cannot be read or has no certificate.
    """
    context = httpcore.default_ssl_context()
    context.set_alpn_protocols(["http/1.1", "h2"])
    try:
        if ca_file is not None:
            context.load_verify_locations(ca_file)
    except OSError as error:  # ssl.SSLError is one
        no_pem = isinstance(error, ssl.SSLError)
        why = "it has no certificate in PEM" if no_pem else error.strerror
        message = f"fetch.ca_file {printable(str(ca_file))} cannot be used: {why}"
        raise ConfigError(message) from error
    return context


class ConnectionPool:
    """Sends requests over connections that `guard` opens, and keeps `max_idle` of them.

    For one event loop. A connection has one request at a time, with HTTP/2 too, so its failure
    affects that request alone. Raises the errors of httpcore and of its h2;
    :mod:`worker.fetch.http` translates them.
    """

    def __init__(self, guard: Guard, context: ssl.SSLContext, max_idle: int) -> None:
        self._guard = guard
        self._context = context
        self._max_idle = max_idle
        self._idle: list[tuple[str, _Connection]] = []

    async def send(
        self,
        method: str,
        target: Target,
        path: str,
        headers: list[tuple[bytes, bytes]],
        body: bytes = b"",
    ) -> "StreamedResponse":
        """Send a request to the host of `target`. `path` is not changed in any way: what is signed
        has to arrive."""
        request = Request(method.encode("ascii"), path.encode("ascii"), headers, body)
        if (idle := await self._pop_idle(target.origin)) is not None:
            # The server may close it at this moment: then use a new connection.
            with contextlib.suppress(*_LOST):
                return await self._send(idle, target, request)
        return await self._send(await self._connect(target), target, request)

    async def _connect(self, target: Target) -> _Connection:
        stream = await self._guard.connect_tcp(target.host, target.port)
        if target.scheme == "https":
            stream = await stream.start_tls(self._context, target.host)
            if stream.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
                origin = httpcore.Origin(b"https", target.host.encode(), target.port)
                return httpcore.AsyncHTTP2Connection(origin, stream, KEEP_SECONDS)
        return Http1Connection(stream, KEEP_SECONDS)

    async def aclose(self) -> None:
        idle, self._idle = self._idle, []
        for _, connection in idle:
            await connection.aclose()
        self._guard.close()

    async def release(self, origin: str, connection: _Connection) -> None:
        """Keep `connection` for the next request; close the oldest idle one if there are too
        many."""
        if not (connection.is_idle() and connection.is_available()):
            await connection.aclose()
            return
        self._idle.append((origin, connection))
        if len(self._idle) > self._max_idle:
            await self._idle.pop(0)[1].aclose()

    async def _send(
        self, connection: _Connection, target: Target, request: Request
    ) -> "StreamedResponse":
        try:
            if isinstance(connection, Http1Connection):
                response = await connection.send(request)
            else:
                response = await _send_http2(connection, target, request)
        except BaseException:
            await connection.aclose()
            raise
        return StreamedResponse(self, target.origin, connection, response)

    async def _pop_idle(self, origin: str) -> _Connection | None:
        for at in range(len(self._idle) - 1, -1, -1):
            if self._idle[at][0] == origin:
                _, connection = self._idle.pop(at)
                if not connection.has_expired():
                    return connection
                await connection.aclose()
        return None


class StreamedResponse:
    """A response whose body is still to be read, by iteration. `headers` have names in lower case,
    Latin-1, repeated ones joined, without cookies."""

    def __init__(
        self, pool: ConnectionPool, origin: str, connection: _Connection, response: Response
    ) -> None:
        self.status = response.status
        self.headers = _join_headers(response.headers)
        self._pool = pool
        self._origin = origin
        self._connection = connection
        self._stream = response.stream
        self.is_read, self._is_closed = not response.has_body, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk
        self.is_read = True

    async def aclose(self) -> None:
        """Keep the connection if the body was read to its end, else close it."""
        if self._is_closed:
            return
        self._is_closed = True
        if self.is_read:
            await self._stream.aclose()
            await self._pool.release(self._origin, self._connection)
        else:
            await self._connection.aclose()


async def _send_http2(
    connection: httpcore.AsyncHTTP2Connection, target: Target, request: Request
) -> Response:
    url = httpcore.URL(
        scheme=target.scheme, host=target.host, port=target.port, target=request.path
    )
    response = await connection.handle_async_request(
        httpcore.Request(request.method, url, headers=request.headers, content=request.content)
    )
    return Response(response.status, response.headers, cast("ByteStream", response.stream))


def _join_headers(headers: Headers) -> Mapping[str, str]:
    by_name: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name != "set-cookie":
            by_name[name] = f"{by_name[name]}, {value}" if name in by_name else value
    return by_name
