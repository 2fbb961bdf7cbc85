"""The layers around every request: the guard, the bounds of its body, the headers of its answer.

It runs before the router, so it covers every page that is added later.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.escape import printable
from worker.settings import MEGABYTE
from worker.translation import DEFAULT, LANGUAGES, negotiate, set_language
from worker.web.responses import API, PLAIN, local_path, login_redirect, own_path, problem, redirect
from worker.web.security import HEADERS, SAFE_METHODS, AccessControl
from worker.web.uploads import upload_too_large
from worker.web.zones import BROWSER, COOKIE, is_zone

OPEN = ("/livez", "/login", "/static/")
"""These need no token: the liveness check, and what a login needs."""

FOR_PROGRAMS = (API, *PLAIN)
"""Their answer without a token is 401, not the login form."""

FORM_BYTES = 256 * 1024
"""The body of a form without files: some thousand addresses."""

LANGUAGE_COOKIE = "newsdrop_language"
_COOKIE = "; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"

UPLOADS = ("/enqueue", "/api/v1/enqueue")
UPLOAD_EXTRA_BYTES = 2 * 1024 * 1024
"""What names, boundaries and JSON may add to the files of an upload."""

BODY_SECONDS = 20.0
"""How long a client may send nothing in the middle of its body."""


class RequestGate:
    """`upload_mb` bounds one upload, all its files together."""

    def __init__(self, app: ASGIApp, guard: AccessControl, upload_mb: int) -> None:
        self._app = app
        self._guard = guard
        self._upload_mb = upload_mb

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # a WebSocket, which nothing here supports
        request = Request(scope, receive)
        chosen = choose_language(request)
        send = add_headers(
            send, {"set-cookie": f"{LANGUAGE_COOKIE}={chosen}{_COOKIE}"} if chosen else {}
        )
        is_upload = scope["path"] in UPLOADS
        limit = self._upload_mb * MEGABYTE + UPLOAD_EXTRA_BYTES if is_upload else FORM_BYTES
        message = upload_too_large(self._upload_mb) if is_upload else _FORM_TOO_LARGE
        refusal = self._check(request) or _choose_zone(request)
        if refusal is None and _content_length(request) > limit:
            refusal = problem(request, 413, message)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if request.method not in SAFE_METHODS:
            receive = limit_body(receive, limit, message)
        await self._app(scope, receive, send)

    def _check(self, request: Request) -> Response | None:
        guard, path = self._guard, request.url.path
        if not guard.knows_host(request):
            return problem(
                request,
                421,
                "This host name is unknown. If it is yours, add it to web.allowed_hosts in the "
                "settings.",
            )
        if request.method not in SAFE_METHODS and not guard.is_own_origin(request):
            return problem(
                request,
                403,
                "A page of another site sent this, so nothing was done. Behind a proxy: let it "
                "pass the Host header on.",
            )
        is_open = any(path == it or (it.endswith("/") and path.startswith(it)) for it in OPEN)
        if is_open or guard.is_authorized(request):
            return None
        if path.startswith(FOR_PROGRAMS) or request.method not in SAFE_METHODS:
            refusal = problem(
                request, 401, "A token is required: send it as `Authorization: Bearer TOKEN`."
            )
            refusal.headers["www-authenticate"] = "Bearer"
            return refusal
        return login_redirect(request)


def choose_language(request: Request) -> str:
    """Set the language of the answer: `?lang=`, else the cookie that an earlier one set, else
    `Accept-Language`. Programs get English. Returns what `?lang=` chose, '' without it."""
    wanted = request.query_params.get("lang", "")
    cookie = request.cookies.get(LANGUAGE_COOKIE, "")
    if request.url.path.startswith(FOR_PROGRAMS):
        set_language(DEFAULT)
        return ""
    codes = [it for it in (wanted, cookie) if it in LANGUAGES]
    set_language(codes[0] if codes else negotiate(request.headers.get("accept-language", "")))
    return wanted if wanted in LANGUAGES else ""


def _choose_zone(request: Request) -> Response | None:
    """The answer to the address of a page with `?zone=`: back to the page, with the cookie. None
    where there is none."""
    if "zone" not in request.query_params or request.url.path.startswith(FOR_PROGRAMS):
        return None
    zone = request.query_params["zone"].strip() or BROWSER
    if not is_zone(zone):
        name = printable(zone, 60)
        return problem(
            request, 422, f"{name} is not a time zone: write one as Asia/Shanghai, or UTC"
        )
    rest = [it for it in request.query_params.multi_items() if it[0] != "zone"]
    response = redirect(local_path(own_path(request) + (f"?{urlencode(rest)}" if rest else "")))
    response.headers.append("set-cookie", f"{COOKIE}={zone}{_COOKIE}")
    return response


def add_headers(send: Send, more: Mapping[str, str]) -> Send:
    """Adds the headers that guard a page, where the answer does not set them itself, and `more`."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            for name, value in more.items():
                headers.append(name, value)
        await send(message)

    return guarded


_FORM_TOO_LARGE = f"A body without files may hold {FORM_BYTES // 1024} KB: send less at once."


def limit_body(
    receive: Receive, limit: int = FORM_BYTES, message: str = _FORM_TOO_LARGE
) -> Receive:
    """The body; HTTPException 413 with `message` above `limit` bytes, 408 where it stops coming."""
    size = 0
    is_complete = False

    async def limited() -> Message:
        nonlocal size, is_complete
        if is_complete:
            return await receive()  # waits for the client to go away
        try:
            async with asyncio.timeout(BODY_SECONDS):
                event = await receive()
        except TimeoutError as error:
            raise HTTPException(408, "The body stopped coming: send it again.") from error
        if event["type"] == "http.request":
            size += len(event.get("body", b""))
            is_complete = not event.get("more_body", False)
            if size > limit:
                raise HTTPException(413, message)
        return event

    return limited


def _content_length(request: Request) -> int:
    """The header Content-Length; 0 where there is none: then the body is counted as it comes."""
    text = request.headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdecimal() else 0
