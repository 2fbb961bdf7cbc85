"""Published pages as a source: each is fetched again, to see whether it changed or was removed.

A page that changed is claimed like any page, and its article is read again under its id: only
another text is published. A page that was removed becomes a tombstone.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus

from worker.errors import Rejected, SpoolUnavailable
from worker.feeds.catalog import Catalog
from worker.feeds.recheck import CONFIRM_MS, RETRY_MS, Recheck, is_over, next_recheck
from worker.fetch import Fetcher, public_url
from worker.fetch.url import printable_url
from worker.formats.page.entry_bundle import EntryBundle, PagePart, pack, unpack
from worker.formats.page.full_text import removal_notice_of
from worker.formats.page.links import is_front_page
from worker.model import IndexEntry, RevisionReason, WithdrawalReason
from worker.model.times import rfc3339, rfc3339_from_ms
from worker.settings import Settings
from worker.sources.fetch_loop import Result
from worker.sources.page_fetch import FetchedPages, NoPage, PageFetcher
from worker.sources.registry import is_paused
from worker.sources.responses import PAUSED_RECHECK_SECONDS, status_label
from worker.sources.tombstones import make_tombstone
from worker.spool.archive import Archive
from worker.spool.claim import Incoming
from worker.spool.manifest import Origin, Reread
from worker.store.articles import ArticleStore
from worker.store.leases import Lease, LeaseResult, TakenLeases
from worker.store.rechecks import PublishedPage, RecheckStore, read_page

KIND = "recheck"
_REMOVED = ("404", "410")
_MAX_CRASHES = 3
"""How often a recheck may end with its process: the page may be the cause."""


@dataclass(frozen=True, slots=True)
class RecheckResult(Result):
    """The result of one recheck of a page of `source`: whether it was `done`, and how many were
    `dropped`. It took `extra_seconds` of its host's turns beyond the one of its lease."""

    source: str = ""
    done: int = 0
    dropped: int = 0
    extra_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Copy:
    """The page of an article as it was fetched last."""

    article: IndexEntry
    bundle: EntryBundle
    origin: Origin
    seen_at: str
    url: str


