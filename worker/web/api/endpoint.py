"""The common part of endpoints: checked parameters, checked bodies, and the check of the sender.

Unknown names are refused: a misspelt `cuont` must not look as if it had worked.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.escape import printable
from worker.settings import Settings
from worker.web.middleware import limit_body
from worker.web.responses import json_response
from worker.web.security import AccessControl, bearer_token

MAX_NAMES = 1_000


class Parameters(BaseModel):
    """The parameters of a query, or the keys of a JSON body. Without fields there are none."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, slots=True)
class ApiRequest(Generic[P]):
    """A checked request: `parameters` come from the query of a GET, else from the JSON body."""

    settings: Settings
    path: Mapping[str, str]
    parameters: P


Action = Callable[[ApiRequest[P]], Any]
"""Returns a value, which is sent as JSON, or a whole answer."""


def _parse_digits(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError("a whole number is needed")
    return int(text)


Text = Annotated[str, Field(max_length=2_000)]
Number = Annotated[int, BeforeValidator(_parse_digits)]
Names = Annotated[list[str], Field(max_length=MAX_NAMES)]


class PageQuery(Parameters):
    """A list in pages."""

    count: Annotated[Number, Field(ge=1, le=200)] = 50


def get(path: str, action: Action[P], model: type[P]) -> Route:
    """A GET with the query `model`. `action` runs in a thread."""

    async def handler(request: Request) -> Response:
        return await _run(action, request, parse_query(request, model))

    return Route(f"/api/v1{path}", handler, methods=["GET"])


def change(path: str, action: Action[P], model: type[P], method: str = "POST") -> Route:
    """A POST or DELETE with the JSON body `model`. `action` runs in a thread."""

    async def handler(request: Request) -> Response:
        check_change(request)
        return await _run(action, request, await parse_body(request, model))

    return Route(f"/api/v1{path}", handler, methods=[method])


async def _run(action: Action[P], request: Request, parameters: P) -> Response:
    checked = ApiRequest(request.app.state.settings, request.path_params, parameters)

    def answer() -> Response:
        result = action(checked)
        return result if isinstance(result, Response) else json_response(result)

    return await run_in_threadpool(answer)


def check_change(request: Request) -> None:
    """Check that a program or one of our pages sends a change: with the token as a Bearer, or with
    the header `X-Newsdrop: 1`. A page of another site can send neither: its browser asks first
    (CORS), and we never agree. Raises HTTPException (403; 400 for any query parameter)."""
    guard: AccessControl = request.app.state.guard
    if not guard.is_token(bearer_token(request) or "") and request.headers.get("x-newsdrop") != "1":
        raise HTTPException(
            403, "A change needs the header `X-Newsdrop: 1`, or the token: send one of them."
        )
    parse_query(request, Parameters)


def parse_query(request: Request, model: type[P]) -> P:
    """The query's parameters, each given once. Raises HTTPException (400)."""
    items = request.query_params.multi_items()
    values = dict(items)
    if len(values) < len(items):
        raise HTTPException(400, "A parameter is given twice: give each once.")
    return validate(model, values, status=400)


async def parse_body(request: Request, model: type[P]) -> P:
    """The JSON object in the body; an empty body is an empty object, null is an absent value.

    Raises HTTPException: 415 for another content type, 400 for invalid JSON, 413 above 256 KB, 422
    for what does not fit `model`.
    """
    data = await Request(request.scope, limit_body(request.receive)).body()
    if not data:
        return validate(model, {}, status=422)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if content_type != "application/json":
        raise HTTPException(415, "The body must be JSON with Content-Type: application/json.")
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise HTTPException(
            400, f"The body is not valid JSON: {printable(str(error), 200)}."
        ) from error
    if not isinstance(body, dict):
        raise HTTPException(422, 'The body must be a JSON object: {"name": value, …}.')
    fields = model.model_fields
    values = {
        name: value for name, value in body.items() if value is not None or name not in fields
    }
    return validate(model, values, status=422)


def validate(model: type[P], values: dict[str, Any], *, status: int) -> P:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = printable(".".join(map(str, first["loc"])), 60)
        if first["type"] == "extra_forbidden":
            names = ", ".join(sorted(model.model_fields)) or "none"
            raise HTTPException(status, f"`{name}` is unknown here; known: {names}.") from error
        raise HTTPException(status, f"`{name}`: {first['msg']}.") from error
