"""A web server on loopback for tests: real HTTP/1.1 over real sockets, in its own thread.

::

    with Web() as web:
        web.pages["/feed.xml"] = Reply(body=b"<rss/>", headers={"etag": '"1"'})
        web.pages["/slow"] = lambda request: Reply(status=503)     # or an `async def`
        web.pages["/drips"] = raw(drip)       # async def drip(request, reader, writer)
        fetch(web.url("/feed.xml"))
        assert web.requests[0].headers["user-agent"] == "..."

A page is looked up by its path with the query, then without it; an unknown path answers 404.
"""

import asyncio
import contextlib
import inspect
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from trustme import LeafCert

_NO_BODY = {204, 304}
_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `path` includes the query, names in `headers` are lower-case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def host(self) -> str:
        return self.headers.get("host", "")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply; Content-Length is added unless `headers` has it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


RawHandler = Callable[[Request, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Raw:
    """A page that writes its own bytes; the connection is closed when it returns."""

    handler: RawHandler


def raw(handler: RawHandler) -> Raw:
    """For misbehaving servers: slow, endless or lying ones."""
    return Raw(handler)


Page = Reply | Raw | Callable[[Request], Reply | Awaitable[Reply]]


class Web:
    """Serves `pages` while it is entered; they may be changed at any time."""

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, certificate: "LeafCert | None" = None
    ) -> None:
        self.host = host
        self.port = port
        self.pages: dict[str, Page] = {}
        self.requests: list[Request] = []
        self.connections = 0
        """Number of connections opened so far."""
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(self._tls)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    def url(self, path: str = "/", host: str | None = None, user: str = "") -> str:
        """The address of `path`; `user` is what goes before the @, `name:password`."""
        scheme = "http" if self._tls is None else "https"
        before = f"{user}@" if user else ""
        return f"{scheme}://{before}{host or self.host}:{self.port}{path}"

    def requests_for(self, path: str) -> list[Request]:
        """The requests for `path`, query included."""
        return [request for request in self.requests if request.path == path]

    def fetched_pages(self) -> list[str]:
        """The paths of the requests for pages (`.html`), in order."""
        return [request.path for request in self.requests if request.path.endswith(".html")]

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="web", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(_START_SECONDS)
        except BaseException:
            self._end_loop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_START_SECONDS)
        self._end_loop()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(
            self._connected, self.host, self.port, ssl=self._tls, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        for writer in list(self._writers):
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
        self._loop.close()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                page = self._page(request.path)
                if isinstance(page, Raw):
                    await page.handler(request, reader, writer)
                    break
                writer.write(await _answer(page, request))
                await writer.drain()
                if request.headers.get("connection", "").lower() == "close":
                    break
        except (OSError, EOFError, asyncio.CancelledError):
            writer.transport.abort()  # the client went away, or the server closes
        finally:
            self._writers.discard(writer)
            with contextlib.suppress(Exception):
                writer.close()

    def _page(self, path: str) -> Page:
        missing = Reply(404, b"no such page")
        return self.pages.get(path) or self.pages.get(path.partition("?")[0]) or missing


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request, or None if the client sends no more."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


async def _answer(
    page: Reply | Callable[[Request], Reply | Awaitable[Reply]], request: Request
) -> bytes:
    if isinstance(page, Reply):
        reply = page
    else:
        try:
            made = page(request)
            reply = await made if inspect.isawaitable(made) else made
        except Exception as error:  # a test's own mistake is seen in its client's answer
            reply = Reply(500, repr(error).encode())
    headers = {name.lower(): value for name, value in reply.headers.items()}
    if reply.status not in _NO_BODY and "transfer-encoding" not in headers:
        headers.setdefault("content-length", str(len(reply.body)))
    reason = HTTPStatus(reply.status).phrase if reply.status in set(HTTPStatus) else ""
    lines = [f"HTTP/1.1 {reply.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if request.method == "HEAD" else head + reply.body
