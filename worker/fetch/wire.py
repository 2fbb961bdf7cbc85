"""A TCP connection as httpcore wants one, on asyncio's own transports.

httpcore's shipped stream costs a system call for each idle connection whenever one is chosen, and a
cancel scope for each read. Here nothing has a time-out of its own: the fetch has one deadline.
"""

import asyncio
import ssl
from collections import deque
from typing import Any

import httpcore

_MOST_BUFFERED = 262_144
"""Bytes; beyond it the peer waits, so that what is not read costs no memory."""


class Wire(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """Both ends of one connection: what asyncio calls back, and what httpcore reads and writes."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._paused = False
        self._ended = False
        self._error: Exception | None = None
        self._arrived: asyncio.Future[None] | None = None
        self._may_write: asyncio.Future[None] | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        while not self._chunks:
            if self._error is not None:
                raise httpcore.ReadError(str(self._error)) from self._error
            if self._ended:
                return b""
            self._arrived = asyncio.get_running_loop().create_future()
            try:
                await self._arrived
            finally:
                self._arrived = None
        chunk = self._chunks.popleft()
        if len(chunk) > max_bytes:
            self._chunks.appendleft(chunk[max_bytes:])
            chunk = chunk[:max_bytes]
        self._buffered -= len(chunk)
        if self._paused and self._buffered < _MOST_BUFFERED and not self._closing():
            self._paused = False
            self._the_transport().resume_reading()
        return chunk

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if self._closing():
            raise httpcore.WriteError("the connection is closed")
        if buffer:
            self._the_transport().write(buffer)
        if self._may_write is not None:
            await asyncio.shield(self._may_write)

    async def aclose(self) -> None:
        """At once: a peer that does not close its side costs nothing."""
        self._ended = True
        if self._transport is not None:
            self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """Raises OSError (ssl.SSLError is one) and TimeoutError; the connection is closed then."""
        loop = asyncio.get_running_loop()
        plain = self._the_transport()
        try:
            self._transport = await loop.start_tls(
                plain, self, ssl_context, server_hostname=server_hostname
            )
        except BaseException:
            plain.abort()
            raise
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # of an idle connection: it is of no use any more
            return bool(self._chunks) or self._closing()
        return None if self._transport is None else self._transport.get_extra_info(info)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._chunks.append(data)
        self._buffered += len(data)
        if self._buffered >= _MOST_BUFFERED and not self._paused:
            self._paused = True
            self._the_transport().pause_reading()
        self._wake(self._arrived)

    def eof_received(self) -> None:
        self._ended = True
        self._wake(self._arrived)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc
        self._wake(self._arrived)
        self.resume_writing()

    def pause_writing(self) -> None:
        self._may_write = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        self._wake(self._may_write)
        self._may_write = None

    def _closing(self) -> bool:
        return self._ended or self._the_transport().is_closing()

    def _the_transport(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    @staticmethod
    def _wake(waiter: asyncio.Future[None] | None) -> None:
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
