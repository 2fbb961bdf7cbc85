"""`/feeds`: what is polled, how it stands, and doing something about it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.feeds import AddedFeed, FeedSelection, add, refresh, remove, reset_errors
from worker.actions.pause import pause, resume
from worker.errors import ConfigError, NewsdropError
from worker.queries.feeds import FeedStatus, list_feeds
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.web.flash import done
from worker.web.forms import action, number, text
from worker.web.live import Regions, View
from worker.web.rendering import Pages
from worker.web.responses import page, see
from worker.web.statuses import status_for

COUNT = 200
SHOWN = ("all", "failing", "paused")


def list_view(settings: Settings) -> View:
    """A page of the feeds, of those that are asked for."""

    def view(request: Request) -> tuple[tuple[str, ...], Callable[[Pages], Regions]]:
        which, start = _which(request), _start(request)

        def made(pages: Pages) -> Regions:
            told = list_feeds(settings, utc_now())
            listed = [feed for feed in told.feeds if which in ("all", feed.standing)]
            html = pages.render(
                "feeds/list.html",
                told=told,
                listed=listed[start : start + COUNT],
                total=len(listed),
                start=start,
                count=COUNT,
                which=which,
            )
            return {"feeds": html}

        return (which, str(start)), made

    return view


def one_view(settings: Settings) -> View:
    """One feed, by the `feed` in the path or the query."""

    def view(request: Request) -> tuple[tuple[str, ...], Callable[[Pages], Regions]]:
        name = _name(request)

        def made(pages: Pages) -> Regions:
            told = list_feeds(settings, utc_now())
            return {"feed": pages.render("feeds/standing.html", feed=told.named(name), told=told)}

        return (name,), made

    return view


async def shown_list(request: Request) -> Response:
    regions = await request.app.state.live.regions(request, "feeds")
    return page(request, "feeds.html", regions=regions, which=_which(request), done=done(request))


async def shown(request: Request) -> Response:
    regions = await request.app.state.live.regions(request, "feed")
    return page(request, "feed.html", regions=regions, name=_name(request), done=done(request))


@action
def changed(request: Request, _: FormData) -> Response:
    """Poll now, forget failures, hold, let go on, remove."""
    settings: Settings = request.app.state.settings
    name, what = _name(request), request.path_params["what"]
    if what == "remove":
        remove(settings, [name])
        return see("/feeds", done="removed")
    if what not in _CHANGES:
        raise HTTPException(404)
    return see(f"/feeds/{quote(name, safe='')}", done=_CHANGES[what](settings, name))


def asked_to_remove(request: Request) -> Response:
    """Whether it is really to be removed."""
    told = list_feeds(request.app.state.settings, utc_now())
    return page(request, "remove.html", feed=told.named(_name(request)))


@action
def added(request: Request, form: FormData) -> Response:
    said: dict[str, Any] = {"url": text(form, "url", 4000)}
    if name := text(form, "name", 100):
        said["name"] = name
    if form.get("full_text"):
        said["full_text"] = True
    try:
        made = add(request.app.state.settings, said, check=not form.get("unchecked"))
    except ConfigError:
        raise
    except NewsdropError as error:
        status = status_for(error)
        return page(request, "add.html", status=status, said=said, why=str(error), choices=())
    if isinstance(made, AddedFeed):
        return see(f"/feeds/{quote(made.name, safe='')}", done="added")
    return page(request, "add.html", said=said, why=None, choices=made)


def _polled(settings: Settings, name: str) -> str:
    return _told(refresh(settings, [name]), "polled")


def _reset(settings: Settings, name: str) -> str:
    return _told(reset_errors(settings, [name]), "reset")


def _held(settings: Settings, name: str) -> str:
    pause(settings, name)
    return "paused"


def _let_go(settings: Settings, name: str) -> str:
    resume(settings, name)
    return "resumed"


def _told(chosen: FeedSelection, done_: str) -> str:
    return "held" if chosen.paused else done_


_CHANGES = {"poll": _polled, "reset": _reset, "pause": _held, "resume": _let_go}


def _which(request: Request) -> str:
    said = request.query_params.get("show", "all")
    return said if said in SHOWN else "all"


def _start(request: Request) -> int:
    return number(request.query_params.get("after", ""), 6) or 0


def _name(request: Request) -> str:
    found = request.path_params.get("feed") or request.query_params.get("feed", "")
    return str(found)[:200]


assert set(SHOWN) - {"all"} <= set(FeedStatus)

routes = [
    Route("/feeds", shown_list),
    Route("/feeds", added, methods=["POST"]),
    Route("/feeds/{feed}", shown),
    Route("/feeds/{feed}/remove", asked_to_remove),
    Route("/feeds/{feed}/{what}", changed, methods=["POST"]),
]
