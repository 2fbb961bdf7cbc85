"""`/quarantine`: refused inputs, the reasons, and what to do with them."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions import quarantine as actions
from worker.errors import Reason
from worker.queries.quarantine import list_quarantine, preview
from worker.settings import Settings
from worker.spool.quarantine import Quarantine
from worker.web.forms import form_action
from worker.web.live import Regions, View, live_page
from worker.web.pages.jobs import redirect_to_retry
from worker.web.rendering import Pages
from worker.web.responses import page, raw_response, redirect

COUNT = 50


def _render_list(settings: Settings, pages: Pages, after: str, reason: str) -> Regions:
    result = list_quarantine(settings, COUNT, after or None, reason=reason or None)
    html = pages.render("quarantine/list.html", result=result, reason=reason)
    return {"quarantine": html}


async def show_list(request: Request) -> Response:
    return await live_page(
        request,
        "quarantine",
        "quarantine.html",
        is_first="after" not in request.query_params,
        reasons=[reason.value for reason in Reason],
        reason=_reason(request),
    )


def show_refused(request: Request) -> Response:
    result = preview(request.app.state.settings, request.path_params["id"])
    return page(request, "refused.html", preview=result, refused=result.refused)


def download(request: Request) -> Response:
    return raw_response(request.app.state.settings, request.path_params["id"])


@form_action
def retry(request: Request, form: FormData) -> Response:
    accepts = bool(form.get("accept_warnings"))
    chosen = [request.path_params["id"]]
    retried = actions.retry(request.app.state.settings, chosen, accept_warnings=accepts)
    return redirect_to_retry(retried, "/quarantine")


def confirm_discard(request: Request) -> Response:
    refused = Quarantine(request.app.state.settings.state_dir).get(request.path_params["id"])
    return page(request, "discard.html", refused=refused)


@form_action
def discard(request: Request, _: FormData) -> Response:
    actions.discard(request.app.state.settings, [request.path_params["id"]])
    return redirect("/quarantine", done="discarded")


def _reason(request: Request) -> str:
    reason = request.query_params.get("reason", "")
    return reason if reason in list(Reason) else ""


views = {
    "quarantine": View(
        _render_list, lambda request: (request.query_params.get("after", ""), _reason(request))
    )
}
routes = [
    Route("/quarantine", show_list),
    Route("/quarantine/{id}", show_refused),
    Route("/quarantine/{id}/raw", download),
    Route("/quarantine/{id}/retry", retry, methods=["POST"]),
    Route("/quarantine/{id}/discard", confirm_discard),
    Route("/quarantine/{id}/discard", discard, methods=["POST"]),
]
