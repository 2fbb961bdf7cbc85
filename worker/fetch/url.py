"""Parsing, checking and printing addresses.

Connections and requests use the parts of a `Target`: no second parser reads the address again and
understands it in another way.
"""

import re
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import unquote_plus, urljoin

import httpx

from worker.errors import FetchFailed, Trouble
from worker.escape import printable
from worker.translation import mark

MAX_LENGTH = 4096
"""Characters; longer ones are data, not addresses."""

_PORTS = {"http": 80, "https": 443}
_EDGES = "".join(map(chr, range(0x21)))  # browsers strip C0 controls and spaces
_BREAKS = str.maketrans("", "", "\t\r\n")  # and drop these anywhere
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    """Without user and password and without fragment; ASCII."""
    scheme: str
    """http or https."""
    host: str
    """A name (IDNA, lower case, no trailing dot) or an IP address without brackets."""
    port: int
    origin: str
    """`https://news.example`, `http://[2001:db8::1]:8080`: the port if it is not the default."""
    path: str
    """With the query, as sent."""
    authorization: str | None = field(default=None, repr=False)
    """Value of the header, from the user and password in the address."""

    @property
    def authority(self) -> str:
        return self.origin.partition("://")[2]


def parse_target(url: str, allow_ports: Collection[int] = ()) -> Target:
    """Parse `url`; spaces around it and line breaks in it are dropped, as browsers do.

    Raises FetchFailed (ADDRESS, refused) if it is not http or https, has a port other than 80, 443
    and `allow_ports`, or an invalid host.
    """
    return _parse(url, frozenset(allow_ports))


@lru_cache(maxsize=4096)
def _parse(url: str, allow_ports: frozenset[int]) -> Target:
    """Cached: the address of a feed is parsed four times a poll, a fifth of a poll's CPU time."""
    url = url.strip(_EDGES).translate(_BREAKS)
    if len(url) > MAX_LENGTH:
        raise _refused(
            mark(f"{printable_url(url)} is longer than {MAX_LENGTH} characters: use its short form")
        )
    if _CONTROL.search(url):
        raise _refused(mark(f"{printable_url(url)} contains control characters: copy it again"))
    try:
        parts = httpx.URL(_replace_backslashes(url))
    except (httpx.InvalidURL, ValueError) as error:
        raise _refused(mark(f"{printable_url(url)} is not an address: correct it")) from error
    if parts.scheme not in _PORTS:
        raise _refused(mark(f"{printable_url(url)} is neither http nor https: correct it"))
    host = _host(url, parts.raw_host.decode("ascii"))
    default = _PORTS[parts.scheme]
    port = default if parts.port is None else parts.port
    if port not in _PORTS.values() and port not in allow_ports:
        raise _refused(
            mark(
                f"{printable_url(url)} has port {port}: list {port} in fetch.allow_ports "
                "(NEWSDROP_FETCH_ALLOW_PORTS) if you need it"
            )
        )
    authority = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{authority}" + ("" if port == default else f":{port}")
    path = parts.raw_path.decode("ascii")
    return Target(f"{origin}{path}", parts.scheme, host, port, origin, path, _basic(parts))


def join_url(base: str, location: str) -> str:
    """`location` resolved against `base`. The result is not checked: use `parse_target`."""
    try:
        return urljoin(base, _replace_backslashes(location.strip(_EDGES).translate(_BREAKS)))
    except ValueError:
        return location


def public_url(url: str) -> str:
    """`url` without user, password and fragment, and with `…` for secrets in its query.

    A parameter is a secret if its name says so: `key`, `token`, `sig` and the like.
    """
    if match := _USER.match(url):  # first: a password may contain `?` or `#`
        url = match["scheme"] + url[match.end() :]
    base, _, _ = url.partition("#")
    base, mark, query = base.partition("?")
    return base + mark + _PARAMETER.sub(_mask, query)


def printable_url(url: str) -> str:
    """`public_url` for messages and terminals."""
    return printable(public_url(url))


_USER = re.compile(r"(?P<scheme>(?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2,})[^/\\]*@")
_PARAMETER = re.compile(r"(?<![^&;=])([^&;=]++)=([^&;]+)")  # a name is read once, from its start
_SECRET = re.compile(
    r"key|api_?key|(access_)?token|code|auth|passw(or)?d|secret|sig(nature)?"
    r"|.*_(token|secret|signature|password|credential)"
)


def _mask(parameter: re.Match[str]) -> str:
    name = unquote_plus(parameter[1]).strip().lower().replace("-", "_")
    return f"{parameter[1]}=…" if _SECRET.fullmatch(name) else parameter[0]


def _replace_backslashes(url: str) -> str:
    """`\\` before the query is `/`, as browsers read it: else `a\\@b` has another host there."""
    if "\\" not in url:
        return url
    end = min((at for at in (url.find("?"), url.find("#")) if at >= 0), default=len(url))
    return url[:end].replace("\\", "/") + url[end:]


def _host(url: str, host: str) -> str:
    """The checked host. Raises FetchFailed if it is neither a name nor an IP address."""
    host = host.lower().removesuffix(".")
    try:
        if ":" in host:
            if "%" in host:  # a zone: a network interface of this machine
                raise AddressValueError(host)
            return str(IPv6Address(host))
        labels = host.split(".")
        if _NUMBER.fullmatch(labels[-1]):  # the system would accept 127.1 and 0x7f000001 too
            return str(IPv4Address(host))
    except AddressValueError as error:
        raise _refused(
            mark(f"{printable_url(url)} has no valid host: write its IP address in full")
        ) from error
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise _refused(mark(f"{printable_url(url)} has no valid host: correct it"))
    return host


def _basic(parts: httpx.URL) -> str | None:
    if not parts.userinfo:
        return None
    return "Basic " + b64encode(f"{parts.username}:{parts.password}".encode()).decode("ascii")


def _refused(message: str) -> FetchFailed:
    return FetchFailed(Trouble.ADDRESS, message, refused=True)
