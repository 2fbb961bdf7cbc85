"""`/api/v1/feeds` and `/api/v1/sources`: what is polled, and what is held."""

from dataclasses import asdict
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from worker.actions import feeds as acting
from worker.actions import pause as pausing
from worker.actions.feeds import AddedFeed, FeedSelection
from worker.feeds.feed import KEYS
from worker.queries import feeds as view
from worker.settings.clock import utc_now
from worker.sources.fetch_once import shown
from worker.web.api.endpoint import changes, reads
from worker.web.api.request import Asked
from worker.web.api.responses import answer, problem


@reads()
def listed(asked: Asked) -> Response:
    return answer(view.list_feeds(asked.settings, utc_now()))


@reads()
def one(asked: Asked) -> Response:
    return answer(view.list_feeds(asked.settings, utc_now()).named(asked.path["name"]))


@changes(*KEYS, "check")
def add(asked: Asked) -> Response:
    said: dict[str, Any] = {key: asked.body[key] for key in KEYS if asked.body.get(key) is not None}
    if "url" not in said:
        raise HTTPException(422, "`url` is the address of a feed, or of a page that names one.")
    added = acting.add(asked.settings, said, check=asked.flag("check", usual=True))
    if isinstance(added, AddedFeed):
        return answer(added, 201, location=f"/api/v1/feeds/{added.name}")
    choices = [{**asdict(one), "url": shown(one.url)} for one in added]
    return problem(
        422,
        "The page names several feeds, so none was added: add the one that is meant by its `url`.",
        feeds=choices,
    )


@changes()
def remove(asked: Asked) -> Response:
    done = acting.remove(asked.settings, [asked.path["name"]])
    return answer({"removed": done.feeds})


@changes("names", "all", "failing")
def refresh(asked: Asked) -> Response:
    return _chosen(
        acting.refresh(
            asked.settings,
            asked.texts("names"),
            every=asked.flag("all"),
            failing=asked.flag("failing"),
        )
    )


@changes("names", "all")
def reset_errors(asked: Asked) -> Response:
    return _chosen(
        acting.reset_errors(asked.settings, asked.texts("names"), every=asked.flag("all"))
    )


@changes()
def pause(asked: Asked) -> Response:
    name = asked.path["name"]
    pausing.pause(asked.settings, name)
    return answer({"source": name, "paused": True})


@changes()
def resume(asked: Asked) -> Response:
    name = asked.path["name"]
    pausing.resume(asked.settings, name)
    return answer({"source": name, "paused": False})


def _chosen(done: FeedSelection) -> Response:
    return answer({"feeds": done.feeds, "paused": done.paused})


routes = [
    Route("/api/v1/feeds", listed, methods=["GET"]),
    Route("/api/v1/feeds", add, methods=["POST"]),
    Route("/api/v1/feeds/refresh", refresh, methods=["POST"]),
    Route("/api/v1/feeds/reset-errors", reset_errors, methods=["POST"]),
    Route("/api/v1/feeds/{name}", one, methods=["GET"]),
    Route("/api/v1/feeds/{name}", remove, methods=["DELETE"]),
    Route("/api/v1/sources/{name}/pause", pause, methods=["POST"]),
    Route("/api/v1/sources/{name}/resume", resume, methods=["POST"]),
]
