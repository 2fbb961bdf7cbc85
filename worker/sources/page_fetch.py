"""Fetching the pages of one article: as robots.txt allows, with those that continue it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus

from worker.errors import FetchFailed, Trouble
from worker.escape import printable
from worker.feeds.schedule import LONGEST_HINT
from worker.fetch import Fetcher, FetchRequest, check_robots, retry_after
from worker.fetch.url import printable_url
from worker.formats import ParseContext
from worker.formats.page.entry_bundle import PagePart
from worker.formats.page.full_text import next_page_of
from worker.model import Profile
from worker.settings import Settings
from worker.sites import Sites
from worker.sources.fetch_loop import Result
from worker.sources.responses import (
    BUSY,
    NO_HOST,
    bounded_validator,
    describe_status,
    find_host,
    status_label,
)
from worker.store.leases import Lease, LeaseResult
from worker.store.pages import RobotsStore

ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
MAX_PARTS = 10
"""Pages of one article."""
_BUSY_SECONDS = 60
_MAX_CRASHES = 3
_RETRY_SECONDS = (60, 300, 1800, 7200)
_MAX_DELAY_SECONDS = 60.0
"""The longest pause between two pages that a robots.txt may require."""

_NONE: Mapping[str, int | None] = {}
_GONE = (401, 403, 404, 410, 451)
_READABLE = ("text/", "application/xhtml", "application/xml")


@dataclass(slots=True, eq=False)
class NoPage(Exception):
    """The page cannot be fetched now, or never (`is_final`). The page is requested again after
    `wait` seconds, `backoff_host` after `backoff_seconds`. `answer` is that of `Result`."""

    why: str
    answer: str = ""
    is_final: bool = False
    wait: float = 0.0
    backoff_seconds: float = 0.0
    backoff_host: str = NO_HOST

    def __str__(self) -> str:
        return self.why

    def result(
        self, lease: Lease, due_in_seconds: float | None, fields: Mapping[str, int | None] = _NONE
    ) -> Result:
        """The result of a fetch that ended so. The item is due again in so many seconds; never with
        None."""
        done = LeaseResult(
            lease,
            due_in_seconds,
            fields,
            backoff_seconds=self.backoff_seconds,
            backoff_host=self.backoff_host,
        )
        return Result(done, failed=True, answer=self.answer)

    def retry(self, lease: Lease, page_tries: int) -> Result | None:
        """The result that has the item fetched again later; None after the last try, or if that is
        useless. `takes` then counts from the tries: what is more ended its worker."""
        tries = int(lease.fields.get("tries", 0)) + 1
        if self.is_final or tries >= page_tries:
            return None
        after = max(self.wait, _RETRY_SECONDS[min(tries, len(_RETRY_SECONDS)) - 1])
        return self.result(lease, after, {"tries": tries, "takes": tries})


def refuse_crashing(lease: Lease, url: str) -> None:
    """Raise NoPage if fetching `url` ended its process too often: the page may be the cause."""
    if int(lease.fields.get("takes", 1)) - int(lease.fields.get("tries", 0)) > _MAX_CRASHES:
        why = f"fetching {printable_url(url)} ended its worker {_MAX_CRASHES} times"
        raise NoPage(why, is_final=True)


def no_page_for_bug(error: Exception) -> NoPage:
    return NoPage(
        f"fetching it failed with {type(error).__name__}: this is a bug; please report it"
    )


@dataclass(frozen=True, slots=True)
class FetchedPages:
    """The pages of an article, in order; `problem` is why one that continues it is missing.
    robots.txt requires `delay` seconds between two pages. `is_unchanged`: by the server, all are as
    they were."""

    parts: tuple[PagePart, ...]
    problem: str | None
    delay: float
    is_unchanged: bool = False


@dataclass(frozen=True, slots=True)
class PageFetcher:
    """Fetches the pages of articles. `now` gives aware datetimes."""

    robots: RobotsStore
    settings: Settings
    sites: Callable[[], Sites]
    profile: Callable[[str], Profile]
    now: Callable[[], datetime]

    async def fetch(
        self, url: str, source: str, fetcher: Fetcher, earlier: Sequence[PagePart] = ()
    ) -> FetchedPages:
        """The page at `url`, and those that continue it by the site rule.

        The pages in `earlier` are the same article as it was fetched before: one of them that the
        server says has not changed is in the result as it is there. Raises NoPage.
        """
        try:
            return await self._fetch(url, source, fetcher, earlier)
        except FetchFailed as error:
            raise NoPage(str(error), answer=error.trouble, is_final=error.refused) from error

    async def _fetch(
        self, url: str, source: str, fetcher: Fetcher, earlier: Sequence[PagePart]
    ) -> FetchedPages:
        clock, fetch = asyncio.get_running_loop().time, self.settings.fetch
        end = clock() + fetch.page_seconds
        by_url = {part.url: part for part in earlier[1:]}
        delay = await self.crawl_delay(url, fetcher)
        parts = [await self.fetch_part(url, fetcher, earlier[0] if earlier else None)]
        if fetcher.target(parts[0].url).origin != fetcher.target(url).origin:
            # A redirect to another site, which may forbid it.
            await self.crawl_delay(parts[0].url, fetcher)
        pause = max(delay, fetch.host_interval_seconds)
        addresses = {url, parts[0].url}
        while True:
            following = await asyncio.to_thread(self._next, source, parts[-1])
            if following is None or following in addresses:
                is_unchanged = [*map(id, parts)] == [*map(id, earlier)]
                return FetchedPages(tuple(parts), None, delay, is_unchanged)
            if len(parts) == MAX_PARTS:
                why = f"it continues after {MAX_PARTS} pages, and no more are read"
                return FetchedPages(tuple(parts), why, delay)
            if clock() + pause + fetch.deadline_seconds > end:
                why = f"with {pause:g} s between two pages the rest takes too long"
                return FetchedPages(tuple(parts), why, delay)
            addresses.add(following)
            try:
                await self.crawl_delay(following, fetcher)
                await asyncio.sleep(pause)
                part = await self.fetch_part(following, fetcher, by_url.get(following))
            except (FetchFailed, NoPage) as error:
                return FetchedPages(tuple(parts), str(error), delay)
            parts.append(part)

    def _next(self, source: str, part: PagePart) -> str | None:
        """The address of the next page. This parses the page, so it runs in a thread."""
        return next_page_of(part, self.context(source))

    async def is_reachable(self, url: str, fetcher: Fetcher) -> bool:
        """Whether the page at `url` is answered by 200, after the pause that its host wants."""
        try:
            delay = await self.crawl_delay(url, fetcher)
            await asyncio.sleep(max(delay, self.settings.fetch.host_interval_seconds))
            answer = await fetcher.get(FetchRequest(url, accept=ACCEPT))
        except (FetchFailed, NoPage):
            return False
        return answer.status == HTTPStatus.OK

    def context(self, source: str) -> ParseContext:
        """How pages of a source are read."""
        return ParseContext(self.profile(source), self.sites(), self.settings.limits)

    async def crawl_delay(self, url: str, fetcher: Fetcher) -> float:
        """The pause in seconds that robots.txt requires. Raises NoPage where it forbids `url`."""
        if not self.settings.fetch.robots:
            return 0.0
        verdict = await check_robots(fetcher, url, self.robots, fetcher.user_agent)
        if not verdict.is_allowed:
            why = verdict.reason or "robots.txt forbids it"
            raise NoPage(why, answer=Trouble.ROBOTS, is_final=True)
        return min(verdict.crawl_delay_seconds or 0.0, _MAX_DELAY_SECONDS)

    async def fetch_part(
        self,
        url: str,
        fetcher: Fetcher,
        earlier: PagePart | None = None,
        *,
        is_any_type: bool = False,
    ) -> PagePart:
        """The page at `url` alone, or a document of any type. Raises NoPage, FetchFailed."""
        request = FetchRequest(url, accept=ACCEPT)
        if earlier:
            request = replace(request, etag=earlier.etag, last_modified=earlier.modified)
        answer = await fetcher.get(request)
        if earlier and answer.status == HTTPStatus.NOT_MODIFIED:
            return earlier
        if answer.status != HTTPStatus.OK:
            wait = min(LONGEST_HINT, retry_after(answer.headers, self.now()) or 0.0)
            backoff = max(wait, _BUSY_SECONDS) if answer.status in BUSY else 0.0
            raise NoPage(
                describe_status(answer),
                answer=status_label(answer.status),
                is_final=answer.status in _GONE,
                wait=max(wait, backoff),
                backoff_seconds=backoff,
                backoff_host=find_host(answer.url, self.settings.fetch.allow_ports),
            )
        kind = answer.headers.get("content-type", "text/html").lower()
        if not is_any_type and not kind.startswith(_READABLE):
            why = f"{printable_url(answer.url)} is not a page ({printable(kind, 60)})"
            raise NoPage(why, answer=status_label(answer.status), is_final=True)
        return PagePart(
            answer.url,
            answer.body,
            answer.charset,
            etag=bounded_validator(answer.headers.get("etag")),
            modified=bounded_validator(answer.headers.get("last-modified")),
        )
