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

    def __init__(self, used: Iterable[str]) -> None:
        self._used = {*used, *RESERVED}
        self._next: defaultdict[str, int] = defaultdict(lambda: 2)

    def free(self, title: str | None, url: str) -> str:
        """A valid name that is not taken; from now on it is."""
        base = name_from_title(title or "") or name_from_url(url) or "feed"
        name = base
        while name in self._used:
            name = f"{base}-{self._next[base]}"
            self._next[base] += 1
        self._used.add(name)
        return name


def name_from_title(title: str) -> str:
    """`Café News!` becomes `cafe-news`, and `新浪财经 国内` becomes `新浪财经-国内`."""
    plain = "".join(map(_without_accent, unicodedata.normalize("NFKC", title)))
    return _slug(plain.replace(".", "-"))


def _without_accent(char: str) -> str:
    base = unicodedata.normalize("NFKD", char)[:1]
    return base if base.isascii() else char


def name_from_url(url: str) -> str:
    """The host, or the route of an RSSHub address; empty where `url` is not an address."""
    if url.startswith(RSSHUB):
        return _slug(url.removeprefix(RSSHUB).partition("?")[0])
    try:
        return _slug((urlsplit(url).hostname or "").removeprefix("www."))
    except ValueError:
        return ""


def _slug(text: str) -> str:
    words = "".join(char if _is_of_word(char) else "-" for char in text.lower())
    slug = re.sub("-+", "-", words)[:_LONGEST].strip("-.")
    return slug.lstrip("".join(char for char in slug if unicodedata.category(char)[0] == "M"))


def _is_of_word(char: str) -> bool:
    return char.isalnum() or char == "." or unicodedata.category(char)[0] == "M"
