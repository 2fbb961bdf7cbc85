"""The application: its routes, what stands before them, and what its handlers share."""

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from worker.errors import NewsdropError
from worker.runtime import web_key
from worker.service.port import token_of
from worker.settings import MEGABYTE, Settings
from worker.times import utc_now
from worker.web.answers import broken, failed
from worker.web.gate import Gate
from worker.web.live import Live
from worker.web.pages import login, overview
from worker.web.rendering import STATIC, Pages
from worker.web.security import Guard, allowed_names, signing_key


def web_app(settings: Settings, clock: Callable[[], datetime] = utc_now) -> Starlette:
    """The status page, the API, metrics and health checks of `settings`. Raises ConfigError."""
    guard = Guard(
        key=signing_key(web_key(settings.state_dir)),
        token=token_of(settings),
        host=settings.web.host,
        hosts=allowed_names(settings.web.hosts),
    )
    live = Live({"overview": overview.view(settings, clock)})
    app = Starlette(
        routes=_routes(live),
        middleware=[Middleware(Gate, guard=guard, upload_bytes=settings.web.upload_mb * MEGABYTE)],
        exception_handlers={
            HTTPException: failed,
            NewsdropError: failed,
            Exception: broken,
        },
    )
    app.state.settings = settings
    app.state.clock = clock
    app.state.guard = guard
    app.state.live = live
    app.state.pages = Pages(guard.form_token, clock)
    return app


class Static(StaticFiles):
    """Style sheet and script: kept by browsers, and asked for again each time (ETag)."""

    def file_response(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        answer = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        answer.headers["cache-control"] = "no-cache"
        return answer


def _routes(live: Live) -> list[BaseRoute]:
    return [
        *overview.routes,
        *login.routes,
        Route("/live", live.answer),
        Mount("/static", Static(directory=STATIC)),
    ]
