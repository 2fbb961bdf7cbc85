"""Feeds as a source: which are due, what their servers answer, and what follows from that."""

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from worker.errors import FetchFailed, SpoolUnavailable, Trouble, UsageError
from worker.feeds.catalog import Catalog
from worker.feeds.feed import RSSHUB, Feed
from worker.feeds.schedule import (
    JITTER,
    LONGEST_HINT,
    PollOutcome,
    PollResponse,
    PollState,
    decide_next_poll,
    get_poll_pace,
    longest_wait,
)
from worker.fetch import (
    Fetcher,
    FetchRequest,
    FetchResponse,
    Target,
    fresh_seconds,
    printable_url,
    public_url,
    retry_after,
)
from worker.model.times import milliseconds, rfc3339
from worker.settings import Settings
from worker.sources.fetch_loop import Result
from worker.sources.registry import is_paused
from worker.sources.responses import (
    PAUSED_RECHECK_SECONDS,
    bounded_validator,
    describe_status,
    find_host,
    status_label,
)
from worker.spool.claim import Incoming
from worker.spool.manifest import Form, Origin
from worker.store.feed_state import ConfiguredFeed, PollLogEntry, read_poll_state
from worker.store.feeds import FeedStore
from worker.store.leases import Lease, LeaseResult, TakenLeases

KIND = "feed"
ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, "
    "application/json;q=0.9, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
)
_BEHIND_SECONDS = 30.0
"""A feed that its host's pace delays by more is reported."""


@dataclass(slots=True)
class FeedSource:
    """Polls the feeds of a catalog. `now` gives aware datetimes; `on_more` is called once where
    more feeds are due than were requested."""

    store: FeedStore
    catalog: Callable[[], Catalog]
    settings: Settings
    now: Callable[[], datetime]
    on_more: Callable[[], None] | None = None
    kind: str = field(default=KIND, init=False)

    def sync(self) -> bool:
        """Give the store the feeds of the catalog; False where it has them.

        Raises SpoolUnavailable where the catalog cannot be read.
        """
        catalog, fetch = self.catalog(), self.settings.fetch
        # A feed's host depends on these settings too.
        version = f"{catalog.digest} {fetch.rsshub_base} {sorted(fetch.allow_ports)}"
        digest = hashlib.sha256(version.encode()).hexdigest()
        feeds = (ConfiguredFeed(feed.name, feed.url, self._host(feed.url)) for feed in catalog)
        return self.store.sync(digest, len(catalog), feeds)

    def follow_clock(self) -> int:
        """Have feeds polled that a clock which was ahead put off beyond their longest interval;
        return their number. Raises SpoolUnavailable where the catalog cannot be read."""
        catalog, settings, now_ms = self.catalog(), self.settings, self.store.now_ms()
        time = datetime.fromtimestamp(now_ms / 1000, UTC)

        def latest_ms(name: str) -> int:
            feed = catalog.get(name)
            wait = longest_wait(get_poll_pace(feed, settings), time) if feed else LONGEST_HINT
            return now_ms + int(1000 * wait)

        shifted = self.store.follow_clock()
        return shifted + self.store.bring_forward(latest_ms, now_ms + 1000 * LONGEST_HINT)

    def take_leases(self, count: int) -> TakenLeases:
        try:
            self.catalog()
        except SpoolUnavailable:  # their settings are unknown: only pages are fetched
            return TakenLeases((), has_more=False)
        result = self.store.take_leases(count, self.settings.fetch.deadline_seconds + 30)
        if delays := _delays(result.leases):
            self.store.record_delays(delays)
        if self.on_more and result.has_more and len(result.leases) == count:
            on_more, self.on_more = self.on_more, None
            on_more()
        return result

    async def fetch(self, lease: Lease, fetcher: Fetcher) -> Result:
        feed = self.catalog().get(lease.name)
        if feed is None or is_paused(self.settings.state_dir, feed.name):
            # The next sync removes a feed that is not in the catalog.
            return Result(LeaseResult(lease, due_in_seconds=PAUSED_RECHECK_SECONDS))
        before, begun_at = read_poll_state(lease), self.now()
        try:
            configured = feed.address(self.settings.fetch.rsshub_base)
            home = fetcher.target(configured)
            address = before.address or configured
            is_same_origin = fetcher.target(address).origin == home.origin
            answer = await fetcher.get(
                _request(feed, address, before, is_same_origin=is_same_origin)
            )
        except (FetchFailed, UsageError) as error:
            trouble = error.trouble if isinstance(error, FetchFailed) else Trouble.ADDRESS
            failure = PollResponse(None, str(error), trouble)
            return self._result(lease, feed, before, failure, begun_at=begun_at)
        response = _poll_response(answer, self.now(), before)
        if answer.permanent_url is not None:
            new_address = _new_address(feed, answer.permanent_url, home, fetcher)
            response = replace(response, permanent_url=new_address)
        return self._result(lease, feed, before, response, answer, begun_at=begun_at)

    def result_of_bug(self, lease: Lease, error: Exception) -> Result:
        feed = self.catalog().get(lease.name)
        if feed is None:
            return Result(LeaseResult(lease, due_in_seconds=PAUSED_RECHECK_SECONDS))
        message = f"fetching it failed with {type(error).__name__}: this is a bug; please report it"
        response = PollResponse(None, message, Trouble.PROTOCOL)
        return self._result(lease, feed, read_poll_state(lease), response, begun_at=self.now())

    def save(self, results: Sequence[Result]) -> None:
        self.store.finish([result.lease_result for result in results])

    def _result(
        self,
        lease: Lease,
        feed: Feed,
        before: PollState,
        response: PollResponse,
        answer: FetchResponse | None = None,
        *,
        begun_at: datetime,
    ) -> Result:
        now = self.now()
        verdict = decide_next_poll(
            response,
            before,
            get_poll_pace(feed, self.settings),
            now=now,
            jitter=random.uniform(-1, 1),  # noqa: S311 no secret: it only spreads the load
        )
        fields = dict(verdict.fields)
        if "address" in fields:
            fields["host"] = self._host(fields["address"] or feed.url)
        host = find_host(answer.url, self.settings.fetch.allow_ports) if answer else lease.host
        done = LeaseResult(
            lease,
            verdict.next_poll_seconds,
            fields,
            backoff_seconds=verdict.host_backoff_seconds,
            backoff_host=host,
        )
        label = status_label(answer.status) if answer else response.trouble or ""
        has_document = answer is not None and verdict.outcome is PollOutcome.CHANGED
        fields["poll"] = PollLogEntry(
            at_ms=milliseconds(rfc3339(now)),  # as the document's origin has it
            answer=label,
            size=len(answer.body) if answer else 0,
            took_ms=max(0, int(1000 * (now - begun_at).total_seconds())),
            new=None if has_document else 0,
        ).line()
        if answer is None or verdict.outcome is not PollOutcome.CHANGED:
            return Result(done, failed=verdict.outcome is PollOutcome.FAILED, answer=label)
        return Result(done, (self._document(feed, answer, now),), answer=label)

    def _document(self, feed: Feed, answer: FetchResponse, now: datetime) -> Incoming:
        origin = Origin(
            source=feed.name,
            kind=KIND,
            url=answer.url,
            fetched_at=rfc3339(now),
            charset=answer.charset,
            feed_url=public_url(feed.address(self.settings.fetch.rsshub_base)),
            form=Form.FEED,
        )
        return Incoming(answer.body, printable_url(answer.url), origin)

    def _host(self, url: str) -> str:
        fetch = self.settings.fetch
        base = fetch.rsshub_base if url.startswith(RSSHUB) else url
        return find_host(base, fetch.allow_ports)


