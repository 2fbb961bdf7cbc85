"""One HTTP/1.1 connection, on h11.

httpcore's own takes three locks for a request, copies each part of a body three times, and reads
what a server sent behind a response as the response to the next request. Here each request has a
new state, and the bytes of a body whose length is known pass by h11.
"""

import time
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import h11
import httpcore

_MAX_HEAD = 102_400
"""Bytes of a response before its body."""
_MAX_FRAMING = 500_000
"""Bytes that are no body: a flood of interim responses, or of chunks with a byte each, would cost
the CPU time of other fetches until the deadline."""
_READ = 65_536
_CUT = (
    "peer closed connection without sending complete message body (received {} bytes, expected {})"
)
_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Http1Connection(httpcore.AsyncConnectionInterface):
    """Raises the errors of httpcore. After an error, or with a body that was not read to its end,
    it has to be closed."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, keep_seconds: float) -> None:
        self._stream = stream
        self._keep_seconds = keep_seconds
        self._expires_at = 0.0
        self._is_idle = False
        self._state, self._framing = _new_state(), 0

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        self._is_idle = False
        self._state, self._framing = _new_state(), 0
        content = [chunk async for chunk in request.stream]  # type: ignore[union-attr]
        method, target = request.method, request.url.target
        try:
            head = h11.Request(method=method, target=target, headers=request.headers)
            events = (head, *(h11.Data(chunk) for chunk in content), h11.EndOfMessage())
            data = b"".join(self._state.send(event) or b"" for event in events)
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(str(error)) from error
        with suppress(httpcore.WriteError):  # it may have answered before it closed
            await self._stream.write(data)
        response = await self._next_event()
        while isinstance(response, h11.InformationalResponse):
            response = await self._next_event()
        if not isinstance(response, h11.Response):
            raise httpcore.RemoteProtocolError("it does not send a response")
        body = self._body(response, is_head=method == b"HEAD")
        headers = response.headers.raw_items()
        return httpcore.Response(response.status_code, headers=headers, content=body)

    def is_available(self) -> bool:
        return self._is_idle

    def is_idle(self) -> bool:
        return self._is_idle

    def has_expired(self) -> bool:
        """Also where its server has closed it, or sends what nobody asked for."""
        is_readable = self._stream.get_extra_info("is_readable")
        return time.monotonic() > self._expires_at or bool(is_readable)

    async def aclose(self) -> None:
        self._is_idle = False
        await self._stream.aclose()

    async def _body(self, response: h11.Response, *, is_head: bool) -> AsyncIterator[bytes]:
        fields = dict(response.headers)
        length = fields.get(b"content-length")
        has_body = response.status_code not in _BODILESS and not is_head
        if length is not None and has_body and b"transfer-encoding" not in fields:
            received = self._state.trailing_data[0]
            left = int(length) - len(received)
            yield received[: int(length)]
            while left > 0:
                if not (chunk := await self._stream.read(_READ)):
                    raise httpcore.RemoteProtocolError(_CUT.format(int(length) - left, int(length)))
                yield chunk[:left]
                left -= len(chunk)
            closes = b"close" in fields.get(b"connection", b"").lower()
            is_kept = left == 0 and response.http_version == b"1.1" and not closes
        else:
            while isinstance(event := await self._next_event(), h11.Data):
                self._framing -= len(event.data)
                yield bytes(event.data)
            states = (self._state.our_state, self._state.their_state)
            is_kept = states == (h11.DONE, h11.DONE) and not self._state.trailing_data[0]
        self._is_idle = is_kept
        self._expires_at = time.monotonic() + self._keep_seconds

    async def _next_event(self) -> Any:
        try:
            while (event := self._state.next_event()) is h11.NEED_DATA:
                data = await self._stream.read(_READ)
                if not data and self._state.their_state is h11.SEND_RESPONSE:
                    message = "Server disconnected without sending a response."
                    raise httpcore.RemoteProtocolError(message)
                if self._framing > _MAX_FRAMING:
                    raise httpcore.RemoteProtocolError("it sends too much beside the body")
                self._framing += len(data)
                self._state.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise httpcore.RemoteProtocolError(str(error)) from error
        return event


def _new_state() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
