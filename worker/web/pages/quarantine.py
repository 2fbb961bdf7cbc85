"""`/quarantine`: what was refused, why, and what to do with it."""

from collections.abc import Callable

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.quarantine import discard
from worker.actions.retry import retry
from worker.errors import Reason
from worker.queries.quarantine import list_quarantine, preview
from worker.settings import Settings
from worker.spool.quarantine import Quarantine
from worker.web.flash import done
from worker.web.forms import action
from worker.web.live import Regions, View
from worker.web.raw import raw_bytes
from worker.web.rendering import Pages
from worker.web.responses import page, see

COUNT = 50


def view(settings: Settings) -> View:
    """A page of what is refused, by what it begins after, and of which reason."""

    def view_of(request: Request) -> tuple[tuple[str, ...], Callable[[Pages], Regions]]:
        after = request.query_params.get("after") or None  # as its key has it
        reason = _reason(request)

        def made(pages: Pages) -> Regions:
            found = list_quarantine(settings, COUNT, after, reason=reason)
            html = pages.render("quarantine/list.html", found=found, reason=reason)
            return {"quarantine": html}

        return (after or "", reason or ""), made

    return view_of


async def shown_list(request: Request) -> Response:
    regions = await request.app.state.live.regions(request, "quarantine")
    return page(
        request,
        "quarantine.html",
        regions=regions,
        first="after" not in request.query_params,
        done=done(request),
        reasons=[reason.value for reason in Reason],
        reason=_reason(request),
    )


def shown(request: Request) -> Response:
    found = preview(request.app.state.settings, request.path_params["id"])
    return page(request, "refused.html", look=found, refused=found.refused)


def raw(request: Request) -> Response:
    """The bytes as they came."""
    return raw_bytes(request.app.state.settings, request.path_params["id"])


@action
def again(request: Request, _: FormData) -> Response:
    retried = retry(request.app.state.settings, [request.path_params["id"]])
    if not retried.files:
        return see("/quarantine", done="nothing")
    return see(f"/jobs/{retried.job}", done="retried")


def asked(request: Request) -> Response:
    """Whether it is really to be discarded."""
    refused = Quarantine(request.app.state.settings.state_dir).get(request.path_params["id"])
    return page(request, "discard.html", refused=refused)


@action
def gone(request: Request, _: FormData) -> Response:
    discard(request.app.state.settings, [request.path_params["id"]])
    return see("/quarantine", done="discarded")


def _reason(request: Request) -> str | None:
    said = request.query_params.get("reason", "")
    return said if said in list(Reason) else None


routes = [
    Route("/quarantine", shown_list),
    Route("/quarantine/{id}", shown),
    Route("/quarantine/{id}/raw", raw),
    Route("/quarantine/{id}/retry", again, methods=["POST"]),
    Route("/quarantine/{id}/discard", asked),
    Route("/quarantine/{id}/discard", gone, methods=["POST"]),
]
