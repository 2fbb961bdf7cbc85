"""Fetches one address: follows redirects, bounds everything, translates every failure."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

import httpcore

from worker import __version__
from worker.errors import FetchFailed, Trouble
from worker.escape import printable
from worker.fetch.body import ACCEPTED, Body, too_large
from worker.fetch.guard import Blocked, Guard, Resolve, system_resolve
from worker.fetch.messages import Exchange, FetchRequest, FetchResponse, Redirect
from worker.fetch.transport import ConnectionPool, StreamedResponse, tls_context
from worker.fetch.url import Target, join_url, parse_target, printable_url, public_url
from worker.settings.fields import FetchSettings

MAX_REDIRECTS = 5

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_PERMANENT = frozenset((301, 308))
_MAX_DISCARDED = 65_536
"""Bytes of an unneeded body that are read so that its connection can be kept."""
_DISCARD_SECONDS = 2.0
_LEAST_BYTES_PER_SECOND = 500_000
"""Of a body that is sent: a connection that is slower runs into the deadline."""
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([A-Za-z0-9._:+-]{1,40})", re.IGNORECASE)
_RESERVED = frozenset(
    b"host connection content-length transfer-encoding te trailer upgrade keep-alive expect "
    b"accept-encoding proxy-connection proxy-authorization".split()
)
"""Headers that a feed cannot set: they concern the connection."""


class Fetcher:
    """Fetches addresses, several at once, over kept connections. One for each event loop.

    ``async with Fetcher(settings.fetch) as fetcher: await fetcher.get(FetchRequest(url))``
    """

    def __init__(self, settings: FetchSettings, *, resolve: Resolve = system_resolve) -> None:
        """`resolve` is for tests. Raises ConfigError if fetch.ca_file cannot be used."""
        self._settings = settings
        self.user_agent = settings.user_agent or f"newsdrop/{__version__}"
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._pool = ConnectionPool(
            Guard(settings, resolve), tls_context(settings.ca_file), settings.concurrency
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._pool.aclose()

    def target(self, url: str) -> Target:
        """Parse and check `url`. Raises FetchFailed (ADDRESS, refused)."""
        return parse_target(url, self._settings.allow_ports)

    async def get(self, request: FetchRequest) -> FetchResponse:
        """Fetch `request` and follow redirects, within fetch.deadline_seconds.

        The time starts when one of the fetch.concurrency slots is free. Raises FetchFailed.
        """
        target = self.target(request.url)
        async with self._deadline(target):
            return await self._follow(request, target)

    async def exchange(self, request: Exchange) -> FetchResponse:
        """Send `request` within fetch.deadline_seconds, and longer for a large body. The response
        has the body of any status. Raises FetchFailed, as :meth:`get`."""
        target, body = request.target, request.body
        headers = {"host": target.authority, "user-agent": self.user_agent, **request.headers}
        if body:
            headers["content-length"] = str(len(body))
        pairs = [(_encode(name), _encode(value)) for name, value in headers.items()]
        async with self._deadline(target, len(body) / _LEAST_BYTES_PER_SECOND):
            response = await self._send(target, pairs, request.method, request.path, body)
            content = await self._read(target, response, Body("", request.max_bytes, target.host))
        return FetchResponse(response.status, target.origin, content, response.headers)

    @asynccontextmanager
    async def _deadline(self, target: Target, extra_seconds: float = 0.0) -> AsyncIterator[None]:
        """One of the slots, within the time for one address. Raises FetchFailed (TIMEOUT)."""
        seconds = self._settings.deadline_seconds + extra_seconds
        try:
            async with self._slots, asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise FetchFailed(
                Trouble.TIMEOUT,
                f"{printable_url(target.url)} did not answer in full within {seconds:g} s: "
                "try later",
            ) from error

    async def _follow(self, request: FetchRequest, target: Target) -> FetchResponse:
        headers = self._headers(request, target)
        redirects: list[Redirect] = []
        visited = {target.url}
        while True:
            response = await self._send(target, headers)
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or not location:
                return await self._answer(request, target, response, tuple(redirects))
            await self._discard(response)
            redirects.append(Redirect(response.status, public_url(target.url)))
            next_target = self.target(join_url(target.url, _decode(location)))
            if next_target.url in visited:
                raise _redirects(request, f"in a circle, back to {printable_url(next_target.url)}")
            if len(redirects) > MAX_REDIRECTS:
                raise _redirects(request, f"more than {MAX_REDIRECTS} times")
            # Headers, validators and credentials are for one origin only.
            if next_target.origin != target.origin:
                request = replace(request, etag=None, last_modified=None, headers=())
                headers = self._headers(request, next_target, credentials=False)
            visited.add(next_target.url)
            target = next_target

    async def _send(
        self,
        target: Target,
        headers: list[tuple[bytes, bytes]],
        method: str = "GET",
        path: str | None = None,
        body: bytes = b"",
    ) -> StreamedResponse:
        try:
            return await self._pool.send(method, target, path or target.path, headers, body)
        except Exception as error:
            raise _failure(target, error) from error

    async def _answer(
        self,
        request: FetchRequest,
        target: Target,
        response: StreamedResponse,
        redirects: tuple[Redirect, ...],
    ) -> FetchResponse:
        headers = response.headers
        if 200 <= response.status < 300:
            body = await self._body(request, target, response)
        else:
            body = b""
            await self._discard(response)
        charset = _CHARSET.search(headers.get("content-type", ""))
        moved = redirects and all(hop.status in _PERMANENT for hop in redirects)
        return FetchResponse(
            response.status,
            public_url(target.url),
            body,
            headers,
            charset[1].lower() if charset else None,
            redirects,
            target.url if moved else None,
        )

    async def _body(
        self, request: FetchRequest, target: Target, response: StreamedResponse
    ) -> bytes:
        host = printable(target.host)
        cap = self._settings.max_bytes if request.max_bytes is None else request.max_bytes
        try:
            encoding = response.headers.get("content-encoding", "")
            body = Body(encoding, cap, host, cut=request.max_bytes is not None)
            length = response.headers.get("content-length", "")
            if request.max_bytes is None and length.isdigit() and int(length[:15]) > cap:
                raise too_large(host, cap)
        except FetchFailed:
            await response.aclose()
            raise
        return await self._read(target, response, body)

    async def _read(self, target: Target, response: StreamedResponse, body: Body) -> bytes:
        try:
            async for chunk in response:
                body.add(chunk)
                if body.is_full:
                    break
            return body.done()
        except FetchFailed:
            raise
        except Exception as error:
            raise _failure(target, error) from error
        finally:
            await response.aclose()

    async def _discard(self, response: StreamedResponse) -> None:
        """Read an unneeded body if it is short, else close its connection."""
        if response.is_read:
            return await response.aclose()
        size = 0
        try:
            async with asyncio.timeout(_DISCARD_SECONDS):
                async for chunk in response:
                    size += len(chunk)
                    if size > _MAX_DISCARDED:
                        break
        except Exception:  # noqa: S110 the status is known: an error of the body does not matter
            pass
        finally:
            await response.aclose()

    def _headers(
        self, request: FetchRequest, target: Target, *, credentials: bool = True
    ) -> list[tuple[bytes, bytes]]:
        headers = [
            (b"Host", target.authority.encode("ascii")),
            (b"User-Agent", _encode(self.user_agent)),
            (b"Accept", _encode(request.accept)),
            (b"Accept-Encoding", ACCEPTED.encode("ascii")),
        ]
        if credentials and target.authorization:
            headers.append((b"Authorization", target.authorization.encode("ascii")))
        if request.etag:
            headers.append((b"If-None-Match", _encode(request.etag)))
        if request.last_modified:
            headers.append((b"If-Modified-Since", _encode(request.last_modified)))
        if request.headers:
            own = [(_encode(name), _encode(value)) for name, value in request.headers]
            names = {name.lower() for name, _ in own}
            headers = [header for header in headers if header[0].lower() not in names - _RESERVED]
            headers += [header for header in own if header[0].lower() not in _RESERVED]
        return headers


def _failure(target: Target, error: Exception) -> FetchFailed:
    """The message for an error between a request and the end of its response."""
    host = printable(target.host)
    if isinstance(error, Blocked):
        return FetchFailed(error.trouble, error.message, refused=error.refused)
    if isinstance(error, httpcore.LocalProtocolError):
        message = f"a header for {host} is not valid: correct the headers of its feed"
        return FetchFailed(Trouble.ADDRESS, message, refused=True)
    why = printable(str(error), 160).rstrip(".") or type(error).__name__
    if isinstance(error, httpcore.NetworkError):
        return FetchFailed(Trouble.PROTOCOL, f"{host} broke off its response ({why}): try later")
    # httpcore does not translate h2's errors, nor those of its own state after a strange response.
    return FetchFailed(Trouble.PROTOCOL, f"{host} does not send valid HTTP ({why}): try later")


def _redirects(request: FetchRequest, how: str) -> FetchFailed:
    return FetchFailed(
        Trouble.REDIRECTS,
        f"{printable_url(request.url)} redirects {how}: open it in a browser to find "
        "its present address",
    )


def _encode(value: str) -> bytes:
    """Latin-1, as headers are received; other text that an operator wrote is UTF-8."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8")


def _decode(value: str) -> str:
    """UTF-8 that was received as Latin-1, as some servers write addresses."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
