"""`/jobs`: what each enqueue, scan, poll and retry brought, and what became of it."""

from collections.abc import Callable

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.retry import retry_job
from worker.queries.jobs import get_job, list_jobs
from worker.settings import Settings
from worker.web.flash import done
from worker.web.forms import action, number
from worker.web.live import Regions, View
from worker.web.rendering import Pages
from worker.web.responses import page, see

COUNT = 50
_FURTHEST = 1_000_000


def list_view(settings: Settings) -> View:
    """A page of the list, by how many jobs are before it."""

    def view(request: Request) -> tuple[tuple[str, ...], Callable[[Pages], Regions]]:
        before = _cursor(request)

        def made(pages: Pages) -> Regions:
            found = list_jobs(settings, COUNT, before)
            return {"jobs": pages.render("jobs/list.html", jobs=found, before=before, count=COUNT)}

        return (str(before),), made

    return view


def one_view(settings: Settings) -> View:
    """One job, by the `job` in the path or the query."""

    def view(request: Request) -> tuple[tuple[str, ...], Callable[[Pages], Regions]]:
        job_id = _job_id(request)

        def made(pages: Pages) -> Regions:
            found = get_job(settings, job_id)
            return {
                "job": pages.render("jobs/standing.html", job=found),
                "refused": pages.render(
                    "jobs/refused.html", job=found, most=settings.jobs.max_refused
                ),
            }

        return (job_id,), made

    return view


async def shown_list(request: Request) -> Response:
    regions = await request.app.state.live.regions(request, "jobs")
    return page(request, "jobs.html", regions=regions, first=not _cursor(request))


async def shown(request: Request) -> Response:
    regions = await request.app.state.live.regions(request, "job")
    return page(request, "job.html", regions=regions, id=_job_id(request), done=done(request))


@action
def retry(request: Request, _: FormData) -> Response:
    """Accept again all that is in quarantine of a job."""
    retried = retry_job(request.app.state.settings, request.path_params["job"])
    if not retried.files:
        return see(f"/jobs/{request.path_params['job']}", done="nothing")
    return see(f"/jobs/{retried.job}", done="retried")


def _cursor(request: Request) -> int:
    return min(number(request.query_params.get("after", ""), 8) or 0, _FURTHEST)


def _job_id(request: Request) -> str:
    found = request.path_params.get("job") or request.query_params.get("job", "")
    return str(found)[:200]


routes = [
    Route("/jobs", shown_list),
    Route("/jobs/{job}", shown),
    Route("/jobs/{job}/retry", retry, methods=["POST"]),
]
