"""Wanted pages as a source: each is fetched as robots.txt allows, with the pages that follow it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
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
from worker.sources.responses import BUSY, HELD_SECONDS, NOWHERE, host_of, named, status_said
from worker.spool.claim import Incoming
from worker.spool.manifest import Form, Origin
from worker.spool.wanted import WantedPage, WantedPages
from worker.store.leases import Lease, LeaseResult, TakenLeases
from worker.store.pages import PageStore, RobotsStore

KIND = "page"
ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
MOST_PARTS = 10
"""Pages of one article."""
_MOST_DEATHS = 3
"""Times that a page's fetch may end without an answer to us: it may be what ends our process."""

_RETRY_SECONDS = (60, 300, 1800, 7200)
_COOLING_SECONDS = 60
_LONGEST_DELAY = 60.0
"""Seconds between two pages that a robots.txt may ask for."""

_GONE = (401, 403, 404, 410, 451)
_READABLE = ("text/", "application/xhtml", "application/xml")


class _NoPage(Exception):
    """The page cannot be had now, or `for_good`; seconds until it, or a host, is asked again.
    `answer` is as :class:`Result` has it."""

    def __init__(
        self,
        why: str,
        *,
        answer: str = "",
        for_good: bool = False,
        wait: float = 0.0,
        cool: float = 0.0,
        backoff_host: str = NOWHERE,
    ) -> None:
        super().__init__(why)
        self.answer = answer
        self.for_good, self.wait = for_good, wait
        self.cool, self.backoff_host = cool, backoff_host


