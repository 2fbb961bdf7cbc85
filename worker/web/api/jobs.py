"""`/api/v1/jobs` and `/api/v1/status`: jobs, newest first; the state of the whole service."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from worker.actions.backfill import pause_job
from worker.actions.quarantine import RetryResult, retry_job
from worker.queries import jobs as queries
from worker.queries.status.overview import get_overview
from worker.readmodel.filters import Filters
from worker.settings.clock import utc_now
from worker.web.api.endpoint import ApiRequest, Number, PageQuery, Parameters, Text, change, get
from worker.web.responses import json_response


class JobsQuery(PageQuery):
    cursor: Annotated[Number, Field(le=1_000_000)] = 0
    q: Text | None = None
    source: Text | None = None
    date: Text | None = None
    outcome: Text | None = None


def list_jobs(request: ApiRequest[JobsQuery]) -> object:
    query = request.parameters
    filters = Filters(**query.model_dump(include=set(queries.FILTERS)))
    jobs, following = queries.find_jobs(request.settings, filters, query.count, query.cursor)
    return {"jobs": jobs, "next": following}


def retry_response(retried: RetryResult) -> Response:
    """202 with the new job, where anything was accepted."""
    if not retried.files:
        return json_response(retried)
    return json_response(retried, 202, location=f"/api/v1/jobs/{retried.job}")


def set_paused(request: ApiRequest[Parameters], *, is_paused: bool) -> object:
    pause_job(request.settings, request.path["id"], is_paused=is_paused)
    return queries.get_job(request.settings, request.path["id"])


routes = [
    get("/jobs", list_jobs, JobsQuery),
    get("/jobs/{id}", lambda r: queries.get_job(r.settings, r.path["id"]), Parameters),
    change(
        "/jobs/{id}/retry",
        lambda r: retry_response(retry_job(r.settings, r.path["id"])),
        Parameters,
    ),
    change("/jobs/{id}/pause", lambda r: set_paused(r, is_paused=True), Parameters),
    change("/jobs/{id}/resume", lambda r: set_paused(r, is_paused=False), Parameters),
    get("/status", lambda r: get_overview(r.settings, utc_now()), Parameters),
]
