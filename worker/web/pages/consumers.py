"""`/consumers`: the consumer groups of the stream, their pending entries and dead letters."""

from collections.abc import Callable
from functools import partial
from itertools import islice

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.groups import (
    PendingChange,
    change_pending,
    choose_dead_letters,
    choose_pending,
    create_group,
    parse_position,
)
from worker.errors import UsageError
from worker.model.times import parse_moment
from worker.queries.charts import RANGES
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.store.factory import group_store
from worker.web.chart import axis_top
from worker.web.filtering import path_name
from worker.web.forms import form_action, get_text, get_texts
from worker.web.live import Regions, View, get_name, live_page
from worker.web.ranges import ChartReader, read_range
from worker.web.rendering import Pages
from worker.web.responses import page, redirect

COUNT = 100
"""Pending entries, and dead letters, that a group's page lists: the oldest."""

_NAME_LENGTH = 200
_charts = ChartReader()


def _render_list(settings: Settings, pages: Pages) -> Regions:
    groups = group_store(settings).list_groups()
    html = pages.render("consumers/list.html", groups=groups, stream=settings.stream.name)
    return {"groups": html}


def _render_group(settings: Settings, pages: Pages, name: str, range_name: str) -> Regions:
    store = group_store(settings)
    group = store.get_group(name)
    read = _charts.read(settings, range_name, utc_now())
    lags = read.lags.get(name, ()) if read else ()
    known_lags = [lag for lag in lags if lag is not None]
    context = {
        "group": group,
        "lags": lags,
        "known": known_lags,
        "top": axis_top(max(known_lags, default=0)),
        "minutes": RANGES[range_name][0],
        "pending": store.list_pending(name, COUNT),
        "dead_letters": list(islice(store.dead_letters(name), COUNT)),
    }
    names = ("state", "lag", "pending", "dead_letters")
    return {each: pages.render(f"consumers/{each}.html", **context) for each in names}


async def show_list(request: Request) -> Response:
    return await live_page(request, "consumers", "consumers/page.html")


async def show_group(request: Request) -> Response:
    return await live_page(
        request,
        "group",
        "consumers/group.html",
        name=get_name(request, "group"),
        ranges=RANGES,
        range=read_range(request),
    )


@form_action
def create(request: Request, form: FormData) -> Response:
    settings: Settings = request.app.state.settings
    name = get_text(form, "group", _NAME_LENGTH)
    if not name:
        raise UsageError("the group has no name: give it one")
    if since := get_text(form, "since"):
        now = utc_now()
        create_group(settings, name, parse_moment(since, now), now)
    else:
        group_store(settings).create(name, parse_position(get_text(form, "start") or "0"))
    return redirect(_address(name), done="created")


@form_action
def ask(request: Request, form: FormData) -> Response:
    """The effect of a change, with its count, and a button that does it."""
    group = group_store(request.app.state.settings).get_group(get_name(request, "group"))
    names = ("what", "from", "to", "all")
    fields = [(name, text) for name in names if (text := get_text(form, name))]
    fields += [("id", one) for one in get_texts(form, "id")]
    values = dict(fields)
    if values.keys() <= {"what"} and values.get("what") != "delete":
        return redirect(_address(group.name), done="unselected")
    count, _ = _plan(request, form)
    return page(
        request, "consumers/ask.html", group=group, count=count, fields=fields, values=values
    )


@form_action
def change(request: Request, form: FormData) -> Response:
    """Do what :func:`ask` showed."""
    _, act = _plan(request, form)
    result = act()
    if get_text(form, "what") == "delete":
        return redirect("/consumers", done="deleted")
    done = "trimmed" if isinstance(result, list) and result else "changed"
    return redirect(_address(get_name(request, "group")), done=done)


def _plan(request: Request, form: FormData) -> tuple[int, Callable[[], object]]:
    """How many entries the change in a form concerns (0: the whole group), and the change."""
    store, name = group_store(request.app.state.settings), get_name(request, "group")
    what, ids = get_text(form, "what"), get_texts(form, "id")
    consumer, to = get_text(form, "from"), get_text(form, "to")
    if what in list(PendingChange):
        entries = choose_pending(store, name, ids, consumer or None)
        return len(entries), partial(
            change_pending, store, name, PendingChange(what), entries, to or None
        )
    if what in ("retry", "discard"):
        dead_letters = choose_dead_letters(store, name, ids, every=bool(form.get("all")))
        act = store.requeue if what == "retry" else store.discard
        return len(dead_letters), partial(act, name, dead_letters)
    if what == "reset":
        return 0, partial(store.reset, name, parse_position(to))
    if what == "remove":
        return 0, partial(store.remove_consumer, name, consumer)
    if what == "delete":
        return 0, partial(store.delete, name)
    raise HTTPException(404)


def _address(name: str) -> str:
    return f"/consumers/{path_name(name)}"


views = {
    "consumers": View(_render_list),
    "group": View(_render_group, lambda request: (get_name(request, "group"), read_range(request))),
}
routes = [
    Route("/consumers", show_list),
    Route("/consumers", create, methods=["POST"]),
    Route("/consumers/{group:path}/ask", ask, methods=["POST"]),
    Route("/consumers/{group:path}/change", change, methods=["POST"]),
    Route("/consumers/{group:path}", show_group),
]