class PageSource:
    """Fetches the pages that are wanted. `now` gives aware datetimes."""

    kind = KIND

    def __init__(
        self,
        store: PageStore,
        wanted: WantedPages,
        robots: RobotsStore,
        settings: Settings,
        sites: Sites,
        *,
        profile: Callable[[str], Profile],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._wanted = wanted
        self._robots = robots
        self._settings = settings
        self._sites = sites
        self._profile = profile
        self._now = now

    def sync(self) -> int:
        """Let the store know of every page that is wanted; how many it did not know."""
        unknown = self._wanted.names()
        if unknown:
            unknown -= self._store.names()
        hosts = {}
        for name in unknown:
            try:
                if (page := self._wanted.get(name)) is not None:
                    hosts[name] = host_of(page.url, self._settings.fetch.allow_ports)
            except Rejected:
                hosts[name] = NOWHERE  # its turn comes, and it is refused for all to see
        if hosts:
            self._store.want(hosts)
        return len(hosts)

    def take(self, count: int) -> TakenLeases:
        fetch = self._settings.fetch
        return self._store.take_leases(count, fetch.page_seconds + fetch.deadline_seconds + 30)

    async def fetch(self, turn: Lease, fetcher: Fetcher) -> Result:
        try:
            page = self._wanted.get(turn.name)
            capsule = unpack(page.capsule) if page else None
        except Rejected:
            return self._unreadable(turn)
        if page is None or capsule is None:
            return Result(LeaseResult(turn, due_in_seconds=None))
        return await self._fetch(turn, page, capsule, fetcher)

    async def _fetch(
        self, turn: Lease, page: WantedPage, capsule: EntryBundle, fetcher: Fetcher
    ) -> Result:
        if is_paused(self._settings.state_dir, page.source):
            return Result(LeaseResult(turn, due_in_seconds=HELD_SECONDS, fields={"takes": None}))
        if int(turn.fields.get("takes", 1)) - int(turn.fields.get("tries", 0)) > _MOST_DEATHS:
            why = f"fetching {printable_url(page.url)} ended its worker {_MOST_DEATHS} times"
            return self._missed(turn, page, _NoPage(why, for_good=True))
        try:
            delay = await self._leave(page.url, fetcher)
            parts, problem = await self._parts(page, fetcher, delay)
        except _NoPage as error:
            return self._missed(turn, page, error)
        except FetchFailed as error:
            missed = _NoPage(str(error), answer=error.trouble, for_good=error.refused)
            return self._missed(turn, page, missed)
        document = self._document(
            page, replace(capsule, pages=parts, problem=problem), parts[0].url
        )
        done = LeaseResult(turn, due_in_seconds=None, host_interval_seconds=delay)
        return Result(done, (document,), answer=named(HTTPStatus.OK))

    def failed(self, turn: Lease, error: Exception) -> Result:
        said = f"fetching it failed with {type(error).__name__}: this is a bug; please report it"
        try:
            page = self._wanted.get(turn.name)
        except Rejected:
            return self._unreadable(turn)
        return (
            self._missed(turn, page, _NoPage(said))
            if page
            else Result(LeaseResult(turn, due_in_seconds=None))
        )

    def note(self, results: Sequence[Result]) -> None:
        """The pages are in a batch: they are wanted no more, and the store may forget them."""
        self._wanted.remove(one.done.lease.name for one in results if one.documents)
        self._store.finish([result.done for result in results])

    async def _parts(
        self, page: WantedPage, fetcher: Fetcher, delay: float
    ) -> tuple[tuple[PagePart, ...], str | None]:
        """The page with those that its site's rule says follow, and why one of these is missing."""
        clock, fetch = asyncio.get_running_loop().time, self._settings.fetch
        end = clock() + fetch.page_seconds
        parts = [await self._part(page.url, fetcher)]
        if fetcher.target(parts[0].url).origin != fetcher.target(page.url).origin:
            await self._leave(parts[0].url, fetcher)  # it was led to another site, which may forbid
        pause = max(delay, fetch.host_interval_seconds)
        seen = {page.url, parts[0].url}
        while True:
            there = await asyncio.to_thread(self._next, page.source, parts[-1])
            if there is None or there in seen:
                return tuple(parts), None
            if len(parts) == MOST_PARTS:
                return tuple(parts), f"it goes on after {MOST_PARTS} pages, and no more are read"
            if clock() + pause + fetch.deadline_seconds > end:
                return tuple(parts), f"with {pause:g} s between two pages the rest takes too long"
            seen.add(there)
            try:
                await self._leave(there, fetcher)
                await asyncio.sleep(pause)
                parts.append(await self._part(there, fetcher))
            except (FetchFailed, _NoPage) as error:
                return tuple(parts), str(error)

    def _next(self, source: str, part: PagePart) -> str | None:
        """The page that follows; a tree has to be built to know, so this runs in a thread."""
        context = ParseContext(self._profile(source), self._sites, self._settings.limits)
        return next_page_of(part, context)

    async def _leave(self, url: str, fetcher: Fetcher) -> float:
        """Seconds between two pages that robots.txt asks for. Raises _NoPage where it forbids."""
        if not self._settings.fetch.robots:
            return 0.0
        verdict = await check_robots(fetcher, url, self._robots, fetcher.user_agent)
        if not verdict.allowed:
            why = verdict.reason or "robots.txt forbids it"
            raise _NoPage(why, answer=Trouble.ROBOTS, for_good=True)
        return min(verdict.crawl_delay_seconds or 0.0, _LONGEST_DELAY)

    async def _part(self, url: str, fetcher: Fetcher) -> PagePart:
        answer = await fetcher.get(FetchRequest(url, accept=ACCEPT))
        if answer.status != HTTPStatus.OK:
            asked = min(LONGEST_HINT, retry_after(answer.headers, self._now()) or 0.0)
            cool = max(asked, _COOLING_SECONDS) if answer.status in BUSY else 0.0
            gone = answer.status in _GONE
            raise _NoPage(
                status_said(answer),
                answer=named(answer.status),
                for_good=gone,
                wait=max(asked, cool),
                cool=cool,
                backoff_host=host_of(answer.url, self._settings.fetch.allow_ports),
            )
        kind = answer.headers.get("content-type", "text/html").lower()
        if not kind.startswith(_READABLE):
            why = f"{printable_url(answer.url)} is no page ({printable(kind, 60)})"
            raise _NoPage(why, answer=named(answer.status), for_good=True)
        return PagePart(answer.url, answer.body, answer.charset)

    def _missed(self, turn: Lease, page: WantedPage, missed: _NoPage) -> Result:
        """Try again, or, after the last try or where that cannot help, do without the page."""
        tries = int(turn.fields.get("tries", 0)) + 1
        if missed.for_good or tries >= self._settings.fetch.page_tries:
            return self._without(turn, page, missed)
        after = max(missed.wait, _RETRY_SECONDS[min(tries, len(_RETRY_SECONDS)) - 1])
        fields = {"tries": tries, "takes": tries}
        done = LeaseResult(
            turn, after, fields, backoff_seconds=missed.cool, backoff_host=missed.backoff_host
        )
        return Result(done, failed=True, answer=missed.answer)

    def _without(self, turn: Lease, page: WantedPage, missed: _NoPage) -> Result:
        """The feed's own text is published, with a warning that tells why."""
        done = LeaseResult(
            turn, due_in_seconds=None, backoff_seconds=missed.cool, backoff_host=missed.backoff_host
        )
        capsule = replace(unpack(page.capsule), problem=str(missed))
        document = self._document(page, capsule, page.url)
        return Result(done, (document,), failed=True, answer=missed.answer)

    def _unreadable(self, turn: Lease) -> Result:
        """A file that is no wanted page goes the way of all input: it is refused, and kept."""
        data = self._wanted.raw(turn.name)
        if data is None:
            return Result(LeaseResult(turn, due_in_seconds=None))
        at = rfc3339(self._now())
        origin = Origin(source=POLLED, kind=KIND, url="", fetched_at=at, form=Form.CAPSULE)
        incoming = Incoming(data, f"wanted/{printable(turn.name, 80)}", origin)
        return Result(LeaseResult(turn, due_in_seconds=None), (incoming,), failed=True)

    def _document(self, page: WantedPage, capsule: EntryBundle, url: str) -> Incoming:
        return Incoming(pack(capsule), printable_url(url), self._origin(page, url))

    def _origin(self, page: WantedPage, url: str) -> Origin:
        return Origin(
            source=page.source,
            kind=KIND,
            url=public_url(url),
            fetched_at=rfc3339(self._now()),
            feed_url=page.feed_url,
            form=Form.CAPSULE,
            seen_at=page.wanted_at,
            mark=page.mark,
        )
