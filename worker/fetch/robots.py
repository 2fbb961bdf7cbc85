"""What a site's robots.txt allows (RFC 9309): fetched through the guard, kept for a day."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from protego import Protego

from worker.errors import FetchFailed, Trouble
from worker.escape import printable
from worker.fetch.http import Fetcher, FetchRequest

LONGEST = 512 * 1024
"""Bytes of a robots.txt that are read: the RFC asks for at least 500 KiB."""
KEEP_SECONDS = 86_400
KEEP_FAILED_SECONDS = 600

_FAILED = b"\0"  # begins what is kept of a failure: no robots.txt has it
_NEEDED = re.compile(r"agent|allo|allaw|delay", re.IGNORECASE)
_AGENT = re.compile(r"\s*user[- ]?agent\s*:?\s*([^#]*)", re.IGNORECASE)
_OTHERS = "user-agent: \x01"


class RobotsCache(Protocol):
    """Where texts are kept between fetches, by origin (`https://news.example`)."""

    def get(self, origin: str) -> bytes | None: ...

    def put(self, origin: str, text: bytes, seconds: int) -> None: ...


@dataclass(frozen=True, slots=True)
class RobotsDecision:
    allowed: bool
    crawl_delay_seconds: float | None = None
    """Seconds that the site wants between two fetches."""
    reason: str | None = None
    """Where it is not allowed: for people."""


async def check_robots(
    fetcher: Fetcher, url: str, cache: RobotsCache, user_agent: str
) -> RobotsDecision:
    """May `user_agent` (the whole header, or its name) fetch `url`?

    Where there is no robots.txt (a 4xx, or redirects without end) everything is allowed.

    Raises FetchFailed: ROBOTS where it cannot be had now (a 5xx, no answer), so that nobody knows;
    what `Fetcher.get` raises where the address itself is refused.
    """
    target = fetcher.target(url)
    text = cache.get(target.origin)
    if text is None:
        text = await _fetched(fetcher, target.origin)
        failed = text.startswith(_FAILED)
        cache.put(target.origin, text, KEEP_FAILED_SECONDS if failed else KEEP_SECONDS)
    if text.startswith(_FAILED):
        raise FetchFailed(Trouble.ROBOTS, text[len(_FAILED) :].decode("utf-8", "replace"))
    rules = _parsed(text, user_agent)
    delay = rules.crawl_delay(user_agent)
    if rules.can_fetch(target.url, user_agent):
        return RobotsDecision(True, delay)
    why = f"{printable(target.origin)}/robots.txt does not allow it to {printable(user_agent, 80)}"
    return RobotsDecision(False, delay, why)


async def _fetched(fetcher: Fetcher, origin: str) -> bytes:
    """The text; empty where there is none; beginning with `_FAILED` where nobody can know."""
    shown = f"{printable(origin)}/robots.txt"
    try:
        answer = await fetcher.get(
            FetchRequest(f"{origin}/robots.txt", accept="text/plain, */*;q=0.1", max_bytes=LONGEST)
        )
    except FetchFailed as error:
        if error.refused:
            raise
        if error.trouble is Trouble.REDIRECTS:
            return b""
        return _FAILED + f"{shown} cannot be had, so its pages wait ({error})".encode()
    if 400 <= answer.status < 500:
        return b""
    if 200 <= answer.status < 300:
        return answer.body.replace(_FAILED, b"")
    return _FAILED + f"{shown} answers {answer.status}, so its pages wait: try later".encode()


@lru_cache(maxsize=128)
def _parsed(text: bytes, user_agent: str) -> Protego:
    return Protego.parse(reduced(text.decode("utf-8-sig", "replace"), user_agent))


def reduced(text: str, user_agent: str) -> str:
    """`text` without what `user_agent` need not know: the names of all others are one name.

    Protego keeps each rule once for every name above it: 512 KiB can name 15,000 robots above
    30,000 rules, which would be half a thousand million entries.
    """
    agent = user_agent.lower()
    kept: list[str] = []
    for line in text.splitlines():
        if not _NEEDED.search(line):
            continue
        if named := _AGENT.match(line):
            name = named[1].strip().lower()
            if name != "*" and (name.replace("*", "") or "\x01") not in agent:
                line = _OTHERS  # noqa: PLW2901
        if line != _OTHERS or kept[-1:] != [_OTHERS]:
            kept.append(line)
    return "\n".join(kept)
