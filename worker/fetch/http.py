"""One address fetched: redirects followed by hand, everything bounded, every failure translated."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpcore
import httpx

from worker import __version__
from worker.errors import FetchFailed, Trouble
from worker.escape import printable
from worker.fetch.guard import Blocked, Guard, Resolve, system_resolve
from worker.fetch.inflate import ACCEPTED, body_of, too_large
from worker.fetch.tls import tls_context
from worker.fetch.transport import PoolTransport
from worker.fetch.url import Target, joined, parse_target, printable_url, public_url
from worker.settings.fields import FetchSettings

MOST_REDIRECTS = 5
ANYTHING = "*/*"

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_PERMANENT = frozenset((301, 308))
_MOST_LEFT = 65_536
"""Bytes of a body that nobody wants, read so that its connection can be kept."""
_LEFT_SECONDS = 2.0
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([A-Za-z0-9._:+-]{1,40})", re.IGNORECASE)
_OURS = frozenset(
    b"host connection content-length transfer-encoding te trailer upgrade keep-alive expect "
    b"accept-encoding proxy-connection proxy-authorization".split()
)
"""Headers that a feed cannot set: they are about the connection, which is ours."""


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What to fetch. The headers go to the address's own origin only: they may be credentials."""

    url: str
    etag: str | None = None
    """As the last answer had it; unchanged, the answer is a 304 without a body."""
    last_modified: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    accept: str = ANYTHING
    max_bytes: int | None = None
    """Bytes of the body, where fewer than fetch.max_bytes are wanted: the rest is cut off."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect that was followed: its status, and the address that answered so (public form)."""

    status: int
    url: str


@dataclass(frozen=True, slots=True)
class FetchResponse:
    """What came: any status is an answer."""

    status: int
    url: str
    """Where it came from, after all redirects; without credentials (`public_url`)."""
    body: bytes
    """Unpacked; empty unless the status is 2xx."""
    headers: Mapping[str, str]
    """Names in lower case; of several with one name the values are joined. No cookies."""
    charset: str | None = None
    """As Content-Type says it."""
    redirects: tuple[Redirect, ...] = ()
    """The redirects that led here, in order."""
    permanent_url: str | None = None
    """Where it moved to for good: the address asked last, secrets and all, where every redirect
    said so."""


