"""`/login` and `/logout`, where a token is set."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.web.forms import TOKEN_FIELD, check_token
from worker.web.responses import local_path, page, see
from worker.web.security import LOGIN_DAYS, Guard

_WRONG_SECONDS = 0.5
"""A wrong token is answered late, and to few at once, so that guessing takes its time."""

_few_at_once = asyncio.Semaphore(4)


async def shown(request: Request) -> Response:
    guard: Guard = request.app.state.guard
    wanted = local_path(request.query_params.get("next", "/"))
    if guard.lets_in(request):
        return see(wanted)
    return page(request, "login.html", wanted=wanted, wrong=False)


async def login(request: Request) -> Response:
    guard: Guard = request.app.state.guard
    form = await request.form(max_files=0, max_fields=10)
    check_token(request, str(form.get(TOKEN_FIELD, "")))
    wanted = local_path(str(form.get("next", "/")))
    if guard.token and not guard.is_token(str(form.get("token", "")).strip()):
        async with _few_at_once:
            await asyncio.sleep(_WRONG_SECONDS)
        return page(request, "login.html", status=403, wanted=wanted, wrong=True)
    answer = see(wanted)
    answer.set_cookie(
        guard.cookie(request),
        guard.login(),
        max_age=LOGIN_DAYS * 86400,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


async def logout(request: Request) -> Response:
    guard: Guard = request.app.state.guard
    form = await request.form(max_files=0, max_fields=10)
    check_token(request, str(form.get(TOKEN_FIELD, "")))
    answer = see("/login")
    answer.delete_cookie(guard.cookie(request), httponly=True, samesite="strict")
    return answer


routes = [
    Route("/login", shown),
    Route("/login", login, methods=["POST"]),
    Route("/logout", logout, methods=["POST"]),
]
