"""`/api/v1/quarantine`: refused inputs with their reasons and bytes; retry and discard."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.quarantine import discard as discard_ids
from worker.actions.quarantine import retry as retry_ids
from worker.errors import Reason
from worker.queries import quarantine as queries
from worker.web.api.endpoint import (
    ApiRequest,
    Names,
    PageQuery,
    Parameters,
    Text,
    changes,
    reads,
)
from worker.web.api.jobs import retry_response
from worker.web.responses import json_response, raw_response


class QuarantineQuery(PageQuery):
    after: Text | None = None
    reason: Annotated[Reason | None, Field(strict=False)] = None
    source: Text | None = None


class IdsBody(Parameters):
    ids: Annotated[Names, Field(min_length=1)]


@reads(QuarantineQuery)
def list_refused(request: ApiRequest[QuarantineQuery]) -> Response:
    query = request.parameters
    return json_response(
        queries.list_quarantine(
            request.settings, query.count, query.after, query.reason, query.source
        )
    )


@reads(Parameters)
def show_refused(request: ApiRequest[Parameters]) -> Response:
    return json_response(queries.preview(request.settings, request.path["id"]))


@reads(Parameters)
def download(request: ApiRequest[Parameters]) -> Response:
    return raw_response(request.settings, request.path["id"])


@changes(IdsBody)
def retry(request: ApiRequest[IdsBody]) -> Response:
    return retry_response(retry_ids(request.settings, request.parameters.ids))


@changes(IdsBody)
def discard(request: ApiRequest[IdsBody]) -> Response:
    return json_response({"discarded": discard_ids(request.settings, request.parameters.ids)})


routes = [
    Route("/api/v1/quarantine", list_refused, methods=["GET"]),
    Route("/api/v1/quarantine/retry", retry, methods=["POST"]),
    Route("/api/v1/quarantine/discard", discard, methods=["POST"]),
    Route("/api/v1/quarantine/{id}", show_refused, methods=["GET"]),
    Route("/api/v1/quarantine/{id}/raw", download, methods=["GET"]),
]
