"""Answers that several handlers give: a page, a way to another page, what went wrong."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from worker.errors import NewsdropError
from worker.web.api.responses import problem as api_problem
from worker.web.rendering import Pages
from worker.web.security import HEADERS
from worker.web.statuses import status_for

API = "/api/"
PLAIN = ("/metrics", "/livez", "/readyz")
"""What programs ask: they are answered in JSON, and in plain text."""

TITLES = {
    400: "That cannot be done",
    401: "The token is needed",
    403: "Not from here",
    404: "Not here",
    405: "Not this way",
    408: "Too slow",
    409: "It is there already",
    413: "Too much at once",
    421: "Not by this name",
    422: "That cannot be done",
    500: "Something went wrong here",
    503: "Not now",
}


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A whole page out of a template."""
    pages: Pages = request.app.state.pages
    return HTMLResponse(pages.render(template, **_about(request), **context), status)


def see(address: str, **parameters: str) -> RedirectResponse:
    """After a change: the page that shows what became of it (303, so that a reload changes
    nothing). `parameters` are its query."""
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    return RedirectResponse(f"{address}?{query}" if query else address, 303)


def to_login(request: Request) -> RedirectResponse:
    """The way to the login, and from there back to what was asked."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return see("/login", next=asked) if asked != "/" else see("/login")


def local_path(text: str) -> str:
    """`text` where it is a path of ours, else the front page: no login leads to another site."""
    parts = urlsplit(text)
    plain = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if plain and not parts.scheme and not parts.netloc else "/"


def problem(request: Request, status: int, sentence: str) -> Response:
    """What went wrong, in the form that who asked can read."""
    path = request.url.path
    if path.startswith(API):
        return api_problem(status, sentence)
    if path in PLAIN:
        return Response(f"{sentence}\n", status, media_type="text/plain; charset=utf-8")
    pages: Pages | None = (
        getattr(request.app.state, "pages", None) if "app" in request.scope else None
    )
    title = TITLES.get(status) or HTTPStatus(status).phrase
    if pages is None:
        return Response(f"{title}\n{sentence}\n", status, media_type="text/plain; charset=utf-8")
    return HTMLResponse(
        pages.render("problem.html", **_about(request), title=title, sentence=sentence), status
    )


async def failed(request: Request, error: Exception) -> Response:
    """The answer to an error that was foreseen: a status, and its sentence."""
    if isinstance(error, HTTPException):
        known = {404: "There is no such page.", 405: "This address is not asked in that way."}
        sentence = error.detail
        if sentence == HTTPStatus(error.status_code).phrase:
            sentence = known.get(error.status_code, sentence)
        answer = problem(request, error.status_code, sentence)
        answer.headers.update(error.headers or {})
        return answer
    assert isinstance(error, NewsdropError)  # what it is registered for
    return problem(request, status_for(error), str(error))


async def broken(request: Request, error: Exception) -> Response:
    """The answer to a bug: nothing of it is told, the log has it."""
    answer = problem(request, 500, "The log of the status page (log/web.log) says what it was.")
    answer.headers.update(HEADERS)  # Starlette gives this answer outside of the gate
    return answer


def _about(request: Request) -> dict[str, Any]:
    return {"path": request.url.path, "protected": bool(request.app.state.guard.token)}
