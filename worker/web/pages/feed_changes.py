"""Changes of feeds: the keys of one on its page, and one action on many."""

from urllib.parse import parse_qsl, quote

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions import feeds as actions
from worker.actions.feed_edit import edit, key_text, parse_changes, tag
from worker.actions.pause import pause, resume
from worker.errors import NewsdropError
from worker.feeds.catalog import load_catalog
from worker.feeds.feed import KEYS, Feed
from worker.fetch import printable_url
from worker.model import DateOrder, Near, OnChange, Scope
from worker.queries.feeds import list_feeds
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.sources.registry import require_feed
from worker.web.forms import form_action, get_text, get_texts
from worker.web.pages.feeds import choose_feeds, read_tags
from worker.web.responses import page, redirect, status_for

MAX_CHOSEN = 1_900
"""Feeds of one action: each is a field of the form that confirms it, which may have 2,000."""

CHOICES: dict[str, tuple[str, ...]] = {
    "full_text": ("false", "true"),
    "recheck": ("false", "true"),
    "strict": ("false", "true"),
    "naive_dates": ("trusted", "unreliable"),
    "date_order": ("", *DateOrder),
    "scope": tuple(Scope),
    "on_change": tuple(OnChange),
    "near": ("", *Near),
}
"""The values of keys that have few; the first is the default."""


@form_action
def confirm(request: Request, form: FormData) -> Response:
    """The feeds that are ticked, or all that pass the filters: their number, and what can be done
    with them."""
    view = list_feeds(request.app.state.settings, utc_now())
    if get_text(form, "which") == "matching":
        feeds = choose_feeds(view, dict(parse_qsl(get_text(form, "query", 2000))))
    else:
        names = set(get_texts(form, "feed"))
        feeds = [feed for feed in view.feeds if feed.name in names]
    if not feeds:
        return redirect("/feeds", done="unselected")
    fixed = sum(feed.configured for feed in feeds)
    return page(request, "feeds/bulk.html", feeds=feeds[:MAX_CHOSEN], total=len(feeds), fixed=fixed)


@form_action
def change_many(request: Request, form: FormData) -> Response:
    """Do one thing with the confirmed feeds. Those of the config file keep their tags and stay."""
    settings: Settings = request.app.state.settings
    names, what = get_texts(form, "feed"), get_text(form, "what")
    managed = load_catalog(settings).managed
    own = [name for name in names if name in managed]
    if what == "poll":
        actions.refresh(settings, names)
    elif what in ("pause", "resume"):
        for name in names:
            (pause if what == "pause" else resume)(settings, name)
    elif what in ("tag", "untag"):
        tags = read_tags(form)
        tag(settings, own, tags if what == "tag" else (), tags if what == "untag" else ())
    elif what == "remove":
        actions.remove(settings, own)
    else:
        raise HTTPException(404)
    return redirect("/feeds", done="changed")


def show_keys(request: Request) -> Response:
    feed = _feed(request)
    return _show(request, feed, _texts(feed))


@form_action
def save_keys(request: Request, form: FormData) -> Response:
    """Change the keys whose text differs from what the form showed."""
    feed = _feed(request)
    before = _texts(feed)
    texts = {key: get_text(form, key, 4200) for key in before}
    changes = [f"{key}={text}" for key, text in texts.items() if text != before[key]]
    if header := get_text(form, "header", 4200):
        changes.append(f"headers.{header}")
    try:
        edit(request.app.state.settings, feed.name, parse_changes(changes))
    except NewsdropError as error:
        return _show(request, feed, texts, error)
    return redirect(f"/feeds/{quote(feed.name, safe='')}", done="changed")


def _show(
    request: Request, feed: Feed, texts: dict[str, str], error: NewsdropError | None = None
) -> Response:
    return page(
        request,
        "feeds/edit.html",
        status=status_for(error) if error else 200,
        feed=feed,
        texts=texts,
        choices=CHOICES,
        error=str(error) if error else None,
    )


def _texts(feed: Feed) -> dict[str, str]:
    """Each key as the form shows it, the address without credentials."""
    keys = {key: getattr(feed, key) for key in KEYS if key not in ("name", "headers")}
    return {key: key_text(value) for key, value in {**keys, "url": printable_url(feed.url)}.items()}


def _feed(request: Request) -> Feed:
    catalog = load_catalog(request.app.state.settings)
    return catalog.feeds[require_feed(catalog, request.path_params["feed"])]


routes = [
    Route("/feeds/selected", confirm, methods=["POST"]),
    Route("/feeds/bulk", change_many, methods=["POST"]),
    Route("/feeds/{feed}/edit", show_keys),
    Route("/feeds/{feed}/edit", save_keys, methods=["POST"]),
]
