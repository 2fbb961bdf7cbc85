"""The application: its routes, its middleware, its error handlers, and the health checks."""

from dataclasses import asdict

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from worker.errors import NewsdropError
from worker.queries.health import check_health
from worker.service.port import read_token
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.settings.paths import web_key
from worker.web import api
from worker.web.live import Live
from worker.web.metrics import metrics
from worker.web.middleware import RequestGate
from worker.web.pages import (
    articles,
    consumers,
    enqueue,
    feed_changes,
    feeds,
    jobs,
    login,
    overview,
    quarantine,
    reparse,
    sources,
)
from worker.web.rendering import STATIC, Pages
from worker.web.responses import on_bug, on_error
from worker.web.security import AccessControl, allowed_names, signing_key

_NO_STORE = {"cache-control": "no-store"}


def web_app(settings: Settings) -> Starlette:
    """The status page, the API, metrics and health checks of `settings`. Raises ConfigError."""
    guard = AccessControl(
        key=signing_key(web_key(settings.state_dir)),
        token=read_token(settings),
        host=settings.web.host,
        hosts=allowed_names(settings.web.allowed_hosts),
    )
    views = {"overview": overview.make_view()}
    for module in (jobs, articles, quarantine, feeds, sources, consumers, reparse):
        views |= module.views
    live = Live(settings, views)
    expected = (HTTPException, NewsdropError, ClientDisconnect)
    app = Starlette(
        routes=_routes(live),
        middleware=[Middleware(RequestGate, guard=guard, upload_mb=settings.web.upload_mb)],
        exception_handlers={**dict.fromkeys(expected, on_error), Exception: on_bug},
    )
    app.state.settings = settings
    app.state.guard = guard
    app.state.live = live
    app.state.pages = Pages(guard.form_token)
    return app


async def livez(request: Request) -> Response:
    """200 as long as this process answers: a restart would fix nothing else."""
    return PlainTextResponse("ok\n", headers=_NO_STORE)


async def readyz(request: Request) -> Response:
    """200 where everything needed for work is available, else 503; each check, and what to do."""
    try:
        result = await run_in_threadpool(check_health, request.app.state.settings, utc_now())
    except NewsdropError as error:
        return JSONResponse({"ready": False, "problem": str(error)}, 503, headers=_NO_STORE)
    checks = [asdict(check) for check in result.checks]
    body = {"ready": result.ready, "at": result.at, "checks": checks}
    return JSONResponse(body, 200 if result.ready else 503, headers=_NO_STORE)


class _Static(StaticFiles):
    """Style sheet and script: browsers keep them and revalidate them each time (ETag)."""

    def file_response(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["cache-control"] = "no-cache"
        return response


def _routes(live: Live) -> list[BaseRoute]:
    pages = (overview, jobs, articles, quarantine, feed_changes, feeds, sources, consumers, reparse)
    return [
        *(route for module in (*pages, enqueue, login) for route in module.routes),
        *api.routes,
        Route("/live", live.stream),
        Route("/metrics", metrics),
        Route("/livez", livez),
        Route("/readyz", readyz),
        Mount("/static", _Static(directory=STATIC)),
    ]
