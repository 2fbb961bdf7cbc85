"""Removes credentials from text: a log line may quote an address, a header or a setting.

In two ways: by position (the user part of an address, a parameter named `token`, an
`Authorization` header), and by value, for secrets of this process (:func:`keep_secret`).
"""

import re
from urllib.parse import quote, unquote

from worker.escape import printable

HIDDEN = "***"
MIN_LENGTH = 4
"""Characters of a secret; hiding a shorter one would destroy ordinary words."""

# Up to the last @ before a slash: a password may hold an @, `?` or `#` that nobody escaped.
# Repeats are bounded: 16,000 characters of `x-x-x-` took twelve seconds.
_USER = re.compile(r"([a-z][a-z0-9+.-]{0,20}:/{2})[^\s/\\<>]*@", re.IGNORECASE)
_PARAMETER = re.compile(
    r"([?&;#](?:[\w.-]*(?:token|secret|signature|passw(?:or)?d|credential|api[_-]?key)"
    r"|access_?key|key|code|auth|sig)=)[^&;#\s'\"<>]+",
    re.IGNORECASE,
)
_NAMES = r"(?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]{0,40}(?:token|key|auth|secret)"
_HEADER = re.compile(rf"\b({_NAMES})(['\"]?\s*[:=,]\s*b?['\"]?)[^'\"\r\n]+", re.IGNORECASE)
_SECRET_NAME = re.compile(
    rf"{_NAMES}|(?:.*[_-])?(?:password|passwd|token|secret|api[_-]?key|credentials?)", re.IGNORECASE
)

_secrets: tuple[str, ...] = ()


def keep_secret(*secrets: str) -> None:
    """Have :func:`redacted` hide these from now on, also in their form in an address or in an
    escaped message."""
    global _secrets  # noqa: PLW0603  # one per process, like its log
    forms = {form for secret in secrets for form in _forms(secret)}
    if not forms <= set(_secrets):
        # The longest first: a secret may lie within another.
        _secrets = tuple(sorted({*_secrets, *forms}, key=len, reverse=True))


def redacted(text: str) -> str:
    """`text` with ``***`` for every credential in it."""
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    if "@" in text:
        text = _USER.sub(rf"\1{HIDDEN}@", text)
    if "=" in text:
        text = _PARAMETER.sub(rf"\1{HIDDEN}", text)
    return _HEADER.sub(rf"\1\2{HIDDEN}", text)


def is_secret_name(name: str) -> bool:
    """Whether a header, setting or field of this name holds a credential."""
    return _SECRET_NAME.fullmatch(name) is not None


def password_in(url: str) -> str:
    """The password before the host of `url`, as written; empty if there is none."""
    return url.partition("://")[2].rpartition("@")[0].partition(":")[2]


def _forms(secret: str) -> set[str]:
    plain = unquote(secret)
    forms = {secret, plain, quote(plain, safe=""), quote(plain), printable(plain, len(plain))}
    return {form for form in forms if len(form) >= MIN_LENGTH}
