"""Wanted pages as a source: each is fetched, with those that continue it, as robots.txt allows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus

from worker.errors import Rejected
from worker.escape import printable
from worker.fetch import Fetcher, public_url
from worker.fetch.url import printable_url
from worker.formats.page.entry_bundle import EntryBundle, pack, unpack
from worker.model.times import rfc3339
from worker.settings import POLLED, Settings
from worker.sources.fetch_loop import Result
from worker.sources.page_fetch import NoPage, PageFetcher, no_page_for_bug, refuse_crashing
from worker.sources.registry import is_paused
from worker.sources.responses import NO_HOST, PAUSED_RECHECK_SECONDS, find_host, status_label
from worker.spool.claim import Incoming
from worker.spool.manifest import Form, Origin
from worker.spool.wanted import WantedPage, WantedPages
from worker.store.leases import Lease, LeaseResult, TakenLeases
from worker.store.pages import PageStore

KIND = "page"


@dataclass(slots=True)
class PageSource:
    """Fetches the wanted pages. `now` gives aware datetimes."""

    store: PageStore
    wanted: WantedPages
    pages: PageFetcher
    settings: Settings
    now: Callable[[], datetime]
    kind: str = field(default=KIND, init=False)

    def sync(self) -> int:
        """Add every wanted page to the store; returns the number of new ones."""
        unknown = self.wanted.names()
        if unknown:
            unknown -= self.store.names()
        hosts = {}
        for name in unknown:
            try:
                if (page := self.wanted.get(name)) is not None:
                    hosts[name] = find_host(page.url, self.settings.fetch.allow_ports)
            except Rejected:
                hosts[name] = NO_HOST  # when it is due it is refused, visibly
        if hosts:
            self.store.add_pages(hosts)
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
        try:
            refuse_crashing(lease, page.url)
            fetched = await self.pages.fetch(page.url, page.source, fetcher)
        except NoPage as error:
            return self._retry_or_give_up(lease, page, error)
        bundle = replace(bundle, pages=fetched.parts, problem=fetched.problem)
        document = self._document(page, bundle, fetched.parts[0].url)
        result = LeaseResult(lease, due_in_seconds=None, host_interval_seconds=fetched.delay)
        return Result(result, (document,), answer=status_label(HTTPStatus.OK))

    def result_of_bug(self, lease: Lease, error: Exception) -> Result:
        try:
            page = self.wanted.get(lease.name)
        except Rejected:
            return self._refuse(lease)
        if page is None:
            return Result(LeaseResult(lease, due_in_seconds=None))
        return self._retry_or_give_up(lease, page, no_page_for_bug(error))

    def save(self, results: Sequence[Result]) -> None:
        """The pages are in a batch: remove them here and from the store."""
        self.wanted.remove(r.lease_result.lease.name for r in results if r.documents)
        self.store.finish([result.lease_result for result in results])

    def _retry_or_give_up(self, lease: Lease, page: WantedPage, problem: NoPage) -> Result:
        """Try again later; in the end publish the feed's own text, with a warning that says why."""
        if later := problem.retry(lease, self.settings.fetch.page_tries):
            return later
        bundle = replace(unpack(page.bundle), problem=str(problem))
        document = self._document(page, bundle, page.url)
        return replace(problem.result(lease, None), documents=(document,))

    def _refuse(self, lease: Lease) -> Result:
        """A file that is not a wanted page is claimed like any input, to end in quarantine."""
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
