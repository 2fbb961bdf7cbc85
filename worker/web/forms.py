"""What forms send: read within bounds, believed only with the form token of one of our pages."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from worker.web.security import Guard

TOKEN_FIELD = "form_token"  # noqa: S105  # a name
TOO_OLD = (
    "This form is too old, or no page of this address sent it; nothing was done. Go back, reload "
    "the page, and send it again."
)
_FIELDS = 2000

Act = Callable[[Request, FormData], Response]


def action(act: Act) -> Callable[[Request], Any]:
    """The handler of a form's POST: `act` gets its fields, in a thread, once its token is right."""

    @wraps(act)
    async def handler(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=_FIELDS)
        check_token(request, str(form.get(TOKEN_FIELD, "")))
        try:
            return await run_in_threadpool(act, request, form)
        finally:
            request.app.state.live.changed()

    return handler


def check_token(request: Request, shown: str) -> None:
    """Raises HTTPException (403) where `shown` is no form token of ours."""
    guard: Guard = request.app.state.guard
    if not guard.is_form_token(shown):
        raise HTTPException(403, TOO_OLD)


def number(said: str, digits: int) -> int | None:
    """A whole number of at most so many ASCII digits; None for anything else."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= digits else None


def text(form: FormData, name: str, limit: int = 500) -> str:
    """A field's text, without the space around it; empty where it is not there."""
    value = form.get(name, "")
    return value.strip()[:limit] if isinstance(value, str) else ""
