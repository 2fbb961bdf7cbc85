"""Addresses that a person names, each fetched once, at once: for `enqueue` and `parse`."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from worker.errors import FetchFailed, Trouble, UsageError
from worker.escape import printable
from worker.feeds.feed import RSSHUB, parse_feed
from worker.fetch import (
    Fetcher,
    FetchRequest,
    FetchResponse,
    check_robots,
    printable_url,
    public_url,
)
from worker.model.times import rfc3339
from worker.settings import MANUAL, MEGABYTE, Settings
from worker.sources.enqueue import KIND
from worker.spool.claim import Incoming
from worker.spool.manifest import Origin

ACCEPT = "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8"
MOST_BYTES = 256 * MEGABYTE
"""Of all that is fetched for one command: it is in memory until nothing can fail any more."""

T = TypeVar("T")

_SCHEMES = ("http://", "https://", RSSHUB)
_LONGEST_DELAY = 60.0
"""Seconds between two fetches that a robots.txt may ask for."""


def is_address(given: str | Path) -> bool:
    """Whether what a person named is an address, and no file."""
    return isinstance(given, str) and given.lower().startswith(_SCHEMES)


def shown(given: str | Path, limit: int = 300) -> str:
    """A path or an address, safe to print and without credentials.

    Of a path that is longer than `limit` the end is shown: it is what tells files apart.
    """
    if isinstance(given, str) and is_address(given):
        return printable(public_url(given), limit)
    whole = printable(given, 4096)
    return whole if len(whole) <= limit else f"…{whole[-limit:]}"


def fetch_once(settings: Settings, url: str, now: datetime, source: str | None = None) -> Incoming:
    """What is at `url`, to be read as one of `source` (by hand: None).

    Raises FetchFailed, also where the host's robots.txt forbids it; UsageError for `rsshub://…`
    where no RSSHub is configured.
    """
    return fetch_each(settings, [url], now=lambda: now, source=source)[0]


def fetch_each(
    settings: Settings,
    urls: Iterable[str],
    *,
    now: Callable[[], datetime],
    source: str | None = None,
    step: Callable[[], None] = lambda: None,
) -> list[Incoming]:
    """What is at each of `urls`, in order and once each; all of them, or an error.

    One after the other: a host gets the pause that it is left between two polls, or that its
    robots.txt asks for. `step()` is called after each. Raises as :func:`fetch_once`.
    """
    given = list(dict.fromkeys(urls))
    if not given:
        return []
    wanted = [(url, address_of(settings, url)) for url in given]
    return run(_fetch_each(settings, wanted, now=now, source=source or MANUAL, step=step))


def address_of(settings: Settings, url: str) -> str:
    """What is fetched for `url`: `rsshub://route` is a route of the configured RSSHub."""
    if not url.lower().startswith(RSSHUB):
        return url  # the fetcher judges it
    return parse_feed({"name": "once", "url": url}).address(settings.fetch.rsshub_base)


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, from within a running event loop (a notebook's), too."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def checked(answer: FetchResponse) -> FetchResponse:
    """The answer, if it is one of success. Raises FetchFailed (STATUS)."""
    if answer.status == HTTPStatus.OK:
        return answer
    try:
        phrase = f" ({HTTPStatus(answer.status).phrase.lower()})"
    except ValueError:
        phrase = ""
    advice = _ADVICE.get(answer.status, "look at it in a browser, or try later")
    raise FetchFailed(
        Trouble.STATUS, f"{printable_url(answer.url)} answers {answer.status}{phrase}: {advice}"
    )


_ADVICE = {
    401: "put user and password into the address, or give a header",
    403: "it refuses us; name yourself in fetch.user_agent, or ask its owner",
    404: "check the address",
    410: "it is gone for good, its server says",
    429: "it is asked too often; try later",
    503: "it is overloaded; try later",
}


async def _fetch_each(
    settings: Settings,
    wanted: list[tuple[str, str]],
    *,
    now: Callable[[], datetime],
    source: str,
    step: Callable[[], None],
) -> list[Incoming]:
    found: list[Incoming] = []
    size = 0
    robots = _Robots()
    free: dict[str, float] = {}
    async with Fetcher(settings.fetch) as fetcher:
        for url, address in wanted:
            origin = fetcher.target(address).origin
            delay = settings.fetch.host_interval_seconds
            if settings.fetch.robots and url == address:  # a route of one's own RSSHub is no page
                delay = max(delay, await _leave(fetcher, url, robots))
            await asyncio.sleep(max(0.0, free.get(origin, 0.0) - time.monotonic()))
            answer = checked(await fetcher.get(FetchRequest(address, accept=ACCEPT)))
            free[origin] = time.monotonic() + delay
            size += len(answer.body)
            if size > MOST_BYTES:
                most = MOST_BYTES // MEGABYTE
                raise UsageError(f"the addresses hold more than {most} MB: enqueue fewer at once")
            about = Origin(source, KIND, answer.url, rfc3339(now()), answer.charset)
            found.append(Incoming(answer.body, printable_url(answer.url), about))
            step()
    return found


async def _leave(fetcher: Fetcher, url: str, robots: "_Robots") -> float:
    """Seconds between two fetches that robots.txt asks for. Raises FetchFailed where it forbids."""
    verdict = await check_robots(fetcher, url, robots, fetcher.user_agent)
    if not verdict.allowed:
        raise FetchFailed(
            Trouble.ROBOTS,
            f"{printable_url(url)} is not fetched, for {verdict.reason}: save it in a browser and "
            "enqueue the file; if it is a feed, `newsdrop feeds add` may poll it",
            refused=True,
        )
    return min(verdict.crawl_delay_seconds or 0.0, _LONGEST_DELAY)


class _Robots(dict[str, bytes]):
    """robots.txt by origin, for one command."""

    def put(self, origin: str, text: bytes, seconds: int) -> None:
        self[origin] = text
