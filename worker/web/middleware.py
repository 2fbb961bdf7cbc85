"""What every request passes: the guard's questions, the body's bounds, the headers of each answer.

It stands before the router, so that a page that is added later is behind it, too.
"""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.settings import MEGABYTE
from worker.web.responses import API, PLAIN, problem, to_login
from worker.web.security import HEADERS, SAFE, Guard

OPEN = ("/livez", "/login", "/static/")
"""What is answered without the token: whether the process lives, and how to log in."""

FOR_PROGRAMS = (API, *PLAIN)
"""They are told 401, not sent to a form."""

FORM_BYTES = 256 * 1024
"""The body of a form without files: some thousand addresses."""

UPLOADS = ("/enqueue", "/api/v1/enqueue")
UPLOAD_MORE = 2 * 1024 * 1024
"""What names, boundaries and JSON may add to the files of an upload."""

BODY_SECONDS = 20.0
"""How long a client may send nothing in the middle of its body."""


class Gate:
    """`upload_bytes`: of one upload, all its files together."""

    def __init__(self, app: ASGIApp, guard: Guard, upload_bytes: int) -> None:
        self._app = app
        self._guard = guard
        self._upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # a WebSocket: nothing here speaks that
        request = Request(scope, receive)
        answer = with_headers(send)
        if (refused := self._refusal(request)) is not None:
            await refused(scope, receive, answer)
            return
        limit = self._limit(scope["path"])
        if _declared(request) > limit:
            await problem(request, 413, too_large(limit))(scope, receive, answer)
            return
        bounded = receive if request.method in SAFE else within(receive, limit)
        await self._app(scope, bounded, answer)

    def _refusal(self, request: Request) -> Response | None:
        guard, path = self._guard, request.url.path
        if not guard.knows_host(request):
            return problem(
                request,
                421,
                "This address is asked by a name that it does not know. If it is yours, add it to "
                "web.allowed_hosts in the settings.",
            )
        if request.method not in SAFE and not guard.own_origin(request):
            return problem(
                request,
                403,
                "This was sent by a page of another site, so nothing was done. Behind a proxy: let "
                "it hand on the Host header.",
            )
        if guard.lets_in(request) or _is_open(path):
            return None
        if path.startswith(FOR_PROGRAMS) or request.method not in SAFE:
            refused = problem(
                request, 401, "This needs the token: send it as `Authorization: Bearer TOKEN`."
            )
            refused.headers["www-authenticate"] = "Bearer"
            return refused
        return to_login(request)

    def _limit(self, path: str) -> int:
        return self._upload_bytes + UPLOAD_MORE if path in UPLOADS else FORM_BYTES


def with_headers(send: Send) -> Send:
    """Adds the headers that guard a page, where the answer does not set them itself."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return guarded


def within(receive: Receive, limit: int) -> Receive:
    """The body, ended by an error of 413 above `limit` bytes, of 408 where it does not come on."""
    taken = 0
    whole = False

    async def bounded() -> Message:
        nonlocal taken, whole
        if whole:
            return await receive()  # waits for the client to go away
        try:
            async with asyncio.timeout(BODY_SECONDS):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, "The body did not come on: send it again.") from error
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if taken > limit:
                raise HTTPException(413, too_large(limit))
        return message

    return bounded


def too_large(limit: int) -> str:
    """What is said of a body that is larger than `limit` bytes."""
    if limit <= FORM_BYTES:
        return f"This is more than a form may hold ({limit // 1024} KB): send less at once."
    files = (limit - UPLOAD_MORE) // MEGABYTE
    return (
        f"One upload may hold {files} MB, all its files together (web.upload_mb): send less at "
        "once, drop the files into a watched folder, or use `newsdrop enqueue`."
    )


def _is_open(path: str) -> bool:
    return any(path == one or (one.endswith("/") and path.startswith(one)) for one in OPEN)


def _declared(connection: HTTPConnection) -> int:
    """What Content-Length says, 0 where nothing is said: then it is counted as it comes."""
    said = connection.headers.get("content-length", "0")
    return int(said) if said.isascii() and said.isdecimal() else 0