def _delays(leases: Sequence[Lease]) -> dict[str, float]:
    """By how many seconds each host is behind; 0 where that is within the interval's jitter."""
    delays: dict[str, float] = {}
    for lease in leases:
        if lease.late_seconds is not None:
            tolerance = max(_BEHIND_SECONDS, JITTER * float(lease.fields.get("interval", 0)))
            late = lease.late_seconds if lease.late_seconds > tolerance else 0.0
            delays[lease.host] = max(late, delays.get(lease.host, 0.0))
    return delays


def _request(feed: Feed, address: str, before: PollState, *, is_same_origin: bool) -> FetchRequest:
    """The feed's own headers may be credentials: only the origin in its address gets them."""
    return FetchRequest(
        address,
        etag=before.etag,
        last_modified=before.modified,
        headers=tuple(feed.headers.items()) if is_same_origin else (),
        accept=ACCEPT,
    )


def _new_address(feed: Feed, there: str, home: Target, fetcher: Fetcher) -> str | None:
    """The address of a feed that moved permanently. On its own origin it keeps user and password; a
    feed with credentials does not follow to another origin."""
    if fetcher.target(there).origin != home.origin:
        return None if feed.headers or home.authorization else there
    user, at, _ = urlsplit(feed.url).netloc.rpartition("@")
    return there.replace("://", f"://{user}@", 1) if at else there


def _poll_response(answer: FetchResponse, now: datetime, before: PollState) -> PollResponse:
    is_ok = answer.status == HTTPStatus.OK
    is_same = answer.status == HTTPStatus.NOT_MODIFIED and before.has_validator
    return PollResponse(
        status=answer.status,
        message=None if is_ok or is_same else describe_status(answer),
        fresh_seconds=fresh_seconds(answer.headers, now),
        retry_after=retry_after(answer.headers, now),
        permanent_url=answer.permanent_url,
        etag=bounded_validator(answer.headers.get("etag")),
        modified=bounded_validator(answer.headers.get("last-modified")),
        body_hash=hashlib.sha256(answer.body).hexdigest()[:32] if is_ok else None,
    )
