"""`/feeds`: the feeds, the state of each, and what to do with them."""

from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions import feeds as actions
from worker.actions.pause import pause, resume
from worker.errors import ConfigError, NewsdropError
from worker.queries.feeds import FeedStatus, list_feeds
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.web.forms import form_action, get_text, parse_number
from worker.web.live import Regions, View, live_page
from worker.web.rendering import Pages
from worker.web.responses import page, redirect, status_for

COUNT = 200
FILTERS = ("all", "failing", "paused")


def _render_list(settings: Settings, pages: Pages, which: str, start: str) -> Regions:
    result = list_feeds(settings, utc_now())
    chosen = [feed for feed in result.feeds if which in ("all", feed.standing)]
    first = int(start)
    html = pages.render(
        "feeds/list.html",
        result=result,
        feeds=chosen[first : first + COUNT],
        total=len(chosen),
        start=first,
        count=COUNT,
        which=which,
    )
    return {"feeds": html}


def _render_feed(settings: Settings, pages: Pages, name: str) -> Regions:
    feed = list_feeds(settings, utc_now()).named(name)
    return {"feed": pages.render("feeds/state.html", feed=feed)}


async def show_list(request: Request) -> Response:
    which = _filter(request)
    return await live_page(request, "feeds", "feeds.html", which=which)


async def show_feed(request: Request) -> Response:
    return await live_page(request, "feed", "feed.html", name=_name(request))


@form_action
def change(request: Request, _: FormData) -> Response:
    """Poll now, reset errors, pause, resume, or remove."""
    settings: Settings = request.app.state.settings
    name, what = _name(request), request.path_params["what"]
    if what == "remove":
        actions.remove(settings, [name])
        return redirect("/feeds", done="removed")
    if what == "poll":
        done = "held" if actions.refresh(settings, [name]).paused else "polled"
    elif what == "reset":
        done = "held" if actions.reset_errors(settings, [name]).paused else "reset"
    elif what == "pause":
        pause(settings, name)
        done = "paused"
    elif what == "resume":
        resume(settings, name)
        done = "resumed"
    else:
        raise HTTPException(404)
    return redirect(_address(name), done=done)


def confirm_remove(request: Request) -> Response:
    result = list_feeds(request.app.state.settings, utc_now())
    return page(request, "remove.html", feed=result.named(_name(request)))


@form_action
def add(request: Request, form: FormData) -> Response:
    keys: dict[str, Any] = {"url": get_text(form, "url", 4000)}
    if name := get_text(form, "name", 100):
        keys["name"] = name
    if form.get("full_text"):
        keys["full_text"] = True
    try:
        added = actions.add(request.app.state.settings, keys, check=not form.get("unchecked"))
    except ConfigError:
        raise
    except NewsdropError as error:
        status = status_for(error)
        return page(request, "add.html", status=status, keys=keys, error=str(error), choices=())
    if isinstance(added, actions.AddedFeed):
        return redirect(_address(added.name), done="added")
    return page(request, "add.html", keys=keys, error=None, choices=added)


def _address(name: str) -> str:
    return f"/feeds/{quote(name, safe='')}"


def _filter(request: Request) -> str:
    which = request.query_params.get("show", "all")
    return which if which in FILTERS else "all"


def _start(request: Request) -> str:
    return str(parse_number(request.query_params.get("after", ""), 6) or 0)


def _name(request: Request) -> str:
    name = request.path_params.get("feed") or request.query_params.get("feed", "")
    return str(name)[:200]


assert set(FILTERS) - {"all"} <= set(FeedStatus)

views = {
    "feeds": View(_render_list, lambda request: (_filter(request), _start(request))),
    "feed": View(_render_feed, lambda request: (_name(request),)),
}
routes = [
    Route("/feeds", show_list),
    Route("/feeds", add, methods=["POST"]),
    Route("/feeds/{feed}", show_feed),
    Route("/feeds/{feed}/remove", confirm_remove),
    Route("/feeds/{feed}/{what}", change, methods=["POST"]),
]
