"""A TCP connection with httpcore's interface, on asyncio's own transports.

httpcore's own stream costs a system call for each idle connection whenever one is chosen, and a
cancel scope for each read. Here no operation has a timeout of its own: the fetch has one deadline.
"""

import asyncio
import ssl
from collections import deque
from typing import Any

import httpcore

_MAX_BUFFERED = 262_144
"""Bytes; beyond it the peer has to wait, so that unread data costs no memory."""


class NetworkStream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """Receives asyncio's callbacks; HTTP connections read from it and write to it."""

    def __init__(self) -> None:
        self._maybe_transport: asyncio.Transport | None = None
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._is_paused = False
        self._is_ended = False
        self._error: Exception | None = None
        self._readable: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """What was received at once, which may be more than `max_bytes`: every caller takes it, and
        cutting it copied the rest again and again."""
        while not self._chunks:
            if self._error is not None:
                raise httpcore.ReadError(str(self._error)) from self._error
            if self._is_ended:
                return b""
            self._readable = asyncio.get_running_loop().create_future()
            try:
                await self._readable
            finally:
                self._readable = None
        chunk = self._chunks.popleft()
        self._buffered -= len(chunk)
        if self._is_paused and self._buffered < _MAX_BUFFERED and not self._is_closing():
            self._is_paused = False
            self._transport.resume_reading()
        return chunk

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if self._is_closing():
            raise httpcore.WriteError("the connection is closed")
        if buffer:
            self._transport.write(buffer)
        if self._writable is not None:
            await asyncio.shield(self._writable)

    async def aclose(self) -> None:
        """At once: it does not wait for the peer to close its side."""
        self._is_ended = True
        if self._maybe_transport is not None:
            self._maybe_transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """Raises OSError (ssl.SSLError is one) and TimeoutError; the connection is closed then."""
        plain = self._transport
        try:
            self._maybe_transport = await asyncio.get_running_loop().start_tls(
                plain, self, ssl_context, server_hostname=server_hostname
            )
        except BaseException:
            plain.abort()
            raise
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # asked for an idle connection: then it is unusable
            return bool(self._chunks) or self._is_closing()
        transport = self._maybe_transport
        return None if transport is None else transport.get_extra_info(info)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._maybe_transport = transport

    def data_received(self, data: bytes) -> None:
        self._chunks.append(data)
        self._buffered += len(data)
        if self._buffered >= _MAX_BUFFERED and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        _wake(self._readable)

    def eof_received(self) -> None:
        self._is_ended = True
        _wake(self._readable)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_ended = True
        self._error = exc
        _wake(self._readable)
        self.resume_writing()

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        _wake(self._writable)
        self._writable = None

    @property
    def _transport(self) -> asyncio.Transport:
        assert self._maybe_transport is not None
        return self._maybe_transport

    def _is_closing(self) -> bool:
        return self._is_ended or self._transport.is_closing()


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
