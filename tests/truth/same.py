"""Whether two values of a feed say the same; how they are serialised does not matter."""

import re
from html import unescape

_TAG = re.compile(r"<[!/?a-zA-Z][^<>]*>")
_ADDRESS = re.compile(r"(?<=\s)(?:href|src)\s*=\s*[\"']?(https?:[^\"'\s>]+)", re.IGNORECASE)


def same_text(want: str, got: str | None) -> bool:
    """One line of text: as written, or what a reader sees of it."""
    got = _squeezed(got or "")
    return got in (_squeezed(want), visible(want)) or visible(got) == visible(want)


def same_html(want: str, got: str | None) -> bool:
    """The visible text, and the absolute addresses in it."""
    letters = visible(want).replace(" ", ""), visible(got or "").replace(" ", "")
    return letters[0] == letters[1] and addresses(want) <= addresses(got or "")


def visible(html: str) -> str:
    """The text of HTML, escaped once more than needed or not, on one line."""
    text = _TAG.sub("", html)
    text = _TAG.sub("", unescape(text))
    return _squeezed(unescape(text))


def addresses(html: str) -> set[str]:
    """The absolute addresses of links and pictures, without a slash at the end."""
    return {unescape(one).rstrip("/") for one in _ADDRESS.findall(html)}


def same_address(want: str, got: str | None) -> bool:
    return want.strip().rstrip("/") == (got or "").rstrip("/")


def _squeezed(text: str) -> str:
    return " ".join(text.split())
