"""Filters of lists in the address of a page: read from a request, and written into links."""

from collections.abc import Mapping
from dataclasses import fields
from urllib.parse import urlencode

from starlette.requests import Request

from worker.readmodel.filters import Filters

NAMES = tuple(field.name for field in fields(Filters))
_MAX_LENGTH = 300


def filter_query(request: Request, names: tuple[str, ...] = NAMES) -> str:
    """The filters of a request, in the form of a query and in one order; '' without any."""
    query = request.query_params
    given = {name: query.get(name, "").strip()[:_MAX_LENGTH] for name in names}
    return write_query({name: value for name, value in given.items() if value})


def write_query(given: Mapping[str, str], **more: str | None) -> str:
    """Filters and further parameters as the query of an address; None leaves one out."""
    merged = {**given, **more}
    return urlencode({name: value for name, value in merged.items() if value is not None})
