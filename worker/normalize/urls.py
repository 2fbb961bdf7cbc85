"""Addresses made absolute and safe, and taken out of a mirror's proxy."""

import re
from urllib.parse import unquote, urljoin, urlsplit

from worker.normalize.strings import clean_text

LONGEST = 4096
"""Characters; longer ones are data, not addresses."""

# A proxy whose whole query is the address: the mirror's for http images
# (`https://cors.zfour.workers.dev/?http://…`), and similar ones.
_PROXIED = re.compile(r"https?://[^/?#]+/\?(?:url=)?(https?(?:://|%3a%2f%2f).+)", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
# A valid address, the usual case: one match, a third of the cost.
_PLAIN = re.compile(r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/(?!\?)[!#-;=?-\[\]_a-z~]*)?")
_BREAKS = re.compile(r"[\t\r\n]+")  # the URL standard drops them: `java\nscript:` is a script
_SAFE = ("http://", "https://", "mailto:")


def absolute(address: str | None, base: str | None = None) -> str | None:
    """`address` as an http, https or mailto address, or None.

    None for a relative one without `base`, a fragment (`#note`), scripts and data. `//host/…`
    becomes https.
    """
    if not address:
        return None
    if len(address) <= LONGEST and _PLAIN.fullmatch(address):
        return address
    address = _BREAKS.sub("", clean_text(address)).strip()
    if not address or address.startswith("#"):
        return None
    if address.startswith("//"):
        address = f"https:{address}"
    elif not _SCHEME.match(address):
        address = _joined(base, address)
    if proxied := "/?" in address and _PROXIED.match(address):
        inner = proxied[1]
        address = inner if "://" in inner[:8] else unquote(inner)
    address = address.replace(" ", "%20")
    if not address.lower().startswith(_SAFE) or len(address) > LONGEST:
        return None
    return address if address.lower().startswith("mailto:") or host_of(address) else None


def web_address(address: str | None, base: str | None = None) -> str | None:
    """`absolute`, but http and https only."""
    url = absolute(address, base)
    return None if url is None or url.lower().startswith("mailto:") else url


def host_of(address: str) -> str | None:
    """The host, in lower case; None where there is none or the address is malformed."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _joined(base: str | None, address: str) -> str:
    try:
        return urljoin(base, address) if base else ""
    except ValueError:
        return ""
