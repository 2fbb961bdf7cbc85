"""`/api/v1/feeds` and `/api/v1/sources`: feeds, their keys and their polls; pause and resume."""

from dataclasses import asdict
from typing import Annotated
from urllib.parse import quote

from pydantic import ConfigDict, Field
from starlette.responses import Response

from worker.actions import feed_edit
from worker.actions import feeds as actions
from worker.actions import pause as pausing
from worker.actions.feeds import AddedFeed, FeedSelection
from worker.queries.feeds import FeedsView
from worker.queries.feeds import list_feeds as list_all
from worker.settings.clock import utc_now
from worker.sources.fetch_once import display_name
from worker.web.api.endpoint import ApiRequest, Names, Parameters, change, get
from worker.web.responses import json_problem, json_response


class AddBody(Parameters):
    """The keys of a feed, which are checked where it is added, and `check`."""

    model_config = ConfigDict(extra="allow")

    url: str
    check: bool = True


class SelectionBody(Parameters):
    names: Names = Field(default=[])
    all: bool = False


class RefreshBody(SelectionBody):
    failing: bool = False


class EditBody(Parameters):
    """The keys to change; null is the default."""

    model_config = ConfigDict(extra="allow")


class TagBody(Parameters):
    names: Annotated[Names, Field(min_length=1)]
    add: Names = Field(default=[])
    remove: Names = Field(default=[])


def list_feeds(request: ApiRequest[Parameters]) -> FeedsView:
    return list_all(request.settings, utc_now())


def add(request: ApiRequest[AddBody]) -> Response:
    keys = request.parameters.model_dump(exclude={"check"}, exclude_none=True)
    added = actions.add(request.settings, keys, check=request.parameters.check)
    if isinstance(added, AddedFeed):
        return json_response(added, 201, location=f"/api/v1/feeds/{quote(added.name)}")
    return json_problem(
        422,
        "The page names several feeds, so none was added: send the `url` of one of them.",
        feeds=[{**asdict(feed), "url": display_name(feed.url)} for feed in added],
    )


def remove(request: ApiRequest[Parameters]) -> object:
    return {"removed": actions.remove(request.settings, [request.path["name"]]).feeds}


def edit(request: ApiRequest[EditBody]) -> object:
    keys = request.parameters.model_dump()
    return feed_edit.visible_keys(feed_edit.edit(request.settings, request.path["name"], keys))


def tag(request: ApiRequest[TagBody]) -> object:
    body = request.parameters
    return {"feeds": feed_edit.tag(request.settings, body.names, body.add, body.remove)}


def refresh(request: ApiRequest[RefreshBody]) -> object:
    body = request.parameters
    return _counts(
        actions.refresh(request.settings, body.names, every=body.all, failing=body.failing)
    )


def reset_errors(request: ApiRequest[SelectionBody]) -> object:
    body = request.parameters
    return _counts(actions.reset_errors(request.settings, body.names, every=body.all))


def _counts(selection: FeedSelection) -> object:
    return {"feeds": selection.feeds, "paused": selection.paused}


def pause(request: ApiRequest[Parameters]) -> object:
    pausing.pause(request.settings, request.path["name"])
    return {"source": request.path["name"], "paused": True}


def resume(request: ApiRequest[Parameters]) -> object:
    pausing.resume(request.settings, request.path["name"])
    return {"source": request.path["name"], "paused": False}


routes = [
    get("/feeds", list_feeds, Parameters),
    change("/feeds", add, AddBody),
    change("/feeds/refresh", refresh, RefreshBody),
    change("/feeds/reset-errors", reset_errors, SelectionBody),
    change("/feeds/tag", tag, TagBody),
    get("/feeds/{name}", lambda r: list_feeds(r).named(r.path["name"]), Parameters),
    change("/feeds/{name}", edit, EditBody, "PATCH"),
    change("/feeds/{name}", remove, Parameters, "DELETE"),
    change("/sources/{name}/pause", pause, Parameters),
    change("/sources/{name}/resume", resume, Parameters),
]
