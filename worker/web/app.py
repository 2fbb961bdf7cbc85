"""The application: its routes, what stands before them, and what its handlers share."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from worker.errors import NewsdropError
from worker.service.port import token_of
from worker.settings import MEGABYTE, Settings
from worker.settings.paths import web_key
from worker.web import api
from worker.web.health import livez, readyz
from worker.web.live import Live
from worker.web.metrics import metrics
from worker.web.middleware import Gate
from worker.web.pages import (
    articles,
    enqueue,
    explain,
    feeds,
    jobs,
    login,
    overview,
    quarantine,
)
from worker.web.rendering import STATIC, Pages
from worker.web.responses import broken, failed
from worker.web.security import Guard, allowed_names, signing_key


def web_app(settings: Settings) -> Starlette:
    """The status page, the API, metrics and health checks of `settings`. Raises ConfigError."""
    guard = Guard(
        key=signing_key(web_key(settings.state_dir)),
        token=token_of(settings),
        host=settings.web.host,
        hosts=allowed_names(settings.web.allowed_hosts),
    )
    live = Live(
        {
            "overview": overview.view(settings),
            "jobs": jobs.list_view(settings),
            "job": jobs.one_view(settings),
            "articles": articles.view(settings),
            "quarantine": quarantine.view(settings),
            "feeds": feeds.list_view(settings),
            "feed": feeds.one_view(settings),
        }
    )
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
    app.state.guard = guard
    app.state.live = live
    app.state.pages = Pages(guard.form_token)
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
        *jobs.routes,
        *articles.routes,
        *explain.routes,
        *quarantine.routes,
        *feeds.routes,
        *enqueue.routes,
        *login.routes,
        *api.routes,
        Route("/live", live.answer),
        Route("/metrics", metrics),
        Route("/livez", livez),
        Route("/readyz", readyz),
        Mount("/static", Static(directory=STATIC)),
    ]
