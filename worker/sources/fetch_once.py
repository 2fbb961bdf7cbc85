"""Addresses that a person names, fetched at once and only once: for `enqueue` and `parse`."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
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
from worker.sources.responses import describe_status
from worker.spool.claim import Incoming
from worker.spool.manifest import Origin
from worker.translation import mark

ACCEPT = "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8"
MAX_BYTES = 256 * MEGABYTE
"""Of all that one command fetches: it is in memory until all of it is there."""

T = TypeVar("T")

_SCHEMES = ("http://", "https://", RSSHUB)
_MAX_DELAY_SECONDS = 60.0
"""The longest pause between two fetches that a robots.txt may require."""


def is_address(text: str | Path) -> bool:
    """Whether a person named an address, not a file."""
    return isinstance(text, str) and text.lower().startswith(_SCHEMES)


def display_name(text: str | Path, limit: int = 300) -> str:
    """A path or an address, safe to print and without credentials.

    Of a path longer than `limit` the end is shown, in which files differ.
    """
    if isinstance(text, str) and is_address(text):
        return printable(public_url(text), limit)
    whole = printable(text, 4096)
    return whole if len(whole) <= limit else f"…{whole[-limit:]}"


def fetch_once(settings: Settings, url: str, now: datetime, source: str | None = None) -> Incoming:
    """The content of `url`, as input of `source` (None: by hand).

    Raises FetchFailed, also where robots.txt forbids it; UsageError for `rsshub://…` where no
    RSSHub is configured.
    """
    return fetch_each(settings, [url], now=lambda: now, source=source)[0]


def fetch_each(
    settings: Settings,
    urls: Iterable[str],
    *,
    now: Callable[[], datetime],
    source: str | None = None,
    on_fetched: Callable[[], None] = lambda: None,
) -> list[Incoming]:
    """The content of each of `urls`, in order and once each; all of them, or an error.

    One after the other, with the pause between two requests to a host that the settings or its
    robots.txt require. `on_fetched()` is called after each. Raises like :func:`fetch_once`.
    """
    addresses = {url: resolve_address(settings, url) for url in urls}
    if not addresses:
        return []
    source = source or MANUAL
    return run(_fetch_each(settings, addresses, now=now, source=source, on_fetched=on_fetched))


def resolve_address(settings: Settings, url: str) -> str:
    """The address to fetch for `url`: `rsshub://route` is a route of the configured RSSHub."""
    if not url.lower().startswith(RSSHUB):
        return url  # the fetcher checks it
    return parse_feed({"name": "once", "url": url}).address(settings.fetch.rsshub_base)


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, also inside a running event loop (of a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def require_success(answer: FetchResponse) -> FetchResponse:
    """The answer. Raises FetchFailed (STATUS) if its status is not 200."""
    if answer.status == HTTPStatus.OK:
        return answer
    raise FetchFailed(Trouble.STATUS, describe_status(answer, _ADVICE))


_ADVICE = {
    401: mark("put user and password into the address, or give a header"),
    403: mark("the server refuses newsdrop: set a name in fetch.user_agent, or ask its owner"),
    404: mark("check the address"),
    410: mark("the server says it is gone for good"),
    429: mark("too many requests; try later"),
    503: mark("the server is overloaded; try later"),
}


async def _fetch_each(
    settings: Settings,
    addresses: Mapping[str, str],
    *,
    now: Callable[[], datetime],
    source: str,
    on_fetched: Callable[[], None],
) -> list[Incoming]:
    fetched: list[Incoming] = []
    size = 0
    robots = _Robots()
    free_at: dict[str, float] = {}
    async with Fetcher(settings.fetch) as fetcher:
        for url, address in addresses.items():
            site = fetcher.target(address).origin
            delay = settings.fetch.host_interval_seconds
            if (
                settings.fetch.robots and url == address
            ):  # a route of the configured RSSHub is not a page
                delay = max(delay, await _crawl_delay(fetcher, url, robots))
            await asyncio.sleep(max(0.0, free_at.get(site, 0.0) - time.monotonic()))
            answer = require_success(await fetcher.get(FetchRequest(address, accept=ACCEPT)))
            free_at[site] = time.monotonic() + delay
            size += len(answer.body)
            if size > MAX_BYTES:
                max_mb = MAX_BYTES // MEGABYTE
                raise UsageError(f"the addresses hold more than {max_mb} MB: enqueue fewer at once")
            origin = Origin(source, KIND, answer.url, rfc3339(now()), answer.charset)
            fetched.append(Incoming(answer.body, printable_url(answer.url), origin))
            on_fetched()
    return fetched


async def _crawl_delay(fetcher: Fetcher, url: str, robots: "_Robots") -> float:
    """The pause in seconds that robots.txt requires. Raises FetchFailed where it forbids `url`."""
    verdict = await check_robots(fetcher, url, robots, fetcher.user_agent)
    if not verdict.is_allowed:
        raise FetchFailed(
            Trouble.ROBOTS,
            f"{printable_url(url)} is not fetched, for {verdict.reason}: save it in a browser and "
            "enqueue the file; if it is a feed, `newsdrop feeds add` may poll it",
            refused=True,
        )
    return min(verdict.crawl_delay_seconds or 0.0, _MAX_DELAY_SECONDS)


class _Robots(dict[str, bytes]):
    """robots.txt by origin, for one command."""

    def put(self, origin: str, text: bytes, seconds: int) -> None:
        self[origin] = text