@dataclass(slots=True)
class RecheckSource:
    """Fetches published pages again. `now` gives aware datetimes."""

    store: RecheckStore
    pages: PageFetcher
    catalog: Callable[[], Catalog]
    archive: Archive
    articles: ArticleStore
    settings: Settings
    now: Callable[[], datetime]
    kind: str = field(default=KIND, init=False)

    def sync(self) -> None:
        """Forget the counts of feeds that are gone. Raises SpoolUnavailable where the catalog
        cannot be read."""
        catalog, counts = self.catalog(), self.store.read_counts()
        self.store.forget(
            source
            for source, each in counts.items()
            if catalog.get(source) is None and not each.waiting
        )

    def take_leases(self, count: int) -> TakenLeases:
        try:
            self.catalog()
        except SpoolUnavailable:  # which feeds want it is unknown
            return TakenLeases((), has_more=False)
        fetch = self.settings.fetch
        return self.store.take_leases(count, fetch.page_seconds + 5 * fetch.deadline_seconds + 240)

    async def fetch(self, lease: Lease, fetcher: Fetcher) -> Result:
        page = read_page(lease)
        feed = self.catalog().get(page.source)
        article = self.articles.find(page.id) if feed and feed.recheck else None
        if article is None or article.is_withdrawn:
            return Result(LeaseResult(lease, due_in_seconds=None))
        if lease.is_late or page.takes > _MAX_CRASHES:
            return self._next(lease, page, was_made=False)
        if is_paused(self.settings.state_dir, page.source):
            return Result(LeaseResult(lease, PAUSED_RECHECK_SECONDS, {"takes": None}))
        copy = await asyncio.to_thread(self._read_copy, page, article)
        if copy is None:
            return RecheckResult(LeaseResult(lease, None), source=page.source, dropped=1)
        return await self._fetch(lease, page, copy, fetcher)

    async def _fetch(
        self, lease: Lease, page: PublishedPage, copy: _Copy, fetcher: Fetcher
    ) -> Result:
        earlier = copy.bundle.pages
        try:
            fetched = await self.pages.fetch(copy.url, page.source, fetcher, earlier)
            if fetched.problem:
                raise NoPage(fetched.problem)
        except NoPage as error:
            if error.answer in _REMOVED and earlier:
                return await self._missing(lease, page, copy, error, fetcher)
            return self._failed(lease, page, error)
        if notice := await asyncio.to_thread(self._notice, page.source, fetched.parts):
            return self._withdraw(lease, page, copy, WithdrawalReason.NOTICE, notice)
        result = self._next(lease, page, was_made=True, delay=fetched.delay)
        pause = max(fetched.delay, self.settings.fetch.host_interval_seconds)
        result = replace(result, extra_seconds=pause * (len(fetched.parts) - 1))
        if fetched.is_unchanged:
            return replace(result, answer=status_label(HTTPStatus.NOT_MODIFIED))
        has_changed = [part.data for part in fetched.parts] != [part.data for part in earlier]
        # Many sites lead from a page that is gone to their front page.
        is_elsewhere = is_front_page(fetched.parts[0].url) and not is_front_page(copy.url)
        if has_changed and not is_elsewhere:
            result = replace(result, documents=(self._document(page, copy, fetched),))
        return replace(result, answer=status_label(HTTPStatus.OK))

    def result_of_bug(self, lease: Lease, error: Exception) -> Result:
        return Result(LeaseResult(lease, RETRY_MS / 1000), failed=True)

    def save(self, results: Sequence[Result]) -> None:
        """Schedule the next rechecks and count, after the pages were claimed."""
        are_ours = self.store.finish([result.lease_result for result in results])
        for result in results:
            if isinstance(result, RecheckResult) and result.extra_seconds:
                self.store.add_turns(result.lease_result.lease.host, result.extra_seconds)
        self.store.count_rechecks(
            (what, result.source, number)
            for is_ours, result in zip(are_ours, results, strict=True)
            if is_ours and isinstance(result, RecheckResult)
            for what, number in (("done", result.done), ("dropped", result.dropped))
            if number
        )

    def _read_copy(self, page: PublishedPage, article: IndexEntry) -> _Copy | None:
        """The page as it is in the archive; None if it has expired or is damaged."""
        segment = self.archive.find(page.batch)
        if segment is None:
            return None
        try:
            head = segment.head()
            file = next(file for file in head.files if file.entry == page.entry)
            data = next(data for entry, data in segment.raws() if entry == page.entry)
            bundle = unpack(data)
        except (FileNotFoundError, StopIteration, Rejected, SpoolUnavailable):
            return None
        if file.origin is None:
            return None
        seen_at = file.reread.seen_at if file.reread else file.origin.seen_at
        url = bundle.entry.url or file.origin.url
        return _Copy(article, bundle, file.origin, seen_at or head.batch.claimed_at, url)

    def _notice(self, source: str, parts: Sequence[PagePart]) -> str:
        """Where the site's rule finds that the article was removed, in words; or nothing. This
        parses the pages, so it runs in a thread."""
        context = self.pages.context(source)
        for part in parts:
            if selector := removal_notice_of(part, context):
                return f"{printable_url(part.url)} shows the notice {selector}"
        return ""

    async def _missing(
        self, lease: Lease, page: PublishedPage, copy: _Copy, error: NoPage, fetcher: Fetcher
    ) -> Result:
        """The page was answered by 404 or 410: it is withdrawn when that happens a second time, at
        least a day later, while another page of its host is there."""
        now_ms = self._now_ms()
        # A time in the future is of a clock that was ahead: it would put the page off until then.
        first_ms = now_ms if page.gone_ms is None else min(page.gone_ms, now_ms)
        wait_ms = first_ms + CONFIRM_MS - now_ms
        if wait_ms <= 0:
            if await self._has_other_page(page, copy, fetcher):
                times = f"{rfc3339_from_ms(first_ms)} and {rfc3339_from_ms(now_ms)}"
                detail = f"{printable_url(copy.url)} was answered by {error.answer} at {times}"
                result = self._withdraw(lease, page, copy, WithdrawalReason.GONE, detail)
                return replace(result, answer=error.answer)
            if is_over(page.page_ms, now_ms):
                return RecheckResult(LeaseResult(lease, None), source=page.source, dropped=1)
            wait_ms = CONFIRM_MS
        recheck = Recheck(page.number, now_ms + wait_ms, now_ms + wait_ms + CONFIRM_MS)
        done = self._planned(lease, recheck, {"gone_ms": first_ms})
        return RecheckResult(done, answer=error.answer, source=page.source, done=1)

    async def _has_other_page(self, page: PublishedPage, copy: _Copy, fetcher: Fetcher) -> bool:
        own = {public_url(copy.url), *(part.url for part in copy.bundle.pages)}
        for url in self.store.list_pages(page.host):
            if url not in own and await self.pages.is_reachable(url, fetcher):
                return True
        return False

    def _withdraw(
        self, lease: Lease, page: PublishedPage, copy: _Copy, reason: WithdrawalReason, detail: str
    ) -> RecheckResult:
        tombstone = make_tombstone(
            self.articles, copy.article, reason, detail, kind=KIND, now=self.now()
        )
        done = LeaseResult(lease, due_in_seconds=None)
        answer = status_label(HTTPStatus.OK)
        return RecheckResult(done, (tombstone,), answer=answer, source=page.source, done=1)

    def _document(self, page: PublishedPage, copy: _Copy, fetched: FetchedPages) -> Incoming:
        bundle = replace(copy.bundle, pages=fetched.parts, problem=None)
        url = fetched.parts[0].url
        origin = replace(copy.origin, url=public_url(url), fetched_at=rfc3339(self.now()))
        reread = Reread(RevisionReason.RECHECK, ((0, page.id),), copy.seen_at)
        return Incoming(pack(bundle), printable_url(url), origin, reread)

    def _failed(self, lease: Lease, page: PublishedPage, error: NoPage) -> Result:
        """Try the recheck again until it is too late; not at all where that is useless."""
        if error.is_final:
            return replace(self._next(lease, page, was_made=True), answer=error.answer, failed=True)
        return error.result(lease, max(error.wait, RETRY_MS / 1000), {"takes": None})

    def _next(
        self, lease: Lease, page: PublishedPage, *, was_made: bool, delay: float | None = None
    ) -> RecheckResult:
        """Plan the next recheck. One that was not made is dropped: it is too late, or ended its
        process too often. Where one was made, the page is there."""
        recheck, dropped = next_recheck(
            page.page_ms, self._now_ms(), page.number, was_made=was_made
        )
        done = LeaseResult(lease, due_in_seconds=None, host_interval_seconds=delay)
        if recheck is not None:
            done = self._planned(lease, recheck, {"gone_ms": None} if was_made else {})
            done = replace(done, host_interval_seconds=delay)
        missed = dropped if was_made else dropped + 1
        return RecheckResult(done, source=page.source, done=int(was_made), dropped=missed)

    def _planned(
        self, lease: Lease, recheck: Recheck, fields: Mapping[str, int | None]
    ) -> LeaseResult:
        wait = max(0, recheck.due_ms - self._now_ms()) / 1000
        state = {**fields, "takes": None, "number": recheck.number, "late_ms": recheck.late_ms}
        return LeaseResult(lease, wait, state)

    def _now_ms(self) -> int:
        return int(self.now().timestamp() * 1000)
