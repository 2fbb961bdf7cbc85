"""`/explain`: an article's key, what it matched, and when and from where that came.

A path is only looked for among what was taken: no file of this machine is opened for it.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.errors import UsageError
from worker.queries.explain import (
    ExplainResult,
    explain_address,
    explain_recorded_path,
    explain_title,
)
from worker.settings import Settings
from worker.sources.fetch_once import is_address
from worker.web.responses import page


def shown(request: Request) -> Response:
    asked = {
        name: request.query_params.get(name, "").strip()[:1000]
        for name in ("title", "date", "source", "place")
    }
    answer: ExplainResult | None = None
    why: str | None = None
    try:
        answer = _explained(request.app.state.settings, asked)
        if answer is not None and not answer.articles:
            why = "Nothing of that path was ever taken, as far as the archive goes back."
    except UsageError as error:
        why = str(error)
    return page(request, "explain.html", asked=asked, answer=answer, why=why)


def _explained(settings: Settings, asked: dict[str, str]) -> ExplainResult | None:
    if place := asked["place"]:
        return (explain_address if is_address(place) else explain_recorded_path)(settings, place)
    if asked["title"]:
        return explain_title(
            settings, asked["title"], asked["date"] or None, asked["source"] or None
        )
    return None


routes = [Route("/explain", shown)]
