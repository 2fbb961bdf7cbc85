"""`/livez` and `/readyz`: for load balancers, containers and whoever watches over them."""

from dataclasses import asdict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from worker.errors import NewsdropError
from worker.queries.health import check_health
from worker.settings.clock import utc_now

_FRESH = {"cache-control": "no-store"}


async def livez(request: Request) -> Response:
    """200 as long as this process answers: nothing else would get better by its restart."""
    return PlainTextResponse("ok\n", headers=_FRESH)


async def readyz(request: Request) -> Response:
    """200 where all is there that the work needs, else 503; each check, and what to do."""
    try:
        found = await run_in_threadpool(check_health, request.app.state.settings, utc_now())
    except NewsdropError as error:
        return JSONResponse({"ready": False, "problem": str(error)}, 503, headers=_FRESH)
    said = {"ready": found.ready, "at": found.at, "checks": [asdict(one) for one in found.checks]}
    return JSONResponse(said, 200 if found.ready else 503, headers=_FRESH)
