"""`/feeds`: the feeds, the state of each, and what to do with them."""

import re
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions import feeds as actions
from worker.actions.feed_preview import FeedPreview, preview_feed
from worker.actions.pause import pause, resume
from worker.errors import NewsdropError
from worker.feeds.catalog import load_catalog
from worker.formats.feed.discovery import FeedLink
from worker.queries.feeds import FeedStatus, FeedsView, FeedView, list_feeds, list_polls
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.web.filtering import filter_query, write_query
from worker.web.forms import form_action, get_text, parse_number
from worker.web.live import Regions, View, get_name, live_page
from worker.web.pages.sources import render_newest
from worker.web.rendering import Pages
from worker.web.responses import page, redirect, status_for

COUNT = 200
FILTERS = ("q", "tag", "show")
_FILTER_STATUSES = (FeedStatus.FAILING, FeedStatus.PAUSED)


def _render_list(settings: Settings, pages: Pages, query: str, start: str) -> Regions:
    result, filters = list_feeds(settings, utc_now()), dict(parse_qsl(query))
    chosen = choose_feeds(result, filters)
    first = int(start)
    html = pages.render(
        "feeds/list.html",
        result=result,
        feeds=chosen[first : first + COUNT],
        total=len(chosen),
        start=first,
        count=COUNT,
        filters=filters,
    )
    return {"feeds": html}


def choose_feeds(result: FeedsView, filters: dict[str, str]) -> list[FeedView]:
    """The feeds that pass the filters of a list, failing ones first."""
    chosen = [feed for feed in result.feeds if _is_chosen(feed, filters)]
    return sorted(chosen, key=lambda feed: feed.status is not FeedStatus.FAILING)


def _is_chosen(feed: FeedView, filters: dict[str, str]) -> bool:
    """Whether a feed has the status, the tag and the words (in name, title or address)."""
    text = f"{feed.name} {feed.title or ''} {feed.url}".casefold()
    return (
        filters.get("show", feed.status) == feed.status
        and ("tag" not in filters or filters["tag"] in feed.tags)
        and all(word in text for word in filters.get("q", "").casefold().split())
    )


def _render_feed(settings: Settings, pages: Pages, name: str) -> Regions:
    feed = list_feeds(settings, utc_now()).named(name)
    polls = list_polls(settings, name) if feed.status is not FeedStatus.UNKNOWN else ()
    return {
        "feed": pages.render("feeds/state.html", feed=feed),
        "polls": pages.render("feeds/polls.html", polls=polls),
        "articles": render_newest(settings, pages, name),
    }


async def show_list(request: Request) -> Response:
    catalog = await run_in_threadpool(load_catalog, request.app.state.settings)
    tags = sorted({tag for feed in catalog for tag in feed.tags})
    filters = dict(parse_qsl(_list_parameters(request)[0]))
    return await live_page(
        request, "feeds", "feeds.html", filters=filters, tags=tags, has_feeds=bool(len(catalog))
    )


async def show_feed(request: Request) -> Response:
    return await live_page(request, "feed", "feed.html", name=get_name(request, "feed"))


@form_action
def change(request: Request, _: FormData) -> Response:
    """Poll now, reset errors, pause, resume, or remove."""
    settings: Settings = request.app.state.settings
    name, what = get_name(request, "feed"), request.path_params["what"]
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
    return page(request, "remove.html", feed=result.named(get_name(request, "feed")))


@form_action
def add(request: Request, form: FormData) -> Response:
    keys = _read_keys(form)
    try:
        added = actions.add(request.app.state.settings, keys, check=not form.get("unchecked"))
    except NewsdropError as error:
        return _show_add(request, keys, error=error)
    if isinstance(added, actions.AddedFeed):
        return redirect(_address(added.name), done="added")
    return _show_add(request, keys, choices=added)


@form_action
def preview(request: Request, form: FormData) -> Response:
    """A preview of the feed, or of the feeds of the page, at an address."""
    keys = _read_keys(form)
    try:
        result = preview_feed(request.app.state.settings, keys, utc_now())
    except NewsdropError as error:
        return _show_add(request, keys, error=error)
    if isinstance(result, FeedPreview):
        return _show_add(request, keys, preview=result)
    return _show_add(request, keys, choices=result)


def _read_keys(form: FormData) -> dict[str, Any]:
    """The keys of a feed in a form; only those that are given."""
    keys = {
        "url": get_text(form, "url", 4000),
        "name": get_text(form, "name", 100),
        "tags": read_tags(form),
        "full_text": bool(form.get("full_text")),
    }
    return {name: value for name, value in keys.items() if value or name == "url"}


def read_tags(form: FormData) -> list[str]:
    tags = re.split("[,，]", get_text(form, "tags", 500))
    return [tag.strip() for tag in tags if tag.strip()]


def _show_add(
    request: Request,
    keys: dict[str, Any],
    *,
    error: NewsdropError | None = None,
    preview: FeedPreview | None = None,
    choices: tuple[FeedLink, ...] = (),
) -> Response:
    status = status_for(error) if error else 200
    text = str(error) if error else None
    return page(
        request, "add.html", status=status, keys=keys, error=text, preview=preview, choices=choices
    )


def _address(name: str) -> str:
    return f"/feeds/{quote(name, safe='')}"


def _list_parameters(request: Request) -> tuple[str, str]:
    filters = dict(parse_qsl(filter_query(request, FILTERS)))
    if filters.get("show") not in _FILTER_STATUSES:
        filters.pop("show", None)
    start = parse_number(request.query_params.get("after", ""), 6) or 0
    return write_query(filters), str(start)


views = {
    "feeds": View(_render_list, _list_parameters),
    "feed": View(_render_feed, lambda request: (get_name(request, "feed"),)),
}
routes = [
    Route("/feeds", show_list),
    Route("/feeds", add, methods=["POST"]),
    Route("/feeds/preview", preview, methods=["POST"]),
    Route("/feeds/{feed}", show_feed),
    Route("/feeds/{feed}/remove", confirm_remove),
    Route("/feeds/{feed}/{what}", change, methods=["POST"]),
]
