"""Access control: the Host of a request, the Origin of a change, the token, form tokens.

The operator is the only user, so there are no accounts: where a token is set, its owner may do
everything. The threats are strangers, and pages of other sites in the operator's browser: a foreign
name that resolves to this machine (DNS rebinding) is refused by its Host, a form of another site by
its Origin and because it has no form token.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from worker.spool.layout import write_durably

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

FORM_HOURS = 72
"""How long a form may stay open before it is sent."""

LOGIN_DAYS = 30
_KEY_BYTES = 32

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    # Nothing to other sites. With `no-referrer` browsers would send our own forms with the Origin
    # `null`, which is what a hostile page's frame sends, too.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class AccessControl:
    """Checks each request. `key` signs cookies and form tokens; the server listens at `host`."""

    key: bytes
    token: str
    host: str
    hosts: tuple[str, ...] = ()

    def knows_host(self, connection: HTTPConnection) -> bool:
        """Whether the Host header has one of our names; any port, as a tunnel has its own."""
        name = _host_name(connection.headers.get("host", ""))
        if name is None:
            return False
        server = connection.scope.get("server") or ("", 0)
        hosts = {"localhost", self.host, str(server[0]), *self.hosts}
        return name in {host.casefold().strip("[]") for host in hosts} or _is_loopback(name)

    def is_own_origin(self, connection: HTTPConnection) -> bool:
        """Whether a change comes from one of our pages, or from no page at all."""
        site = connection.headers.get("sec-fetch-site")
        if site not in (None, "same-origin", "none"):
            return False
        origin = connection.headers.get("origin")
        if origin is None:
            return True  # a program; a browser names the origin of every POST
        return _is_same_address(origin, connection.headers.get("host", ""))

    def is_authorized(self, connection: HTTPConnection) -> bool:
        """Whether the request has the token, as a Bearer, or a login's cookie."""
        if not self.token:
            return True
        if (candidate := bearer_token(connection)) is not None:
            return self.is_token(candidate)
        return self._is_login(connection.cookies.get(self.cookie_name(connection), ""))

    def is_token(self, candidate: str) -> bool:
        return bool(self.token) and _is_equal(candidate, self.token)

    def login_cookie(self) -> str:
        """The value of a cookie that is valid for LOGIN_DAYS while the token stays the same."""
        return self._sign("login", int(time.time()) + LOGIN_DAYS * 86400)

    def cookie_name(self, connection: HTTPConnection) -> str:
        """The login cookie's name. Ports share cookies, and several servers may run here."""
        server = connection.scope.get("server") or ("", 0)
        return f"newsdrop-login-{server[1]}"

    def form_token(self) -> str:
        """A hidden field of each form, which a page of another site cannot read. It is the same for
        all readers within an hour, so that one rendering serves them all."""
        return self._sign("form", int(time.time()) // 3600)

    def is_form_token(self, candidate: str) -> bool:
        hour = self._verify("form", candidate)
        now = int(time.time()) // 3600
        return hour is not None and now - FORM_HOURS <= hour <= now

    def _is_login(self, candidate: str) -> bool:
        until = self._verify("login", candidate)
        return until is not None and time.time() < until

    def _sign(self, purpose: str, number: int) -> str:
        text = f"{purpose}|{number}|{self.token}"
        mac = hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"{number}.{mac.hexdigest()}"

    def _verify(self, purpose: str, candidate: str) -> int | None:
        """The number in a signed text; None where the signature is wrong."""
        number = candidate.partition(".")[0]
        if not (number.isascii() and number.isdecimal() and len(number) < 12):
            return None
        return int(number) if _is_equal(candidate, self._sign(purpose, int(number))) else None


def bearer_token(connection: HTTPConnection) -> str | None:
    """The token in `Authorization: Bearer`; None where there is none."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.casefold() != "bearer":
        return None
    # Headers are decoded as Latin-1; clients send other characters as UTF-8.
    return token.strip().encode("latin-1").decode("utf-8", "replace")


def _is_equal(candidate: str, secret: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(
        candidate.encode("utf-8", "surrogatepass"), secret.encode("utf-8", "surrogatepass")
    )


def signing_key(path: Path) -> bytes:
    """The key in the file `path`, which is created where missing, so that logins and open forms
    outlive a restart; where it can be neither read nor written, a key for this process."""
    with suppress(OSError), path.open("rb") as file:
        key = file.read(_KEY_BYTES + 1)
        if len(key) == _KEY_BYTES:
            return key
    key = secrets.token_bytes(_KEY_BYTES)
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(path, key, mode=0o600)
    return key


def allowed_names(names: Iterable[str]) -> tuple[str, ...]:
    """Host names in lower case, without ports."""
    return tuple(host for name in names if (host := _host_name(name)) is not None)


def _host_name(host: str) -> str | None:
    """The name or address in a Host header; None where the header is invalid."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018  # raises where that is not a number
        name = parts.hostname
    except ValueError:
        return None
    plain = name is not None and not set(host) & set("/?#@")
    return name if plain else None


def _is_loopback(name: str) -> bool:
    """A loopback address, which DNS rebinding cannot fake: no name was resolved."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _is_same_address(origin: str, host: str) -> bool:
    """Compared without the scheme: a proxy may add TLS. An invalid address is not ours."""
    try:
        parts = urlsplit(origin)
    except ValueError:  # such as `http://[`
        return False
    return parts.scheme in ("http", "https") and parts.netloc.casefold() == host.casefold()
