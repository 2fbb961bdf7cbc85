"""`/api/v1/reparse`: the archive read again with the present rules, in the background."""

from typing import Any

from starlette.responses import Response

from worker.actions.reparse import cancel_reparse, order_reparse
from worker.pipeline.reparse.background import read_order
from worker.settings.clock import utc_now
from worker.web.api.endpoint import ApiRequest, Parameters, Text, change, get
from worker.web.responses import json_response


class ReparseBody(Parameters):
    source: Text = ""
    since: Text = ""
    publish: bool = False


def show(request: ApiRequest[Parameters]) -> dict[str, Any]:
    order, run = read_order(request.settings.state_dir)
    return {"order": order, "run": run}


def start(request: ApiRequest[ReparseBody]) -> Response:
    body = request.parameters
    order = order_reparse(
        request.settings, body.source, body.since, utc_now(), publish=body.publish
    )
    return json_response({"order": order, "run": None}, 202, location="/api/v1/reparse")


def cancel(request: ApiRequest[Parameters]) -> dict[str, Any]:
    cancel_reparse(request.settings)
    return {"order": None, "run": None}


routes = [
    get("/reparse", show, Parameters),
    change("/reparse", start, ReparseBody),
    change("/reparse", cancel, Parameters, "DELETE"),
]
