"""What each endpoint is: who may ask, for what, and how its errors are told, in one place."""

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from worker.errors import NewsdropError
from worker.web.api.request import Asked, body_of, check_sender, query_of
from worker.web.api.responses import problem, problem_of

Handler = Callable[[Request], Awaitable[Response]]
Act = Callable[[Asked], Response]


def reads(*names: str) -> Callable[[Act], Handler]:
    """A GET: `names` are the parameters that its query may have. It runs in a thread."""
    known = frozenset(names)

    def made(act: Act) -> Handler:
        @told
        async def handler(request: Request) -> Response:
            asked = Asked(
                request.app.state.settings, request.path_params, query_of(request, known), {}
            )
            return await run_in_threadpool(act, asked)

        return handler

    return made


def changes(*names: str) -> Callable[[Act], Handler]:
    """A POST or DELETE: `names` are the keys that its JSON body may have. It runs in a thread."""
    known = frozenset(names)

    def made(act: Act) -> Handler:
        @told
        async def handler(request: Request) -> Response:
            check_sender(request)
            query_of(request, frozenset())
            body = await body_of(request, known)
            asked = Asked(request.app.state.settings, request.path_params, {}, body)
            return await run_in_threadpool(act, asked)

        return handler

    return made


def told(handler: Handler) -> Handler:
    """`handler` with its errors as problems."""

    @wraps(handler)
    async def telling(request: Request) -> Response:
        try:
            return await handler(request)
        except NewsdropError as error:
            return problem_of(error)
        except HTTPException as error:
            return problem(error.status_code, error.detail)
        except ClientDisconnect:
            return problem(400, "The request ended before it was whole.")  # nobody reads it

    return telling
