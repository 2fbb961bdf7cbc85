"""`/quarantine`: refused inputs, the reasons, and what to do with them."""

from collections import Counter
from urllib.parse import parse_qsl

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions import quarantine as actions
from worker.errors import Reason, UsageError
from worker.escape import printable
from worker.queries.quarantine import (
    FILTERS,
    MAX_MATCHING,
    find_later_successes,
    find_matching,
    list_quarantine,
    preview,
)
from worker.readmodel.filters import Filters
from worker.settings import Settings
from worker.spool.quarantine import DISCARDED, QUARANTINE, Quarantine, QuarantineItem
from worker.web.filtering import filter_query, write_query
from worker.web.filters import words
from worker.web.forms import form_action, get_text, get_texts
from worker.web.live import Regions, View, live_page
from worker.web.pages.jobs import redirect_to_retry
from worker.web.rendering import Pages
from worker.web.responses import page, raw_response, redirect

COUNT = 50


def _render_list(settings: Settings, pages: Pages, after: str, query: str) -> Regions:
    filters, result, error = dict(parse_qsl(query)), None, None
    try:
        selection, folder = read_selection(filters)
        result = list_quarantine(settings, COUNT, after or None, *selection, folder=folder)
    except UsageError as failure:
        error = str(failure)
    html = pages.render("quarantine/list.html", result=result, filters=filters, error=error)
    return {"quarantine": html}


def read_selection(query: dict[str, str]) -> tuple[tuple[str | None, Filters], str]:
    """The reason, the filters and the folder in a query. Raises UsageError."""
    for name, values in (("reason", set(Reason)), ("state", {QUARANTINE, DISCARDED})):
        if name in query and query[name] not in values:
            raise UsageError(
                f"no refused input can pass the filter {name}={printable(query[name], 40)}: "
                "choose another value"
            )
    filters = Filters(**{name: text for name, text in query.items() if name in FILTERS})
    folder = DISCARDED if query.get("state") == DISCARDED else QUARANTINE
    return (query.get("reason"), filters), folder


async def show_list(request: Request) -> Response:
    after, query = _list_parameters(request)
    filters = dict(parse_qsl(query))
    live = f"/live?{write_query(filters, page='quarantine')}" if not after else None
    reasons = [("", words("any")), *((each.value, words(each.value)) for each in Reason)]
    days = request.app.state.settings.quarantine.discarded_days
    return await live_page(
        request,
        "quarantine",
        "quarantine.html",
        live=live,
        filters=filters,
        reasons=reasons,
        days=days,
    )


def _list_parameters(request: Request) -> tuple[str, str]:
    names = ("state", "reason", *FILTERS)
    return request.query_params.get("after", ""), filter_query(request, names)


def confirm_matching(request: Request) -> Response:
    """How many inputs pass the filters, by reason, before all of them are changed."""
    _, query = _list_parameters(request)
    filters = dict(parse_qsl(query))
    selection, folder = read_selection(filters)
    items = find_matching(request.app.state.settings, *selection, folder=folder)
    return _confirm(request, items, filters)


@form_action
def change_matching(request: Request, form: FormData) -> Response:
    """Change what passed the filters when it was counted, and nothing newer."""
    filters = dict(parse_qsl(get_text(form, "query", 4000)))
    until = get_text(form, "until") or None
    selection, folder = read_selection(filters)
    items = find_matching(request.app.state.settings, *selection, folder=folder, until=until)
    return _change(request, form, [item.id for item in items])


@form_action
def change_selected(request: Request, form: FormData) -> Response:
    """Retry or restore what is ticked; before it is discarded a page shows the count."""
    ids = get_texts(form, "id")
    if not ids:
        return redirect("/quarantine", done="unselected")
    if get_text(form, "what") == "ask":
        quarantine = Quarantine(request.app.state.settings.state_dir)
        return _confirm(request, tuple(map(quarantine.get, ids)), None)
    return _change(request, form, ids)


def _confirm(
    request: Request, items: tuple[QuarantineItem, ...], filters: dict[str, str] | None
) -> Response:
    """`filters` is None where the inputs were ticked."""
    counts = Counter(item.reason.value for item in items).most_common()
    is_cut = len(items) == MAX_MATCHING
    days = request.app.state.settings.quarantine.discarded_days
    context = {"items": items, "filters": filters, "counts": counts, "is_cut": is_cut, "days": days}
    return page(request, "bulk.html", **context)


def _change(request: Request, form: FormData, ids: list[str]) -> Response:
    settings: Settings = request.app.state.settings
    if not ids:
        return redirect("/quarantine", done="nothing")
    if get_text(form, "what") == "discard":
        actions.discard(settings, ids)
        return redirect("/quarantine", done="discarded")
    if get_text(form, "what") == "restore":
        actions.restore(settings, ids)
        return redirect("/quarantine", done="restored")
    return redirect_to_retry(actions.retry(settings, ids), "/quarantine")


def show_refused(request: Request) -> Response:
    settings = request.app.state.settings
    result = preview(settings, request.path_params["id"])
    later = find_later_successes(settings, [result.refused]).get(result.refused.id)
    return page(request, "refused.html", preview=result, refused=result.refused, later=later)


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
    days = request.app.state.settings.quarantine.discarded_days
    return page(request, "discard.html", refused=refused, days=days)


@form_action
def discard(request: Request, _: FormData) -> Response:
    actions.discard(request.app.state.settings, [request.path_params["id"]])
    return redirect("/quarantine", done="discarded")


views = {"quarantine": View(_render_list, _list_parameters)}
routes = [
    Route("/quarantine", show_list),
    Route("/quarantine/matching", confirm_matching),
    Route("/quarantine/matching", change_matching, methods=["POST"]),
    Route("/quarantine/selected", change_selected, methods=["POST"]),
    Route("/quarantine/{id}", show_refused),
    Route("/quarantine/{id}/raw", download),
    Route("/quarantine/{id}/retry", retry, methods=["POST"]),
    Route("/quarantine/{id}/discard", confirm_discard),
    Route("/quarantine/{id}/discard", discard, methods=["POST"]),
]
