"""httpx's seam over httpcore's connections: one request, one response, nothing of its own will.

httpx's client would bring the environment's proxies, .netrc, cookies and redirects. httpcore's pool
looks at every connection for every request, and hands an idle one to several: 1.7 ms of CPU a
request with 32 at once, where this takes 0.3.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator

import httpcore
import httpx

from worker.fetch.guard import Guard

KEEP_SECONDS = 30.0
"""An idle connection is kept for so long."""

_GONE = (httpcore.RemoteProtocolError, httpcore.NetworkError, httpcore.ConnectionNotAvailable)
_Key = tuple[bytes, bytes, int | None]


class PoolTransport(httpx.AsyncBaseTransport):
    """Sends requests over connections that `guard` opens, and keeps `most_idle` of them.

    For one event loop. A connection has one request at a time, with HTTP/2 too: whatever goes
    wrong with it is wrong for that request alone. Raises what httpcore and its h2 raise;
    :mod:`worker.fetch.http` translates.
    """

    def __init__(self, guard: Guard, context: ssl.SSLContext, most_idle: int) -> None:
        self._guard = guard
        self._context = context
        self._most_idle = most_idle
        self._idle: list[tuple[_Key, httpcore.AsyncHTTPConnection]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        there: _Key = (url.raw_scheme, url.raw_host, url.port)
        asked = httpcore.Request(
            request.method.encode("ascii"),
            httpcore.URL(scheme=there[0], host=there[1], port=there[2], target=url.raw_path),
            headers=request.headers.raw,
        )
        kept = await self._kept(there)
        if kept is not None:
            # The server may be closing it just now; a new connection tells.
            with contextlib.suppress(*_GONE):
                return await self._send(there, kept, asked)
        return await self._send(there, self._new(asked.url.origin), asked)

    async def aclose(self) -> None:
        idle, self._idle = self._idle, []
        for _, connection in idle:
            await connection.aclose()
        self._guard.close()

    async def give_back(self, there: _Key, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep `connection` for the next request, the oldest idle one making room."""
        if not (connection.is_idle() and connection.is_available()):
            await connection.aclose()
            return
        self._idle.append((there, connection))
        if len(self._idle) > self._most_idle:
            await self._idle.pop(0)[1].aclose()

    async def _send(
        self, there: _Key, connection: httpcore.AsyncHTTPConnection, asked: httpcore.Request
    ) -> httpx.Response:
        try:
            answer = await connection.handle_async_request(asked)
        except BaseException:
            await connection.aclose()
            raise
        stream = _Stream(self, there, connection, answer)
        return httpx.Response(answer.status, headers=answer.headers, stream=stream)

    async def _kept(self, there: _Key) -> httpcore.AsyncHTTPConnection | None:
        for at in range(len(self._idle) - 1, -1, -1):
            if self._idle[at][0] == there:
                _, connection = self._idle.pop(at)
                if not connection.has_expired():
                    return connection
                await connection.aclose()
        return None

    def _new(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        return httpcore.AsyncHTTPConnection(
            origin,
            ssl_context=self._context,
            keepalive_expiry=KEEP_SECONDS,
            http1=True,
            http2=True,
            network_backend=self._guard,
        )


class _Stream(httpx.AsyncByteStream):
    def __init__(
        self,
        owner: PoolTransport,
        there: _Key,
        connection: httpcore.AsyncHTTPConnection,
        answer: httpcore.Response,
    ) -> None:
        self._owner = owner
        self._there = there
        self._connection = connection
        self._answer = answer
        self._whole = False
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert not isinstance(self._answer.stream, bytes)
        async for chunk in self._answer.stream:  # type: ignore[union-attr]  # it is async
            yield chunk
        self._whole = True

    async def aclose(self) -> None:
        """Keeps the connection if the body was read to its end; what is unread ends it."""
        if self._closed:
            return
        self._closed = True
        if self._whole:
            await self._answer.aclose()
            await self._owner.give_back(self._there, self._connection)
        else:
            await self._connection.aclose()
