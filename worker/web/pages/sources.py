"""`/sources/NAME`: a drop folder's state, its last scans and its newest articles."""

from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.pause import pause, resume
from worker.feeds.catalog import load_catalog
from worker.queries.articles import search_articles
from worker.queries.status.overview import get_overview
from worker.queries.status.sources import SourceStatus
from worker.readmodel.database import ReadModelUnavailable
from worker.readmodel.filters import Filters
from worker.settings import POLLED, Settings
from worker.settings.clock import utc_now
from worker.sources.registry import require_name
from worker.sources.scan_result import load_scans
from worker.spool.layout import notes_dir
from worker.web.forms import form_action
from worker.web.live import Regions, View, get_name, live_page
from worker.web.rendering import Pages
from worker.web.responses import redirect

COUNT = 10


def render_newest(settings: Settings, pages: Pages, source: str) -> str:
    """The newest articles of a source or a feed, whatever became of them."""
    result, problem = None, None
    try:
        filters = Filters(source=source, outcome="any")
        result = search_articles(settings, filters, COUNT, None, utc_now())
    except ReadModelUnavailable as error:
        problem = str(error)
    return pages.render("sources/newest.html", result=result, problem=problem, name=source)


def _render(settings: Settings, pages: Pages, name: str) -> Regions:
    source = _get_source(settings, name)
    folder = next((each for each in settings.all_folders() if each.name == name), None)
    scans = load_scans(notes_dir(settings, folder)) if folder else ()
    return {
        "source": pages.render("sources/state.html", source=source),
        "scans": pages.render("sources/scans.html", source=source, scans=scans),
        "articles": render_newest(settings, pages, name),
    }


def _get_source(settings: Settings, name: str) -> SourceStatus:
    sources = {each.name: each for each in get_overview(settings, utc_now()).status.sources}
    require_name("source", name, sources)
    return sources[name]


async def show(request: Request) -> Response:
    """A feed has its own page; what feeds brought before they were removed is shown here."""
    settings: Settings = request.app.state.settings
    name = get_name(request, "source")
    if name == POLLED:
        return redirect("/feeds")
    if name in (await run_in_threadpool(load_catalog, settings)).feeds:
        return redirect(f"/feeds/{quote(name, safe='')}")
    has_scans = name in {folder.name for folder in settings.all_folders()}
    return await live_page(request, "source", "source.html", name=name, has_scans=has_scans)


@form_action
def change(request: Request, _: FormData) -> Response:
    name, what = get_name(request, "source"), request.path_params["what"]
    act = {"pause": pause, "resume": resume}.get(what)
    if act is None:
        raise HTTPException(404)
    act(request.app.state.settings, name)
    return redirect(f"/sources/{quote(name, safe='')}", done=f"{what}d")


views = {"source": View(_render, lambda request: (get_name(request, "source"),))}
routes = [
    Route("/sources/{source}", show),
    Route("/sources/{source}/{what}", change, methods=["POST"]),
]
