"""Wanted pages as a source: each is fetched, with those that continue it, as robots.txt allows."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus

from worker.errors import FetchFailed, Rejected, Trouble
from worker.escape import printable
from worker.feeds.schedule import LONGEST_HINT
from worker.fetch import Fetcher, FetchRequest, check_robots, public_url, retry_after
from worker.fetch.url import printable_url
from worker.formats import ParseContext
from worker.formats.page.entry_bundle import EntryBundle, PagePart, pack, unpack
from worker.formats.page.full_text import next_page_of
from worker.model import Profile
from worker.model.times import rfc3339
from worker.settings import POLLED, Settings
from worker.sites import Sites
from worker.sources.fetch_loop import Result
from worker.sources.registry import is_paused
from worker.sources.responses import (
    BUSY,
    NO_HOST,
    PAUSED_RECHECK_SECONDS,
    describe_status,
    host_of,
    status_label,
)
from worker.spool.claim import Incoming
from worker.spool.manifest import Form, Origin
from worker.spool.wanted import WantedPage, WantedPages
from worker.store.leases import Lease, LeaseResult, TakenLeases
from worker.store.pages import PageStore, RobotsStore

KIND = "page"
ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
MAX_PARTS = 10
"""Pages of one article."""
_MAX_CRASHES = 3
"""How often the fetch of a page may end with its process: the page may be the cause."""

_RETRY_SECONDS = (60, 300, 1800, 7200)
_BUSY_SECONDS = 60
_MAX_DELAY_SECONDS = 60.0
"""The longest pause between two pages that a robots.txt may require."""

_GONE = (401, 403, 404, 410, 451)
_READABLE = ("text/", "application/xhtml", "application/xml")


@dataclass(slots=True, eq=False)
class _NoPage(Exception):
    """The page cannot be fetched now, or never (`is_final`). The page is requested again after
    `wait` seconds, `backoff_host` after `backoff_seconds`. `answer` is that of :class:`Result`."""

    why: str
    answer: str = ""
    is_final: bool = False
    wait: float = 0.0
    backoff_seconds: float = 0.0
    backoff_host: str = NO_HOST

    def __str__(self) -> str:
        return self.why


@dataclass(slots=True)
class PageSource:
    """Fetches the wanted pages. `now` gives aware datetimes."""

    store: PageStore
    wanted: WantedPages
    robots: RobotsStore
    settings: Settings
    sites: Callable[[], Sites]
    profile: Callable[[str], Profile]
    now: Callable[[], datetime]
    kind: str = field(default=KIND, init=False)

    def sync(self) -> int:
        """Tell the store about every wanted page; returns how many were new to it."""
        unknown = self.wanted.names()
        if unknown:
            unknown -= self.store.names()
        hosts = {}
        for name in unknown:
            try:
                if (page := self.wanted.get(name)) is not None:
                    hosts[name] = host_of(page.url, self.settings.fetch.allow_ports)
            except Rejected:
                hosts[name] = NO_HOST  # when it is due it is refused, visibly
        if hosts:
            self.store.want(hosts)
        return len(hosts)

    def take_leases(self, count: int) -> TakenLeases:
        fetch = self.settings.fetch
        return self.store.take_leases(count, fetch.page_seconds + fetch.deadline_seconds + 30)

    async def fetch(self, lease: Lease, fetcher: Fetcher) -> Result:
        try:
            page = self.wanted.get(lease.name)
            bundle = unpack(page.bundle) if page else None
        except Rejected:
            return self._refuse(lease)
        if page is None or bundle is None:
            return Result(LeaseResult(lease, due_in_seconds=None))
        return await self._fetch(lease, page, bundle, fetcher)

    async def _fetch(
        self, lease: Lease, page: WantedPage, bundle: EntryBundle, fetcher: Fetcher
    ) -> Result:
        if is_paused(self.settings.state_dir, page.source):
            return Result(
                LeaseResult(lease, due_in_seconds=PAUSED_RECHECK_SECONDS, fields={"takes": None})
            )
        if int(lease.fields.get("takes", 1)) - int(lease.fields.get("tries", 0)) > _MAX_CRASHES:
            why = f"fetching {printable_url(page.url)} ended its worker {_MAX_CRASHES} times"
            return self._retry_or_give_up(lease, page, _NoPage(why, is_final=True))
        try:
            delay = await self._crawl_delay(page.url, fetcher)
            parts, problem = await self._fetch_parts(page, fetcher, delay)
        except _NoPage as error:
            return self._retry_or_give_up(lease, page, error)
        except FetchFailed as error:
            failure = _NoPage(str(error), answer=error.trouble, is_final=error.refused)
            return self._retry_or_give_up(lease, page, failure)
        bundle = replace(bundle, pages=parts, problem=problem)
        document = self._document(page, bundle, parts[0].url)
        result = LeaseResult(lease, due_in_seconds=None, host_interval_seconds=delay)
        return Result(result, (document,), answer=status_label(HTTPStatus.OK))

    def result_of_bug(self, lease: Lease, error: Exception) -> Result:
        message = f"fetching it failed with {type(error).__name__}: this is a bug; please report it"
        try:
            page = self.wanted.get(lease.name)
        except Rejected:
            return self._refuse(lease)
        if page is None:
            return Result(LeaseResult(lease, due_in_seconds=None))
        return self._retry_or_give_up(lease, page, _NoPage(message))

    def save(self, results: Sequence[Result]) -> None:
        """The pages are in a batch: remove them here and from the store."""
        self.wanted.remove(r.lease_result.lease.name for r in results if r.documents)
        self.store.finish([result.lease_result for result in results])

    async def _fetch_parts(
        self, page: WantedPage, fetcher: Fetcher, delay: float
    ) -> tuple[tuple[PagePart, ...], str | None]:
        """The page and those that continue it by the site rule; and why one of these is missing."""
        clock, fetch = asyncio.get_running_loop().time, self.settings.fetch
        end = clock() + fetch.page_seconds
        parts = [await self._fetch_part(page.url, fetcher)]
        if fetcher.target(parts[0].url).origin != fetcher.target(page.url).origin:
            await self._crawl_delay(
                parts[0].url, fetcher
            )  # a redirect to another site, which may forbid it
        pause = max(delay, fetch.host_interval_seconds)
        seen = {page.url, parts[0].url}
        while True:
            following = await asyncio.to_thread(self._next, page.source, parts[-1])
            if following is None or following in seen:
                return tuple(parts), None
            if len(parts) == MAX_PARTS:
                return tuple(parts), f"it continues after {MAX_PARTS} pages, and no more are read"
            if clock() + pause + fetch.deadline_seconds > end:
                return tuple(parts), f"with {pause:g} s between two pages the rest takes too long"
            seen.add(following)
            try:
                await self._crawl_delay(following, fetcher)
                await asyncio.sleep(pause)
                parts.append(await self._fetch_part(following, fetcher))
            except (FetchFailed, _NoPage) as error:
                return tuple(parts), str(error)

    def _next(self, source: str, part: PagePart) -> str | None:
        """The address of the next page. This parses the page, so it runs in a thread."""
        context = ParseContext(self.profile(source), self.sites(), self.settings.limits)
        return next_page_of(part, context)

    async def _crawl_delay(self, url: str, fetcher: Fetcher) -> float:
        """The pause in seconds that robots.txt requires. Raises _NoPage where it forbids `url`."""
        if not self.settings.fetch.robots:
            return 0.0
        verdict = await check_robots(fetcher, url, self.robots, fetcher.user_agent)
        if not verdict.allowed:
            why = verdict.reason or "robots.txt forbids it"
            raise _NoPage(why, answer=Trouble.ROBOTS, is_final=True)
        return min(verdict.crawl_delay_seconds or 0.0, _MAX_DELAY_SECONDS)

    async def _fetch_part(self, url: str, fetcher: Fetcher) -> PagePart:
        answer = await fetcher.get(FetchRequest(url, accept=ACCEPT))
        if answer.status != HTTPStatus.OK:
            wait = min(LONGEST_HINT, retry_after(answer.headers, self.now()) or 0.0)
            backoff = max(wait, _BUSY_SECONDS) if answer.status in BUSY else 0.0
            raise _NoPage(
                describe_status(answer),
                answer=status_label(answer.status),
                is_final=answer.status in _GONE,
                wait=max(wait, backoff),
                backoff_seconds=backoff,
                backoff_host=host_of(answer.url, self.settings.fetch.allow_ports),
            )
        kind = answer.headers.get("content-type", "text/html").lower()
        if not kind.startswith(_READABLE):
            why = f"{printable_url(answer.url)} is no page ({printable(kind, 60)})"
            raise _NoPage(why, answer=status_label(answer.status), is_final=True)
        return PagePart(answer.url, answer.body, answer.charset)

    def _retry_or_give_up(self, lease: Lease, page: WantedPage, problem: _NoPage) -> Result:
        """Try again later; after the last try, or if that is useless, continue without the page."""
        tries = int(lease.fields.get("tries", 0)) + 1
        if problem.is_final or tries >= self.settings.fetch.page_tries:
            return self._give_up(lease, page, problem)
        after = max(problem.wait, _RETRY_SECONDS[min(tries, len(_RETRY_SECONDS)) - 1])
        fields = {"tries": tries, "takes": tries}
        return _failed(lease, problem, after, fields)

    def _give_up(self, lease: Lease, page: WantedPage, problem: _NoPage) -> Result:
        """Publish the feed's own text, with a warning that says why."""
        bundle = replace(unpack(page.bundle), problem=str(problem))
        document = self._document(page, bundle, page.url)
        return replace(_failed(lease, problem, due_in_seconds=None), documents=(document,))

    def _refuse(self, lease: Lease) -> Result:
        """A file that is no wanted page is claimed like any input, to end in quarantine."""
        data = self.wanted.raw(lease.name)
        if data is None:
            return Result(LeaseResult(lease, due_in_seconds=None))
        at = rfc3339(self.now())
        origin = Origin(source=POLLED, kind=KIND, url="", fetched_at=at, form=Form.ENTRY_BUNDLE)
        incoming = Incoming(data, f"wanted/{printable(lease.name, 80)}", origin)
        return Result(LeaseResult(lease, due_in_seconds=None), (incoming,), failed=True)

    def _document(self, page: WantedPage, bundle: EntryBundle, url: str) -> Incoming:
        origin = Origin(
            source=page.source,
            kind=KIND,
            url=public_url(url),
            fetched_at=rfc3339(self.now()),
            feed_url=page.feed_url,
            form=Form.ENTRY_BUNDLE,
            seen_at=page.wanted_at,
            mark=page.mark,
        )
        return Incoming(pack(bundle), printable_url(url), origin)


def _failed(
    lease: Lease,
    problem: _NoPage,
    due_in_seconds: float | None,
    fields: Mapping[str, int] | None = None,
) -> Result:
    result = LeaseResult(
        lease,
        due_in_seconds,
        fields or {},
        backoff_seconds=problem.backoff_seconds,
        backoff_host=problem.backoff_host,
    )
    return Result(result, failed=True, answer=problem.answer)
