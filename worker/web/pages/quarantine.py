"""`/quarantine`: refused inputs, the reasons, and what to do with them."""

from urllib.parse import parse_qsl

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions import quarantine as actions
from worker.errors import Reason, UsageError
from worker.queries.quarantine import FILTERS, list_quarantine, preview
from worker.readmodel.filters import Filters
from worker.settings import Settings
from worker.spool.quarantine import Quarantine
from worker.web.filtering import filter_query, write_query
from worker.web.forms import form_action
from worker.web.live import Regions, View, live_page
from worker.web.pages.jobs import redirect_to_retry
from worker.web.rendering import Pages
from worker.web.responses import page, raw_response, redirect

COUNT = 50


def _render_list(settings: Settings, pages: Pages, after: str, query: str) -> Regions:
    given, result, error = dict(parse_qsl(query)), None, None
    try:
        result = list_quarantine(settings, COUNT, after or None, *read_selection(given))
    except UsageError as failure:
        error = str(failure)
    html = pages.render("quarantine/list.html", result=result, given=given, error=error)
    return {"quarantine": html}


def read_selection(given: dict[str, str]) -> tuple[str | None, Filters]:
    """The reason and the filters in a query. Raises UsageError."""
    reason = given.get("reason")
    return reason, Filters(**{name: text for name, text in given.items() if name != "reason"})


async def show_list(request: Request) -> Response:
    after, query = _list_parameters(request)
    given = dict(parse_qsl(query))
    live = f"/live?{write_query(given, page='quarantine')}" if not after else None
    reasons = [("", "any"), *((each.value, each.value.replace("_", " ")) for each in Reason)]
    return await live_page(
        request, "quarantine", "quarantine.html", live=live, given=given, reasons=reasons
    )


def _list_parameters(request: Request) -> tuple[str, str]:
    return request.query_params.get("after", ""), filter_query(request, ("reason", *FILTERS))


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


views = {
    "quarantine": View(_render_list, _list_parameters),
}
routes = [
    Route("/quarantine", show_list),
    Route("/quarantine/{id}", show_refused),
    Route("/quarantine/{id}/raw", download),
    Route("/quarantine/{id}/retry", retry, methods=["POST"]),
    Route("/quarantine/{id}/discard", confirm_discard),
    Route("/quarantine/{id}/discard", discard, methods=["POST"]),
]
