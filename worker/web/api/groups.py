"""`/api/v1/groups`: consumer groups, their pending entries and their dead letters."""

from dataclasses import asdict
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.responses import Response

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
from worker.settings.clock import utc_now
from worker.store.factory import group_store
from worker.store.groups.store import GroupStore
from worker.web.api.endpoint import ApiRequest, Names, PageQuery, Parameters, Text, change, get
from worker.web.filtering import name_in_path, path_name
from worker.web.responses import json_response

GroupName = Annotated[str, Field(min_length=1, max_length=200)]


class CreateBody(Parameters):
    group: GroupName
    start: Text | None = None
    since: Text | None = None


class ResetBody(Parameters):
    to: Text


class PendingQuery(PageQuery):
    consumer: Text | None = None


class PendingBody(Parameters):
    change: Annotated[PendingChange, Field(strict=False)]
    ids: Names = Field(default=[])
    consumer: Text | None = None
    to: Text | None = None


class DeadLettersQuery(PageQuery):
    after: Text | None = None


class DeadLettersBody(Parameters):
    change: Literal["retry", "discard"]
    ids: Names = Field(default=[])
    all: bool = False


def _open(request: ApiRequest[Any]) -> tuple[GroupStore, str]:
    return group_store(request.settings), name_in_path(request.path.get("group", ""))


def list_groups(request: ApiRequest[Parameters]) -> object:
    return {"groups": _open(request)[0].list_groups()}


def create(request: ApiRequest[CreateBody]) -> Response:
    body = request.parameters
    store, _ = _open(request)
    if body.since is None:
        store.create(body.group, parse_position(body.start or "0"))
    elif body.start is None:
        now = utc_now()
        create_group(request.settings, body.group, parse_moment(body.since, now), now)
    else:
        raise UsageError("a group has one beginning: give either start or since")
    location = f"/api/v1/groups/{path_name(body.group)}"
    return json_response(store.get_group(body.group), 201, location=location)


def show(request: ApiRequest[Parameters]) -> object:
    store, group = _open(request)
    return store.get_group(group)


def reset(request: ApiRequest[ResetBody]) -> object:
    store, group = _open(request)
    store.reset(group, parse_position(request.parameters.to))
    return store.get_group(group)


def delete(request: ApiRequest[Parameters]) -> object:
    store, group = _open(request)
    return {"group": group, "pending": store.delete(group)}


def remove_consumer(request: ApiRequest[Parameters]) -> object:
    store, group = _open(request)
    store.remove_consumer(group, name_in_path(request.path["consumer"]))
    return store.get_group(group)


def list_pending(request: ApiRequest[PendingQuery]) -> object:
    store, group = _open(request)
    query = request.parameters
    return {"pending": store.list_pending(group, query.count, query.consumer)}


def change_entries(request: ApiRequest[PendingBody]) -> object:
    store, group = _open(request)
    body = request.parameters
    entries = choose_pending(store, group, body.ids, body.consumer)
    return {"changed": change_pending(store, group, body.change, entries, body.to)}


def list_dead_letters(request: ApiRequest[DeadLettersQuery]) -> object:
    store, group = _open(request)
    query = request.parameters
    after = f"({parse_position(query.after)}" if query.after else "-"
    documents = [asdict(one) for one in islice(store.dead_letters(group, after), query.count + 1)]
    for letter in documents:
        letter["data"] = letter["data"].decode("utf-8", "replace")
    page = documents[: query.count]
    following = page[-1]["letter_id"] if len(documents) > len(page) else None
    return {"dead_letters": page, "next": following}


def change_dead_letters(request: ApiRequest[DeadLettersBody]) -> object:
    store, group = _open(request)
    body = request.parameters
    dead_letters = choose_dead_letters(store, group, body.ids, every=body.all)
    if body.change == "discard":
        return {"changed": store.discard(group, dead_letters), "trimmed": 0}
    trimmed = len(store.requeue(group, dead_letters))
    return {"changed": len(dead_letters) - trimmed, "trimmed": trimmed}


_GROUP = "/groups/{group:path}"
routes = [
    get("/groups", list_groups, Parameters),
    change("/groups", create, CreateBody),
    get(f"{_GROUP}/pending", list_pending, PendingQuery),
    change(f"{_GROUP}/pending", change_entries, PendingBody),
    change(f"{_GROUP}/consumers/{{consumer:path}}", remove_consumer, Parameters, "DELETE"),
    get(f"{_GROUP}/dead-letters", list_dead_letters, DeadLettersQuery),
    change(f"{_GROUP}/dead-letters", change_dead_letters, DeadLettersBody),
    change(f"{_GROUP}/reset", reset, ResetBody),
    get(_GROUP, show, Parameters),
    change(_GROUP, delete, Parameters, "DELETE"),
]