class Fetcher:
    """Fetches addresses, several at once, over kept connections. One for each event loop.

    ``async with Fetcher(settings.fetch) as fetcher: answer = await fetcher.get(Asked(url))``
    """

    def __init__(self, settings: FetchSettings, *, resolve: Resolve = system_resolve) -> None:
        """`resolve` is for tests. Raises ConfigError where fetch.ca_file cannot be used."""
        self._settings = settings
        agent = settings.user_agent or f"newsdrop/{__version__}"
        self.user_agent = agent
        self._agent = (b"User-Agent", _bytes(agent))
        self._places = asyncio.Semaphore(settings.concurrency)
        self._transport = PoolTransport(
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
        await self._transport.aclose()

    def target(self, url: str) -> Target:
        """`url` taken apart, by these settings. Raises FetchFailed (ADDRESS, refused)."""
        return parse_target(url, self._settings.allow_ports)

    async def get(self, asked: FetchRequest) -> FetchResponse:
        """Fetch `asked`, following redirects, within fetch.deadline_seconds.

        More than fetch.concurrency at once wait for their turn before the clock starts.

        Raises FetchFailed.
        """
        target = self.target(asked.url)
        try:
            async with self._places, asyncio.timeout(self._settings.deadline_seconds):
                return await self._follow(asked, target)
        except TimeoutError as error:
            seconds = self._settings.deadline_seconds
            raise FetchFailed(
                Trouble.TIMEOUT,
                f"{printable_url(target.url)} did not answer in full within {seconds:g} s: "
                "try later",
            ) from error

    async def _follow(self, asked: FetchRequest, target: Target) -> FetchResponse:
        headers = self._headers(asked, target)
        redirects: list[Redirect] = []
        seen = {target.url}
        while True:
            response = await self._send(target, headers)
            location = response.headers.get("location")
            if response.status_code not in _REDIRECTS or not location:
                return await self._answer(asked, target, response, tuple(redirects))
            await self._leave(response)
            redirects.append(Redirect(response.status_code, public_url(target.url)))
            there = self.target(joined(target.url, location))
            if there.url in seen:
                raise _redirects(asked, f"in a circle, back to {printable_url(there.url)}")
            if len(redirects) > MOST_REDIRECTS:
                raise _redirects(asked, f"more than {MOST_REDIRECTS} times")
            if there.origin != target.origin:  # what was meant for one server is not for another
                asked = FetchRequest(asked.url, accept=asked.accept, max_bytes=asked.max_bytes)
                headers = self._headers(asked, there, credentials=False)
            seen.add(there.url)
            target = there

    async def _send(self, target: Target, headers: list[tuple[bytes, bytes]]) -> httpx.Response:
        request = httpx.Request("GET", target.url, headers=headers, stream=_NOTHING)
        try:
            return await self._transport.handle_async_request(request)
        except Exception as error:
            raise _failure(target, error) from error

    async def _answer(
        self,
        asked: FetchRequest,
        target: Target,
        response: httpx.Response,
        redirects: tuple[Redirect, ...],
    ) -> FetchResponse:
        headers = _joined(response.headers)
        if response.is_success:
            body = await self._body(asked, target, response)
        else:
            body = b""
            await self._leave(response)
        charset = _CHARSET.search(headers.get("content-type", ""))
        moved = redirects and all(hop.status in _PERMANENT for hop in redirects)
        return FetchResponse(
            response.status_code,
            public_url(target.url),
            body,
            headers,
            charset[1].lower() if charset else None,
            redirects,
            target.url if moved else None,
        )

    async def _body(self, asked: FetchRequest, target: Target, response: httpx.Response) -> bytes:
        host = printable(target.host)
        cap = self._settings.max_bytes if asked.max_bytes is None else asked.max_bytes
        try:
            encoding = response.headers.get("content-encoding", "")
            body = body_of(encoding, cap, host, cut=asked.max_bytes is not None)
            length = response.headers.get("content-length", "")
            if asked.max_bytes is None and length.isdigit() and int(length[:15]) > cap:
                raise too_large(host, cap)
            async for chunk in response.stream:  # type: ignore[union-attr]  # it is async
                body.add(chunk)
                if body.full:
                    break
            return body.done()
        except FetchFailed:
            raise
        except Exception as error:
            raise _failure(target, error) from error
        finally:
            await response.stream.aclose()  # type: ignore[union-attr]

    async def _leave(self, response: httpx.Response) -> None:
        """Be done with a body that nobody wants: read if it is short, else its connection ends."""
        left = 0
        try:
            async with asyncio.timeout(_LEFT_SECONDS):
                async for chunk in response.stream:  # type: ignore[union-attr]
                    left += len(chunk)
                    if left > _MOST_LEFT:
                        break
        except Exception:  # noqa: S110 the status is known: how the body fails is no matter
            pass
        finally:
            await response.stream.aclose()  # type: ignore[union-attr]

    def _headers(
        self, asked: FetchRequest, target: Target, *, credentials: bool = True
    ) -> list[tuple[bytes, bytes]]:
        headers = [
            (b"Host", target.authority.encode("ascii")),
            self._agent,
            (b"Accept", _bytes(asked.accept)),
            (b"Accept-Encoding", ACCEPTED.encode("ascii")),
        ]
        if credentials and target.authorization:
            headers.append((b"Authorization", target.authorization.encode("ascii")))
        if asked.etag:
            headers.append((b"If-None-Match", _bytes(asked.etag)))
        if asked.last_modified:
            headers.append((b"If-Modified-Since", _bytes(asked.last_modified)))
        if asked.headers:
            own = [(_bytes(name), _bytes(value)) for name, value in asked.headers]
            names = {name.lower() for name, _ in own}
            headers = [header for header in headers if header[0].lower() not in names - _OURS]
            headers += [header for header in own if header[0].lower() not in _OURS]
        return headers


_NOTHING = httpx.ByteStream(b"")


def _failure(target: Target, error: Exception) -> FetchFailed:
    """What went wrong between a request and the end of its answer, for people."""
    host = printable(target.host)
    if isinstance(error, Blocked):
        return FetchFailed(error.trouble, error.message, refused=error.refused)
    if isinstance(error, httpcore.LocalProtocolError):
        said = f"a header for {host} cannot be sent: check the headers of its feed"
        return FetchFailed(Trouble.ADDRESS, said, refused=True)
    why = printable(str(error), 160).rstrip(".") or type(error).__name__
    if isinstance(error, httpcore.NetworkError):
        return FetchFailed(Trouble.PROTOCOL, f"{host} broke its answer off ({why}): try later")
    # httpcore lets h2's own errors through, and whatever else a strange answer makes of its state.
    return FetchFailed(
        Trouble.PROTOCOL, f"{host} does not answer in proper HTTP ({why}): try later"
    )


def _redirects(asked: FetchRequest, how: str) -> FetchFailed:
    return FetchFailed(
        Trouble.REDIRECTS,
        f"{printable_url(asked.url)} redirects {how}: open it in a browser to see its address now",
    )


def _joined(headers: httpx.Headers) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name != "set-cookie":
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _bytes(value: str) -> bytes:
    """As it came where it came as a header; what an operator wrote beyond that is UTF-8."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8")
