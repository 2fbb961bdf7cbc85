"""`/reparse`: the archive read again with the present rules, and publishing what differs."""

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.reparse import cancel_reparse, order_reparse, publish_reparsed
from worker.pipeline.reparse.background import read_order
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.web.forms import form_action, get_text
from worker.web.live import Regions, View, live_page
from worker.web.rendering import Pages
from worker.web.responses import page, redirect


def _render(settings: Settings, pages: Pages) -> Regions:
    order, run = read_order(settings.state_dir)
    return {"run": pages.render("reparse/run.html", order=order, run=run)}


async def show(request: Request) -> Response:
    source = request.query_params.get("source", "")[:200]
    return await live_page(request, "reparse", "reparse/page.html", source=source)


async def confirm(request: Request) -> Response:
    settings: Settings = request.app.state.settings
    order, run = await run_in_threadpool(read_order, settings.state_dir)
    if run is None or not run.finished_at:
        return redirect("/reparse")
    return page(request, "reparse/publish.html", order=order, run=run)


@form_action
def change(request: Request, form: FormData) -> Response:
    settings: Settings = request.app.state.settings
    what = request.path_params["what"]
    if what == "compare":
        source, since = get_text(form, "source"), get_text(form, "since")
        order_reparse(settings, source, since, utc_now(), publish=False)
    elif what == "publish":
        publish_reparsed(settings, utc_now())
    elif what == "end":
        cancel_reparse(settings)
    else:
        raise HTTPException(404)
    return redirect("/reparse")


views = {"reparse": View(_render)}
routes = [
    Route("/reparse", show),
    Route("/reparse/publish", confirm),
    Route("/reparse/{what}", change, methods=["POST"]),
]
