"""Requests and their responses."""

from collections.abc import Mapping
from dataclasses import dataclass

from worker.fetch.url import Target

ANYTHING = "*/*"


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """`headers` may be credentials: they are sent to the origin of `url` only."""

    url: str
    etag: str | None = None
    """From the last response; if nothing has changed, the response is a 304 without a body."""
    last_modified: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    accept: str = ANYTHING
    max_bytes: int | None = None
    """Bytes of the body, if fewer than fetch.max_bytes are needed: the rest is dropped."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect that was followed: its status, and the address that sent it (public form)."""

    status: int
    url: str


@dataclass(frozen=True, slots=True)
class FetchResponse:
    """A response with any status."""

    status: int
    url: str
    """The address after all redirects; without credentials (`public_url`)."""
    body: bytes
    """Decompressed; empty unless the status is 2xx."""
    headers: Mapping[str, str]
    """Names in lower case; the values of repeated headers are joined. No cookies."""
    charset: str | None = None
    """From Content-Type."""
    redirects: tuple[Redirect, ...] = ()
    """The redirects that were followed, in order."""
    permanent_url: str | None = None
    """The last address, with its secrets, if every redirect was permanent."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that is sent as it is, and whose response is returned as it is: no redirect is
    followed and nothing is decompressed. `path` is encoded, with its query."""

    method: str
    target: Target
    """The origin: scheme, host and port."""
    path: str
    headers: Mapping[str, str]
    max_bytes: int
    body: bytes = b""
