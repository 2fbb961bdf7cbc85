"""Reads the addresses of pages: the filters of lists, and the names of what a page shows."""

from collections.abc import Mapping
from dataclasses import fields
from urllib.parse import quote, urlencode

from starlette.requests import Request

from worker.readmodel.filters import Filters

NAMES = tuple(field.name for field in fields(Filters))
_MAX_LENGTH = 300


def filter_query(request: Request, names: tuple[str, ...] = NAMES) -> str:
    """The filters of a request, in the form of a query and in one order; '' without any."""
    query = request.query_params
    values = {name: query.get(name, "").strip()[:_MAX_LENGTH] for name in names}
    return write_query({name: value for name, value in values.items() if value})


def write_query(values: Mapping[str, str], **more: str | None) -> str:
    """Filters and further parameters as the query of an address; None leaves one out."""
    merged = {**values, **more}
    return urlencode({name: value for name, value in merged.items() if value is not None})


def path_name(name: str) -> str:
    """A name as one part of a path. Browsers and libraries take `.` and `..` for folders, however
    they are escaped, so these begin with `~` there, as do names that begin with it themselves."""
    return quote(f"~{name}" if name in (".", "..") or name.startswith("~") else name, safe="")


def name_in_path(part: str) -> str:
    """The name of which :func:`path_name` made an unescaped part of a path."""
    return part.removeprefix("~")
