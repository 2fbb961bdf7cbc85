"""Unique names for feeds that were added without one, made of the title or the host."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import urlsplit

from worker.feeds.feed import RSSHUB
from worker.feeds.managed import RESERVED

_LONGEST = 40


class FeedNames:
    """Makes names that are not taken: `harbour`, `harbour-2`, …"""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {*taken, *RESERVED}
        self._next: defaultdict[str, int] = defaultdict(lambda: 2)

    def free(self, title: str | None, url: str) -> str:
        """A valid name that is not taken; from now on it is."""
        base = name_from_title(title or "") or name_from_url(url) or "feed"
        name = base
        while name in self._taken:
            name = f"{base}-{self._next[base]}"
            self._next[base] += 1
        self._taken.add(name)
        return name


def name_from_title(title: str) -> str:
    """`Harbour News!` becomes `harbour-news`. Empty where ASCII cannot express the title: half a
    title means nothing."""
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", title) if not unicodedata.combining(char)
    )
    if any(char.isalnum() and not char.isascii() for char in plain):
        return ""
    return _slug(plain.replace(".", "-"))


def name_from_url(url: str) -> str:
    """The host, or the route of an RSSHub address; empty where `url` is no address."""
    if url.startswith(RSSHUB):
        return _slug(url.removeprefix(RSSHUB).partition("?")[0])
    try:
        return _slug((urlsplit(url).hostname or "").removeprefix("www."))
    except ValueError:
        return ""


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower())[:_LONGEST].strip("-.")
