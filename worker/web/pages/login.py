"""`/login` and `/logout`, where a token is set."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.web.forms import get_text, read_form
from worker.web.responses import local_path, page, redirect
from worker.web.security import LOGIN_DAYS, AccessControl

_WRONG_SECONDS = 0.5
"""A wrong token is answered late, and to few at once, which slows guessing down."""

_wrong_slots = asyncio.Semaphore(4)


async def show(request: Request) -> Response:
    guard: AccessControl = request.app.state.guard
    target = local_path(request.query_params.get("next", "/"))
    if guard.is_authorized(request):
        return redirect(target)
    return page(request, "login.html", target=target, is_wrong=False)


async def login(request: Request) -> Response:
    guard: AccessControl = request.app.state.guard
    form = await read_form(request)
    target = local_path(get_text(form, "next", 10_000) or "/")
    if guard.token and not guard.is_token(get_text(form, "token", 10_000)):
        async with _wrong_slots:
            await asyncio.sleep(_WRONG_SECONDS)
        return page(request, "login.html", status=403, target=target, is_wrong=True)
    response = redirect(target)
    response.set_cookie(
        guard.cookie_name(request),
        guard.login_cookie(),
        max_age=LOGIN_DAYS * 86400,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


async def logout(request: Request) -> Response:
    guard: AccessControl = request.app.state.guard
    await read_form(request)
    response = redirect("/login")
    response.delete_cookie(guard.cookie_name(request), httponly=True, samesite="strict")
    return response


routes = [
    Route("/login", show),
    Route("/login", login, methods=["POST"]),
    Route("/logout", logout, methods=["POST"]),
]
