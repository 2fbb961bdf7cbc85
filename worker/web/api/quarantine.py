"""`/api/v1/quarantine`: refused inputs with their reasons and bytes; retry, discard and restore."""

from typing import Annotated, Literal

from pydantic import Field
from starlette.responses import Response

from worker.actions.quarantine import discard as discard_ids
from worker.actions.quarantine import restore as restore_ids
from worker.actions.quarantine import retry as retry_ids
from worker.errors import Reason
from worker.queries import quarantine as queries
from worker.readmodel.filters import Filters
from worker.spool.quarantine import QUARANTINE
from worker.web.api.endpoint import ApiRequest, Names, PageQuery, Parameters, Text, change, get
from worker.web.api.jobs import retry_response
from worker.web.responses import raw_response


class QuarantineQuery(PageQuery):
    after: Text | None = None
    reason: Annotated[Reason | None, Field(strict=False)] = None
    q: Text | None = None
    source: Text | None = None
    feed: Text | None = None
    job: Text | None = None
    date: Text | None = None
    state: Literal["quarantine", "discarded"] = QUARANTINE


class IdsBody(Parameters):
    ids: Annotated[Names, Field(min_length=1)]


class RetryBody(IdsBody):
    accept_warnings: bool = False


def list_refused(request: ApiRequest[QuarantineQuery]) -> object:
    query = request.parameters
    filters = Filters(**query.model_dump(include=set(queries.FILTERS)))
    selection = (query.count, query.after, query.reason, filters)
    return queries.list_quarantine(request.settings, *selection, folder=query.state)


def retry(request: ApiRequest[RetryBody]) -> Response:
    body = request.parameters
    retried = retry_ids(request.settings, body.ids, accept_warnings=body.accept_warnings)
    return retry_response(retried)


def discard(request: ApiRequest[IdsBody]) -> object:
    return {"discarded": discard_ids(request.settings, request.parameters.ids)}


def restore(request: ApiRequest[IdsBody]) -> object:
    return {"restored": restore_ids(request.settings, request.parameters.ids)}


routes = [
    get("/quarantine", list_refused, QuarantineQuery),
    change("/quarantine/retry", retry, RetryBody),
    change("/quarantine/discard", discard, IdsBody),
    change("/quarantine/restore", restore, IdsBody),
    get("/quarantine/{id}", lambda r: queries.preview(r.settings, r.path["id"]), Parameters),
    get("/quarantine/{id}/raw", lambda r: raw_response(r.settings, r.path["id"]), Parameters),
]
