"""The rules in a site's robots.txt (RFC 9309): fetched through the guard, cached for a day."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from protego import Protego

from worker.errors import FetchFailed, Trouble
from worker.escape import printable
from worker.fetch.http import Fetcher
from worker.fetch.messages import FetchRequest

MAX_BYTES = 512 * 1024
"""Bytes of a robots.txt that are read: the RFC asks for at least 500 KiB."""
KEEP_SECONDS = 86_400
KEEP_FAILED_SECONDS = 600

_FAILED = b"\0"  # prefix of a cached failure: no robots.txt contains it
_RELEVANT = re.compile(r"agent|allo|allaw|delay", re.IGNORECASE)
_AGENT = re.compile(r"\s*user[- ]?agent\s*:?\s*([^#]*)", re.IGNORECASE)
_OTHER_AGENT = "user-agent: \x01"


class RobotsCache(Protocol):
    """Caches texts by origin (`https://news.example`)."""

    def get(self, origin: str) -> bytes | None: ...

    def put(self, origin: str, text: bytes, seconds: int) -> None: ...


@dataclass(frozen=True, slots=True)
class RobotsDecision:
    is_allowed: bool
    crawl_delay_seconds: float | None = None
    """Seconds that the site wants between two fetches."""
    reason: str | None = None
    """For people, if it is not allowed."""


async def check_robots(
    fetcher: Fetcher, url: str, cache: RobotsCache, user_agent: str
) -> RobotsDecision:
    """Whether `user_agent` (the whole header, or its name) may fetch `url`.

    If there is no robots.txt (a 4xx, or endless redirects), everything is allowed.

    Raises FetchFailed: ROBOTS if it cannot be fetched now (a 5xx, no response), so that the answer
    is unknown; the error of `Fetcher.get` if the address itself is refused.
    """
    target = fetcher.target(url)
    text = cache.get(target.origin)
    if text is None:
        text = await _fetch(fetcher, target.origin)
        failed = text.startswith(_FAILED)
        cache.put(target.origin, text, KEEP_FAILED_SECONDS if failed else KEEP_SECONDS)
    if text.startswith(_FAILED):
        raise FetchFailed(Trouble.ROBOTS, text[len(_FAILED) :].decode("utf-8", "replace"))
    rules = _parse(text, user_agent)
    delay = rules.crawl_delay(user_agent)
    if rules.can_fetch(target.url, user_agent):
        return RobotsDecision(True, delay)
    why = f"{printable(target.origin)}/robots.txt does not allow it for {printable(user_agent, 80)}"
    return RobotsDecision(False, delay, why)


async def _fetch(fetcher: Fetcher, origin: str) -> bytes:
    """The text; empty if there is none; with the prefix `_FAILED` if that is unknown."""
    name = f"{printable(origin)}/robots.txt"
    try:
        answer = await fetcher.get(
            FetchRequest(
                f"{origin}/robots.txt", accept="text/plain, */*;q=0.1", max_bytes=MAX_BYTES
            )
        )
    except FetchFailed as error:
        if error.refused:
            raise
        if error.trouble is Trouble.REDIRECTS:
            return b""
        return _FAILED + f"{name} cannot be fetched, so pages of this site wait ({error})".encode()
    if 400 <= answer.status < 500:
        return b""
    if 200 <= answer.status < 300:
        return answer.body.replace(_FAILED, b"")
    return (
        _FAILED + f"{name} answers {answer.status}, so pages of this site wait: try later".encode()
    )


@lru_cache(maxsize=128)
def _parse(text: bytes, user_agent: str) -> Protego:
    return Protego.parse(reduce_rules(text.decode("utf-8-sig", "replace"), user_agent))


def reduce_rules(text: str, user_agent: str) -> str:
    """`text` without lines that do not concern `user_agent`: all other agents get one name.

    Protego stores each rule once for every agent above it: 512 KiB can have 15,000 agents above
    30,000 rules, which would be 450 million entries.
    """
    agent = user_agent.lower()
    lines: list[str] = []
    for line in text.splitlines():
        if not _RELEVANT.search(line):
            continue
        if agents := _AGENT.match(line):
            name = agents[1].strip().lower()
            if name != "*" and (name.replace("*", "") or "\x01") not in agent:
                line = _OTHER_AGENT  # noqa: PLW2901
        if line != _OTHER_AGENT or lines[-1:] != [_OTHER_AGENT]:
            lines.append(line)
    return "\n".join(lines)
