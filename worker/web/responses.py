"""Answers that several handlers give: pages, redirects, JSON, raw bytes, and errors.

Errors are problems as RFC 9457 has them for the API, plain text for monitors, pages for people.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import quote, urlencode, urlsplit

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from worker import translation
from worker.errors import (
    AlreadyThere,
    ConfigError,
    FetchFailed,
    NewsdropError,
    NotThere,
    Rejected,
    Retryable,
    UsageError,
)
from worker.escape import safe_json
from worker.queries.article import read_raw
from worker.settings import Settings
from worker.spool.quarantine import Quarantine
from worker.translation import mark
from worker.web.rendering import Pages
from worker.web.security import HEADERS
from worker.web.zones import ZONES, chosen_zone

API = "/api/"
PLAIN = ("/metrics", "/livez", "/readyz")
"""Programs read these, not people."""

RETRY_SECONDS = 5
"""The `Retry-After` of a 503: the cause may end at any time."""

_BYTES = "application/octet-stream"
_RAW_CHUNK = 256 * 1024

_STATUSES: tuple[tuple[type[NewsdropError], int], ...] = (
    (NotThere, 404),
    (AlreadyThere, 409),
    (UsageError, 422),
    (Rejected, 422),
    (FetchFailed, 502),
    (Retryable, 503),
    (ConfigError, 500),
)
"""The first that fits."""

_DONE = {
    "retried": mark("Accepted again. This page shows the result."),
    "nothing": mark("Nothing left to retry: it was already retried or discarded."),
    "discarded": mark("Discarded. It can be restored from the list of discarded inputs."),
    "restored": mark("Restored: it is in quarantine again."),
    "polled": mark("Polling now; new articles appear within seconds."),
    "held": mark("The feed is paused: it is polled when you resume it."),
    "reset": mark("Errors cleared; polling now."),
    "paused": mark("Paused: newsdrop takes nothing more from it."),
    "resumed": mark("Resumed."),
    "added": mark("Added; polling now."),
    "created": mark("The group was created."),
    "changed": mark("Done."),
    "trimmed": mark("Some records are no longer in the stream; they stay here."),
    "deleted": mark("The group was deleted."),
    "unselected": mark("Nothing was selected: tick what you mean first."),
    "removed": mark("Removed: it is no longer polled. Its articles stay."),
}
"""What a page says about the change that led to it: the address holds the name, not the text."""


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A whole page out of a template."""
    pages: Pages = request.app.state.pages
    done = _DONE.get(request.query_params.get("done", ""))
    html = pages.render(
        template,
        path=own_path(request),
        protected=bool(request.app.state.guard.token),
        done=translation.message(done) if done else None,
        html_language=translation.HTML_CODES[translation.current_language()],
        languages=list(_language_links(request)),
        zone=chosen_zone(request),
        zone_links=_links(request, "zone", ZONES),
        zone_parameters=_other_parameters(request, "zone"),
        script_words=pages.script_words(),
        **context,
    )
    return HTMLResponse(html, status)


def own_path(request: Request) -> str:
    """The path of a request as addresses have it: Starlette leaves control characters and `%`."""
    return quote(request.scope["path"])


def _language_links(request: Request) -> Iterator[tuple[str, str, str]]:
    """(BCP 47 code, name, address of this page in it)."""
    addresses = _links(request, "lang", translation.LANGUAGES)
    for code, name in translation.LANGUAGES.items():
        yield translation.HTML_CODES[code], name, addresses[code]


def _links(request: Request, parameter: str, values: Iterable[str]) -> dict[str, str]:
    """The address of this page with each value of a parameter."""
    path, others = own_path(request), _other_parameters(request, parameter)
    return {it: f"{path}?{urlencode([*others, (parameter, it)])}" for it in values}


def _other_parameters(request: Request, parameter: str) -> list[tuple[str, str]]:
    """The other parameters of the address, as a link to the same page has them."""
    return [it for it in request.query_params.multi_items() if it[0] not in (parameter, "done")]


def redirect(address: str, **parameters: str) -> RedirectResponse:
    """After a change: the page that shows its result (303, so that a reload changes nothing).
    `parameters` are its query."""
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    return RedirectResponse(f"{address}?{query}" if query else address, 303)


