"""`/api/v1/jobs`: jobs, newest first; one of them; what was refused of it retried."""

from starlette.responses import Response
from starlette.routing import Route

from worker.actions.retry import Retried, retry_job
from worker.queries import jobs as view
from worker.web.api.endpoint import changes, reads
from worker.web.api.request import Asked
from worker.web.api.responses import answer

_FURTHEST = 1_000_000


@reads("count", "cursor")
def listed(asked: Asked) -> Response:
    count, cursor = asked.count(), asked.number("cursor", 0, least=0, most=_FURTHEST)
    found = view.list_jobs(asked.settings, count + 1, cursor)
    more = cursor + count if len(found) > count else None
    return answer({"jobs": found[:count], "next": more})


@reads()
def one(asked: Asked) -> Response:
    return answer(view.get_job(asked.settings, asked.path["id"]))


@changes()
def retry(asked: Asked) -> Response:
    return accepted_again(retry_job(asked.settings, asked.path["id"]))


def accepted_again(retried: Retried) -> Response:
    """202 with the new job, where anything was accepted."""
    if not retried.files:
        return answer(retried)
    return answer(retried, 202, location=f"/api/v1/jobs/{retried.job}")


routes = [
    Route("/api/v1/jobs", listed, methods=["GET"]),
    Route("/api/v1/jobs/{id}", one, methods=["GET"]),
    Route("/api/v1/jobs/{id}/retry", retry, methods=["POST"]),
]
