"""The addresses of jobs as a source: each is fetched once, as robots.txt and its host's pace allow.

An address that cannot be fetched is tried again like a page; at last it is listed with its job.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from worker.errors import FetchFailed
from worker.fetch import Fetcher, public_url
from worker.fetch.url import printable_url
from worker.model.times import rfc3339
from worker.settings import Settings
from worker.sources.enqueue import KIND as ENQUEUED
from worker.sources.fetch_loop import Result
from worker.sources.page_fetch import NoPage, PageFetcher, no_page_for_bug, refuse_crashing
from worker.sources.responses import PAUSED_RECHECK_SECONDS, find_host, status_label
from worker.spool.claim import Incoming, Owner
from worker.spool.manifest import Origin
from worker.store.backlog import (
    FULL_SECONDS,
    LIST_LENGTH,
    WINDOW,
    Backlog,
    BacklogItem,
    ListingPart,
    get_owner,
    is_listing,
)
from worker.store.counters import RefusedSummary
from worker.store.jobs import JobStore
from worker.store.leases import Lease, LeaseResult, TakenLeases

KIND = "address"


@dataclass(frozen=True, slots=True)
class _AddressResult(Result):
    """`part` is what a listing adds; `problem` why an address is given up."""

    part: ListingPart | None = None
    problem: str = ""


@dataclass(slots=True)
class AddressSource:
    """Fetches the addresses of jobs. `now` gives aware datetimes."""

    store: Backlog
    jobs: JobStore
    pages: PageFetcher
    settings: Settings
    now: Callable[[], datetime]
    kind: str = field(default=KIND, init=False)

    def take_leases(self, count: int) -> TakenLeases:
        return self.store.take_leases(count, 2 * self.settings.fetch.deadline_seconds + 60)

    async def fetch(self, lease: Lease, fetcher: Fetcher) -> Result:
        owner = get_owner(lease)
        if self.store.is_paused(str(owner.job)):
            return Result(LeaseResult(lease, PAUSED_RECHECK_SECONDS, {"takes": None}))
        if is_listing(lease):
            return self._list(lease, owner)
        return await self._fetch(lease, owner, fetcher)

    def result_of_bug(self, lease: Lease, error: Exception) -> Result:
        return self._try_again(lease, no_page_for_bug(error))

    def save(self, results: Sequence[Result]) -> None:
        """End the leases, after the documents were claimed."""
        done = []
        for result in results:
            lease = result.lease_result.lease
            if isinstance(result, _AddressResult) and result.part:
                self.store.extend(lease, result.part)
                continue
            done.append(result.lease_result)
            if isinstance(result, _AddressResult):
                address = printable_url(lease.fields.get("content", ""))
                refused = RefusedSummary(address, result.answer or "address", result.problem)
                self.store.count_unfetchable(lease, ["unreadable"])
                most = self.settings.jobs.max_refused
                self.jobs.add_refused(str(get_owner(lease).job), refused, most)
        self.store.finish(done)

    def _list(self, lease: Lease, owner: Owner) -> Result:
        """The next stored list of the job."""
        number = lease.fields.get("cursor") or "0"
        result = LeaseResult(lease, None)
        if self.store.count_items(owner, lease.name) > WINDOW - LIST_LENGTH:
            return _AddressResult(result, part=ListingPart((), number, FULL_SECONDS))
        addresses = self.store.read_addresses(str(owner.job), number)
        if addresses is None:
            return _AddressResult(result, part=ListingPart(due_in_seconds=None))
        ports = self.settings.fetch.allow_ports
        items = tuple(BacklogItem(find_host(url, ports), 1, url) for url in addresses)
        part = ListingPart(items, str(int(number) + 1), used_list=number)
        return _AddressResult(result, part=part)

    async def _fetch(self, lease: Lease, owner: Owner, fetcher: Fetcher) -> Result:
        url = lease.fields["content"]
        try:
            refuse_crashing(lease, url)
            delay = await self.pages.crawl_delay(url, fetcher)
            page = await self.pages.fetch_part(url, fetcher, is_any_type=True)
        except FetchFailed as error:
            problem = NoPage(str(error), answer=error.trouble, is_final=error.refused)
            return self._try_again(lease, problem)
        except NoPage as error:
            return self._try_again(lease, error)
        at = rfc3339(self.now())
        origin = Origin(owner.source, ENQUEUED, public_url(page.url), at, page.charset)
        document = Incoming(page.data, printable_url(page.url), origin, owner=owner)
        done = LeaseResult(lease, due_in_seconds=None, host_interval_seconds=delay)
        return Result(done, (document,), answer=status_label(HTTPStatus.OK))

    def _try_again(self, lease: Lease, problem: NoPage) -> Result:
        if later := problem.retry(lease, self.settings.fetch.page_tries):
            return later
        end = problem.result(lease, None)
        return _AddressResult(
            end.lease_result, failed=True, answer=problem.answer, problem=str(problem)
        )
