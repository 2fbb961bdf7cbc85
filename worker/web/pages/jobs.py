"""`/jobs`: what each enqueue, scan, poll and retry brought in, and the results."""

from urllib.parse import parse_qsl

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.backfill import pause_job
from worker.actions.quarantine import RetryResult, retry_job
from worker.errors import UsageError
from worker.queries.jobs import FILTERS, JobView, find_jobs, get_job, group_refused
from worker.readmodel.filters import Filters
from worker.settings import Settings
from worker.web.filtering import filter_query, write_query
from worker.web.forms import form_action, parse_number
from worker.web.live import Regions, View, get_name, live_page
from worker.web.rendering import Pages
from worker.web.responses import redirect

COUNT = 50
_MAX_START = 1_000_000


def _render_list(settings: Settings, pages: Pages, start: str, query: str) -> Regions:
    filters, error = dict(parse_qsl(query)), None
    jobs: tuple[JobView, ...] = ()
    following = None
    try:
        jobs, following = find_jobs(settings, Filters(**filters), COUNT, int(start))
    except UsageError as failure:
        error = str(failure)
    html = pages.render(
        "jobs/list.html", jobs=jobs, next=following, start=int(start), filters=filters, error=error
    )
    return {"jobs": html}


def _render_job(settings: Settings, pages: Pages, job_id: str) -> Regions:
    result = get_job(settings, job_id)
    most = settings.jobs.max_refused
    return {
        "job": pages.render("jobs/progress.html", job=result),
        "refused": pages.render(
            "jobs/refused.html", job=result, groups=group_refused(result.refused), most=most
        ),
    }


async def show_list(request: Request) -> Response:
    start, query = _list_parameters(request)
    filters = dict(parse_qsl(query))
    live = f"/live?{write_query(filters, page='jobs')}" if start == "0" else None
    return await live_page(request, "jobs", "jobs.html", live=live, filters=filters)


async def show_job(request: Request) -> Response:
    return await live_page(request, "job", "job.html", id=get_name(request, "job"))


@form_action
def retry(request: Request, _: FormData) -> Response:
    """Accept all quarantined inputs of a job again."""
    job_id = request.path_params["job"]
    retried = retry_job(request.app.state.settings, job_id)
    return redirect_to_retry(retried, f"/jobs/{job_id}")


@form_action
def change(request: Request, _: FormData) -> Response:
    """Pause a back-fill, or resume it."""
    job_id, what = request.path_params["job"], request.path_params["what"]
    if what not in ("pause", "resume"):
        raise HTTPException(404)
    pause_job(request.app.state.settings, job_id, is_paused=what == "pause")
    return redirect(f"/jobs/{job_id}", done=f"{what}d")


def redirect_to_retry(retried: RetryResult, origin: str) -> Response:
    """To the new job; back to `origin` where nothing was left to retry."""
    if not retried.files:
        return redirect(origin, done="nothing")
    return redirect(f"/jobs/{retried.job}", done="retried")


def _list_parameters(request: Request) -> tuple[str, str]:
    start = min(parse_number(request.query_params.get("cursor", ""), 8) or 0, _MAX_START)
    return str(start), filter_query(request, FILTERS)


views = {
    "jobs": View(_render_list, _list_parameters),
    "job": View(_render_job, lambda request: (get_name(request, "job"),)),
}
routes = [
    Route("/jobs", show_list),
    Route("/jobs/{job}", show_job),
    Route("/jobs/{job}/retry", retry, methods=["POST"]),
    Route("/jobs/{job}/{what}", change, methods=["POST"]),
]
