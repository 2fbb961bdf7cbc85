"""`/api/v1/jobs` and `/api/v1/status`: jobs, newest first; the state of the whole service."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from worker.actions.quarantine import Retried, retry_job
from worker.queries import jobs as queries
from worker.queries.overview import get_overview
from worker.settings.clock import utc_now
from worker.web.api.endpoint import ApiRequest, Number, PageQuery, Parameters, change, get
from worker.web.responses import json_response


class JobsQuery(PageQuery):
    cursor: Annotated[Number, Field(le=1_000_000)] = 0


def list_jobs(request: ApiRequest[JobsQuery]) -> Response:
    count, cursor = request.parameters.count, request.parameters.cursor
    result = queries.list_jobs(request.settings, count + 1, cursor)
    following = cursor + count if len(result) > count else None
    return json_response({"jobs": result[:count], "next": following})


def show_job(request: ApiRequest[Parameters]) -> Response:
    return json_response(queries.get_job(request.settings, request.path["id"]))


def retry(request: ApiRequest[Parameters]) -> Response:
    return retry_response(retry_job(request.settings, request.path["id"]))


def retry_response(retried: Retried) -> Response:
    """202 with the new job, where anything was accepted."""
    if not retried.files:
        return json_response(retried)
    return json_response(retried, 202, location=f"/api/v1/jobs/{retried.job}")


def show_status(request: ApiRequest[Parameters]) -> Response:
    return json_response(get_overview(request.settings, utc_now()))


routes = [
    get("/jobs", list_jobs, JobsQuery),
    get("/jobs/{id}", show_job, Parameters),
    change("/jobs/{id}/retry", retry, Parameters),
    get("/status", show_status, Parameters),
]
