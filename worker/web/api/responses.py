"""Answers: JSON, and problems as RFC 9457 has them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response

from worker.errors import FetchFailed, NewsdropError, Rejected
from worker.escape import safe_json
from worker.web.statuses import status_for

RETRY_SECONDS = 5
"""What `Retry-After` says where the world is bad: it may mend at any time."""


def answer(value: Any, status: int = 200, **headers: str) -> Response:
    """`value` (frozen dataclasses, or what JSON has) as JSON that is safe on a terminal, too."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(_json(value), status, headers=named, media_type="application/json")


def problem(status: int, detail: str, **more: Any) -> Response:
    """What went wrong, and what to do: `application/problem+json`."""
    about = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    headers: Mapping[str, str] = {"retry-after": str(RETRY_SECONDS)} if status == 503 else {}
    return Response(_json(about), status, headers, media_type="application/problem+json")


def problem_of(error: NewsdropError) -> Response:
    """The problem that an error on purpose is."""
    more: dict[str, str] = {}
    if isinstance(error, Rejected):
        more["reason"] = error.reason
    elif isinstance(error, FetchFailed):
        more["trouble"] = error.trouble
    return problem(status_for(error), str(error), **more)


def _json(value: Any) -> bytes:
    return safe_json(orjson.dumps(value).decode()).encode() + b"\n"
