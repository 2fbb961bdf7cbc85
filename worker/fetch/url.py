"""An address taken apart once, checked; and how it is shown to people.

Whatever is connected to and asked for is made from a `Target`'s parts: no second parser reads the
address again and understands it in another way.
"""

import re
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import unquote_plus, urljoin

import httpx

from worker.errors import FetchFailed, Trouble
from worker.escape import printable

LONGEST = 4096
"""Characters; longer ones are data, not addresses."""

_PORTS = {"http": 80, "https": 443}
_EDGES = "".join(map(chr, range(0x21)))  # what browsers strip: C0 controls and the blank
_BREAKS = str.maketrans("", "", "\t\r\n")  # and what they drop anywhere within
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes, and what it asks for there."""

    url: str
    """Without user and password and without fragment; ASCII."""
    scheme: str
    """http or https."""
    host: str
    """A name (IDNA, lower case, no dot at its end) or an IP address without brackets."""
    port: int
    origin: str
    """`https://news.example`, `http://[2001:db8::1]:8080`: the port where it is not the usual."""
    path: str
    """With the query, as it is sent."""
    authorization: str | None = field(default=None, repr=False)
    """The header's value, from the user and password in the address."""

    @property
    def authority(self) -> str:
        """What the Host header says."""
        return self.origin.partition("://")[2]


def parse_target(url: str, allow_ports: Collection[int] = ()) -> Target:
    """`url` taken apart; blanks around it and line breaks in it are dropped, as browsers do.

    Raises FetchFailed (ADDRESS, refused) where it is not http or https, has a port beside 80, 443
    and `allow_ports`, or a host that could not be one.
    """
    url = url.strip(_EDGES).translate(_BREAKS)
    if len(url) > LONGEST:
        raise _refused(url, f"is longer than {LONGEST} characters", "give its short form")
    if _CONTROL.search(url):
        raise _refused(url, "has control characters in it", "check how it was copied")
    try:
        parts = httpx.URL(_slashed(url))
    except (httpx.InvalidURL, ValueError) as error:
        raise _refused(url, "is not an address", "check how it is written") from error
    if parts.scheme not in _PORTS:
        raise _refused(url, "is neither http nor https", "only these are fetched")
    host = _host(url, parts.raw_host.decode("ascii"))
    usual = _PORTS[parts.scheme]
    port = usual if parts.port is None else parts.port
    if port not in _PORTS.values() and port not in allow_ports:
        listed = f"list {port} in fetch.allow_ports (NEWSDROP_FETCH_ALLOW_PORTS)"
        raise _refused(url, f"has port {port}", f"{listed} if it is meant")
    shown = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{shown}" + ("" if port == usual else f":{port}")
    path = parts.raw_path.decode("ascii")
    return Target(f"{origin}{path}", parts.scheme, host, port, origin, path, _basic(parts))


def joined(base: str, location: str) -> str:
    """`location` as a page at `base` means it; may be anything, so `parse_target` must judge it."""
    try:
        return urljoin(base, _slashed(location.strip(_EDGES).translate(_BREAKS)))
    except ValueError:
        return location


def public_url(url: str) -> str:
    """`url` without user, password and fragment, and with `…` for the values of secrets in it.

    A parameter of the query is a secret by its name: `key`, `token`, `sig` and the like.
    """
    if found := _USER.match(url):  # first: a password may hold a `?` or `#` that ends an address
        url = found["scheme"] + url[found.end() :]
    rest, _, _ = url.partition("#")
    rest, mark, query = rest.partition("?")
    return rest + mark + _PARAMETER.sub(_hidden, query)


def printable_url(url: str) -> str:
    """`public_url` for messages and terminals."""
    return printable(public_url(url))


_USER = re.compile(r"(?P<scheme>(?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2,})[^/\\]*@")
_PARAMETER = re.compile(r"([^&;=]+)=([^&;]+)")
_SECRET = re.compile(
    r"key|api_?key|(access_)?token|code|auth|passw(or)?d|secret|sig(nature)?"
    r"|.*_(token|secret|signature|password|credential)"
)


def _hidden(parameter: re.Match[str]) -> str:
    name = unquote_plus(parameter[1]).strip().lower().replace("-", "_")
    return f"{parameter[1]}=…" if _SECRET.fullmatch(name) else parameter[0]


def _slashed(url: str) -> str:
    """`\\` before the query is `/`, as browsers read it: else `a\\@b` has another host there."""
    if "\\" not in url:
        return url
    end = min((at for at in (url.find("?"), url.find("#")) if at >= 0), default=len(url))
    return url[:end].replace("\\", "/") + url[end:]


def _host(url: str, host: str) -> str:
    """The host checked. Raises FetchFailed where it is neither a name nor an IP address."""
    host = host.lower().removesuffix(".")
    try:
        if ":" in host:
            if "%" in host:  # a zone: which of this machine's interfaces
                raise AddressValueError(host)
            return str(IPv6Address(host))
        labels = host.split(".")
        if _NUMBER.fullmatch(labels[-1]):  # the system would read 127.1 and 0x7f000001 as well
            return str(IPv4Address(host))
    except AddressValueError as error:
        raise _refused(url, "has no proper host", "write its IP address out") from error
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise _refused(url, "has no proper host", "check how it is written")
    return host


def _basic(parts: httpx.URL) -> str | None:
    if not parts.userinfo:
        return None
    return "Basic " + b64encode(f"{parts.username}:{parts.password}".encode()).decode("ascii")


def _refused(url: str, why: str, hint: str) -> FetchFailed:
    return FetchFailed(Trouble.ADDRESS, f"{printable_url(url)} {why}: {hint}", refused=True)
