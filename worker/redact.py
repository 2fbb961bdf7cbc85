"""Credentials taken out of text: what is logged may quote an address, a header or a setting.

Two nets: what is a secret by where it stands (an address' user, a parameter named `token`, an
`Authorization` header), and what this process was told is one (:func:`keep_secret`).
"""

import re
from urllib.parse import quote, unquote

from worker.escape import printable

HIDDEN = "***"
SHORTEST = 4
"""Characters; what is shorter is no password, and hiding it would tear words apart."""

# Up to the last @ before a slash: a password may hold an @, `?` or `#` that nobody escaped.
# Repeats that may begin anywhere are bounded: 16,000 characters of `x-x-x-` took twelve seconds.
_USER = re.compile(r"([a-z][a-z0-9+.-]{0,20}:/{2})[^\s/\\<>]*@", re.IGNORECASE)
_PARAMETER = re.compile(
    r"([?&;#](?:[\w.-]*(?:token|secret|signature|passw(?:or)?d|credential|api[_-]?key)"
    r"|access_?key|key|code|auth|sig)=)[^&;#\s'\"<>]+",
    re.IGNORECASE,
)
_NAMES = r"(?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]{0,40}(?:token|key|auth|secret)"
_HEADER = re.compile(rf"\b({_NAMES})(['\"]?\s*[:=,]\s*b?['\"]?)[^'\"\r\n]+", re.IGNORECASE)
_SECRET_NAME = re.compile(
    rf"{_NAMES}|(?:.*[_-])?(?:password|passwd|token|secret|api[_-]?key|credentials?)",
    re.IGNORECASE,
)

_kept: tuple[str, ...] = ()


def keep_secret(*secrets: str) -> None:
    """Have :func:`redacted` hide these from now on, as they are and as they are written in an
    address or an escaped message."""
    global _kept  # noqa: PLW0603  # of the process, as its log is
    told = {form for secret in secrets for form in _forms(secret)}
    if not told <= set(_kept):
        # The longest first: a secret may lie within another.
        _kept = tuple(sorted({*_kept, *told}, key=len, reverse=True))


def redacted(text: str) -> str:
    """`text` with ``***`` for every credential in it."""
    for secret in _kept:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    if "@" in text:
        text = _USER.sub(rf"\1{HIDDEN}@", text)
    if "=" in text:
        text = _PARAMETER.sub(rf"\1{HIDDEN}", text)
    return _HEADER.sub(rf"\1\2{HIDDEN}", text)


def is_secret_name(name: str) -> bool:
    """Whether what has this name (a header, a setting, a field) is a credential."""
    return _SECRET_NAME.fullmatch(name) is not None


def password_in(url: str) -> str:
    """The password before the host of `url`, as it is written there; empty where there is none."""
    return url.partition("://")[2].rpartition("@")[0].partition(":")[2]


def _forms(secret: str) -> set[str]:
    plain = unquote(secret)
    forms = {secret, plain, quote(plain, safe=""), quote(plain), printable(plain, len(plain))}
    return {form for form in forms if len(form) >= SHORTEST}
