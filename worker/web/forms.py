"""Forms: their fields within bounds, and the token that proves that a page of ours sent them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from worker.web.security import AccessControl

TOKEN_FIELD = "form_token"  # noqa: S105  # a name
_MAX_FIELDS = 2000


def form_action(action: Callable[[Request, FormData], Response]) -> Callable[[Request], Any]:
    """The handler of a form's POST: `action` runs in a thread, after the token's check."""

    @wraps(action)
    async def handler(request: Request) -> Response:
        form = await read_form(request)
        try:
            return await run_in_threadpool(action, request, form)
        finally:
            request.app.state.live.refresh()

    return handler


async def read_form(request: Request) -> FormData:
    """The fields of a form of ours, without files. Raises HTTPException (403)."""
    form = await request.form(max_files=0, max_fields=_MAX_FIELDS)
    check_form_token(request, get_text(form, TOKEN_FIELD))
    return form


def check_form_token(request: Request, token: str) -> None:
    """Raises HTTPException (403) where `token` is not a form token of ours."""
    guard: AccessControl = request.app.state.guard
    if not guard.is_form_token(token):
        raise HTTPException(
            403,
            "This form has expired, or another site sent it; nothing was done. Go back, reload the "
            "page, and send it again.",
        )


def parse_number(text: str, digits: int) -> int | None:
    """A whole number of at most so many ASCII digits; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def get_texts(form: FormData, name: str) -> list[str]:
    """The values of a field that may be there several times."""
    return [text for text in form.getlist(name) if isinstance(text, str)]


def get_text(form: FormData, name: str, limit: int = 500) -> str:
    """A field's text, without the space around it; empty where it is not there."""
    value = form.get(name, "")
    return value.strip()[:limit] if isinstance(value, str) else ""
