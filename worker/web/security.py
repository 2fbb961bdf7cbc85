"""Who is let in: the Host asked by, the Origin of what changes something, the token, form tokens.

There is one reader, the operator, so there are no accounts: where a token is set, who has it may
do everything. What is guarded against is the rest of the world, and other sites' pages in the same
browser: a name that was pointed at this machine (DNS rebinding) is refused by its Host, a form of
another site by its Origin and because it has no form token.
"""

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

SAFE = ("GET", "HEAD", "OPTIONS")

FORM_HOURS = 72
"""How long a form may stay open before it is sent."""

LOGIN_DAYS = 30
_KEY_BYTES = 32

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
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
class Guard:
    """What is asked of each request. `key` signs; `host` is the address that is listened at."""

    key: bytes
    token: str
    host: str
    hosts: tuple[str, ...] = ()

    # ── who asks ────────────────────────────────────────────────────────────────────────────

    def knows_host(self, connection: HTTPConnection) -> bool:
        """Whether it is asked by a name that is ours, whatever the port: a tunnel has its own."""
        name = _name(connection.headers.get("host", ""))
        if name is None:
            return False
        server = connection.scope.get("server") or ("", 0)
        known = {"localhost", self.host, str(server[0]), *self.hosts}
        return name in {host.casefold().strip("[]") for host in known} or _is_loopback(name)

    def own_origin(self, connection: HTTPConnection) -> bool:
        """Whether a request that changes something comes from our pages, or from no page at all."""
        site = connection.headers.get("sec-fetch-site")
        if site not in (None, "same-origin", "none"):
            return False
        origin = connection.headers.get("origin")
        if origin is None:
            return True  # a program; a browser names the origin of every POST
        return _same_place(origin, connection.headers.get("host", ""))

    def lets_in(self, connection: HTTPConnection) -> bool:
        """Whether the token was shown: as a Bearer, or earlier, by the login's cookie."""
        if not self.token:
            return True
        if (shown := bearer(connection)) is not None:
            return self.is_token(shown)
        return self._is_login(connection.cookies.get(self.cookie(connection), ""))

    def is_token(self, shown: str) -> bool:
        return bool(self.token) and same(shown, self.token)

    # ── what it is given ────────────────────────────────────────────────────────────────────

    def login(self) -> str:
        """A cookie's value that is good for LOGIN_DAYS, as long as the token stays the same."""
        return self._signed("login", int(time.time()) + LOGIN_DAYS * 86400)

    def cookie(self, connection: HTTPConnection) -> str:
        """The login cookie's name. Cookies do not tell ports apart, and several may run here."""
        server = connection.scope.get("server") or ("", 0)
        return f"newsdrop-login-{server[1]}"

    def form_token(self) -> str:
        """What each form carries. The same for everybody within an hour, so that what all readers
        are shown is made once; a page of another site cannot read it."""
        return self._signed("form", int(time.time()) // 3600)

    def is_form_token(self, shown: str) -> bool:
        hour = self._verified("form", shown)
        now = int(time.time()) // 3600
        return hour is not None and now - FORM_HOURS <= hour <= now

    def _is_login(self, shown: str) -> bool:
        until = self._verified("login", shown)
        return until is not None and time.time() < until

    def _signed(self, purpose: str, number: int) -> str:
        text = f"{purpose}|{number}|{self.token}"
        mac = hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"{number}.{mac.hexdigest()}"

    def _verified(self, purpose: str, shown: str) -> int | None:
        number = shown.partition(".")[0]
        if not (number.isascii() and number.isdecimal() and len(number) < 12):
            return None
        return int(number) if same(shown, self._signed(purpose, int(number))) else None


def bearer(connection: HTTPConnection) -> str | None:
    """The token that is shown as `Authorization: Bearer`; None where that is not said."""
    scheme, _, shown = connection.headers.get("authorization", "").partition(" ")
    if scheme.casefold() != "bearer":
        return None
    # Headers are read as Latin-1; what is sent of any other token is UTF-8.
    return shown.strip().encode("latin-1").decode("utf-8", "replace")


def same(shown: str, real: str) -> bool:
    """Compared in a time that tells nothing of how much was right."""
    return hmac.compare_digest(
        shown.encode("utf-8", "surrogatepass"), real.encode("utf-8", "surrogatepass")
    )


def signing_key(path: Path) -> bytes:
    """The key in the file `path`, made where there is none, so that logins and open forms outlive
    a restart; where it can be neither read nor written, one for this process."""
    try:
        with path.open("rb") as file:
            key = file.read(_KEY_BYTES + 1)
        if len(key) == _KEY_BYTES:
            return key
    except OSError:
        pass
    key = secrets.token_bytes(_KEY_BYTES)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
        fresh.replace(path)
    except OSError:
        pass
    return key


def allowed_names(names: Iterable[str]) -> tuple[str, ...]:
    """Host names as they are compared: without a port, in lower case."""
    return tuple(found for name in names if (found := _name(name)) is not None)


def _name(host: str) -> str | None:
    """The name or address in a Host header; None where that is nothing of the kind."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018  # raises where that is no number
        name = parts.hostname
    except ValueError:
        return None
    plain = name is not None and not set(host) & set("/?#@")
    return name if plain else None


def _is_loopback(name: str) -> bool:
    """An address of loopback: no name was resolved to get here, so none was pointed at us."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _same_place(origin: str, host: str) -> bool:
    """The scheme is left out: a proxy may add TLS. What is no address is no place of ours."""
    try:
        parts = urlsplit(origin)
    except ValueError:  # such as `http://[`
        return False
    return parts.scheme in ("http", "https") and parts.netloc.casefold() == host.casefold()