def login_redirect(request: Request) -> RedirectResponse:
    """To the login, and from there back to this request's address."""
    target = own_path(request) + (f"?{request.url.query}" if request.url.query else "")
    return redirect("/login", next=target) if target != "/" else redirect("/login")


def local_path(text: str) -> str:
    """`text` where it is a path of ours, else the front page: no login leads to another site."""
    parts = urlsplit(text)
    plain = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if plain and not parts.scheme and not parts.netloc else "/"


def json_response(value: Any, status: int = 200, **headers: str) -> Response:
    """`value` (frozen dataclasses, or what JSON has) as JSON that is safe on a terminal, too."""
    return Response(_json(value), status, headers=headers, media_type="application/json")


def json_problem(status: int, detail: str, **more: Any) -> Response:
    """A problem, and what to do: `application/problem+json`."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    headers = {"retry-after": str(RETRY_SECONDS)} if status == 503 else {}
    return Response(_json(body), status, headers, media_type="application/problem+json")


def raw_response(settings: Settings, refused_id: str) -> Response:
    """The bytes of a refused input as a download, which no browser takes for a page of ours.

    Raises NotThere, SpoolUnavailable.
    """
    quarantine = Quarantine(settings.state_dir)
    path = quarantine.get(refused_id).path
    file = quarantine.open_raw(refused_id)
    length = {"content-length": str(os.fstat(file.fileno()).st_size)}
    headers = {**_download_headers(f"{refused_id}.raw", path), **length}
    return StreamingResponse(_chunks(file), media_type=_BYTES, headers=headers)


def raw_file_response(settings: Settings, article_id: str, batch: str, entry: str) -> Response:
    """The bytes of an article's file, from the archive, as a download. Raises NotThere."""
    path, data = read_raw(settings, article_id, batch, entry)
    headers = _download_headers(f"{batch}-{entry}.raw", path)
    return Response(data, media_type=_BYTES, headers=headers)


def _download_headers(plain_name: str, path: str) -> dict[str, str]:
    """Headers of bytes from outside; the file gets the last name of `path`."""
    name = quote(path.replace("\\", "/").rsplit("/", 1)[-1] or "raw", safe="")
    return {
        "content-disposition": f"attachment; filename=\"{plain_name}\"; filename*=UTF-8''{name}",
        "content-security-policy": "sandbox; default-src 'none'",
    }


def problem(request: Request, status: int, detail: str, **more: Any) -> Response:
    """A problem, in the form that this client can read."""
    path = request.url.path
    if path.startswith(API):
        return json_problem(status, detail, **more)
    if path in PLAIN:
        return Response(f"{detail}\n", status, media_type="text/plain; charset=utf-8")
    return page(
        request,
        "problem.html",
        status=status,
        title=translation.message(HTTPStatus(status).phrase.capitalize()),
        detail=detail,
    )


async def on_error(request: Request, error: Exception) -> Response:
    """The answer to an expected error: its status and its sentence."""
    if isinstance(error, NewsdropError):
        more: dict[str, str] = {}
        if isinstance(error, Rejected):
            more["reason"] = error.reason
        elif isinstance(error, FetchFailed):
            more["trouble"] = error.trouble
        return problem(request, status_for(error), str(error), **more)
    if isinstance(error, ClientDisconnect):
        return problem(request, 400, "The request ended early.")  # nobody reads it
    assert isinstance(error, HTTPException)  # registered for nothing else
    detail = error.detail
    if detail == HTTPStatus(error.status_code).phrase:
        defaults = {
            404: mark("This page does not exist."),
            405: mark("Use another method at this address."),
        }
        detail = defaults.get(error.status_code, detail)
    response = problem(request, error.status_code, detail)
    response.headers.update(error.headers or {})
    return response


async def on_bug(request: Request, error: Exception) -> Response:
    """The answer to a bug, without details: they are in the log."""
    response = problem(request, 500, "See the log of the status page (log/web.log).")
    response.headers.update(HEADERS)  # Starlette gives this answer outside of the gate
    return response


def status_for(error: NewsdropError) -> int:
    """422 for a wrong request, 502 and 503 for what may get well by itself."""
    if isinstance(error, FetchFailed) and error.refused:
        return 422  # our own settings forbid the address
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def _json(value: Any) -> bytes:
    return safe_json(orjson.dumps(value).decode()).encode() + b"\n"


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with closing(file):
        while chunk := file.read(_RAW_CHUNK):
            yield chunk
