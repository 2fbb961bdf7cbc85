"""Feeds as a source: whose turn it is, what its server answers, and what follows from that."""

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from worker.errors import FetchFailed, SpoolUnavailable, Trouble, UsageError
from worker.feeds.catalog import Catalog
from worker.feeds.feed import RSSHUB, Feed
from worker.feeds.schedule import (
    PollOutcome,
    PollResponse,
    PollState,
    decide_next_poll,
    get_poll_pace,
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
from worker.model.times import rfc3339
from worker.settings import Settings
from worker.sources.fetch_loop import Result
from worker.sources.registry import is_paused
from worker.sources.responses import HELD_SECONDS, host_of, named, status_said
from worker.spool.claim import Incoming
from worker.spool.manifest import Form, Origin
from worker.store.feeds import ConfiguredFeed, FeedStore, read_poll_state
from worker.store.leases import Lease, LeaseResult, TakenLeases

KIND = "feed"
ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, "
    "application/json;q=0.9, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
)
_LONGEST_VALIDATOR = 1000


class FeedSource:
    """Polls the feeds of a catalog. `now` gives aware datetimes."""

    kind = KIND

    def __init__(
        self,
        store: FeedStore,
        catalog: Callable[[], Catalog],
        settings: Settings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._settings = settings
        self._now = now

    def sync(self) -> bool:
        """Let the store have the feeds of the catalog; False where it has them.

        Raises SpoolUnavailable where these cannot be read.
        """
        catalog, fetch = self._catalog(), self._settings.fetch
        # What is paced depends on these settings too: a port that was listed gives a feed its host.
        seen = f"{catalog.digest} {fetch.rsshub_base} {sorted(fetch.allow_ports)}"
        digest = hashlib.sha256(seen.encode()).hexdigest()
        return self._store.sync(digest, len(catalog), map(self._configured, catalog))

    def take(self, count: int) -> TakenLeases:
        try:
            self._catalog()
        except SpoolUnavailable:  # it is not known how they are to be asked: pages go on
            return TakenLeases((), has_more=False)
        return self._store.take_leases(count, self._settings.fetch.deadline_seconds + 30)

    async def fetch(self, turn: Lease, fetcher: Fetcher) -> Result:
        feed = self._catalog().get(turn.name)
        if feed is None or is_paused(self._settings.state_dir, feed.name):
            # One that is gone goes with the next sync.
            return Result(LeaseResult(turn, due_in_seconds=HELD_SECONDS))
        before = read_poll_state(turn)
        try:
            configured = feed.address(self._settings.fetch.rsshub_base)
            home = fetcher.target(configured)
            address = before.address or configured
            at_home = fetcher.target(address).origin == home.origin
            answer = await fetcher.get(_asked(feed, address, before, at_home=at_home))
        except FetchFailed as error:
            return self._result(turn, feed, before, PollResponse(None, str(error), error.trouble))
        except UsageError as error:
            return self._result(turn, feed, before, PollResponse(None, str(error), Trouble.ADDRESS))
        heard = _heard(answer, self._now())
        if answer.permanent_url is not None:
            moved_to = _adopted(feed, answer.permanent_url, home, fetcher)
            heard = replace(heard, permanent_url=moved_to)
        return self._result(turn, feed, before, heard, answer)

    def failed(self, turn: Lease, error: Exception) -> Result:
        feed = self._catalog().get(turn.name)
        if feed is None:
            return Result(LeaseResult(turn, due_in_seconds=HELD_SECONDS))
        said = f"fetching it failed with {type(error).__name__}: this is a bug; please report it"
        return self._result(
            turn, feed, read_poll_state(turn), PollResponse(None, said, Trouble.PROTOCOL)
        )

    def note(self, results: Sequence[Result]) -> None:
        self._store.finish([result.done for result in results])

    def _result(
        self,
        turn: Lease,
        feed: Feed,
        before: PollState,
        heard: PollResponse,
        answer: FetchResponse | None = None,
    ) -> Result:
        now = self._now()
        verdict = decide_next_poll(
            heard,
            before,
            get_poll_pace(feed, self._settings),
            now=now,
            jitter=random.uniform(-1, 1),  # noqa: S311 no secret: only to spread the load
        )
        fields = dict(verdict.fields)
        if "address" in fields:
            fields["host"] = self._host(fields["address"] or feed.url)
        asked = host_of(answer.url, self._settings.fetch.allow_ports) if answer else turn.host
        done = LeaseResult(
            turn,
            verdict.next_poll_seconds,
            fields,
            backoff_seconds=verdict.host_backoff_seconds,
            backoff_host=asked,
        )
        said = named(answer.status) if answer else heard.trouble or ""
        if answer is None or verdict.outcome is not PollOutcome.CHANGED:
            return Result(done, failed=verdict.outcome is PollOutcome.FAILED, answer=said)
        origin = Origin(
            source=feed.name,
            kind=KIND,
            url=answer.url,
            fetched_at=rfc3339(now),
            charset=answer.charset,
            feed_url=public_url(feed.address(self._settings.fetch.rsshub_base)),
            form=Form.FEED,
        )
        document = Incoming(answer.body, printable_url(answer.url), origin)
        return Result(done, (document,), answer=said)

    def _configured(self, feed: Feed) -> ConfiguredFeed:
        return ConfiguredFeed(feed.name, feed.url, self._host(feed.url))

    def _host(self, url: str) -> str:
        fetch = self._settings.fetch
        base = fetch.rsshub_base if url.startswith(RSSHUB) else url
        return host_of(base, fetch.allow_ports)


def _asked(feed: Feed, address: str, before: PollState, *, at_home: bool) -> FetchRequest:
    """The feed's own headers may be credentials: they go to the origin that it was given for."""
    return FetchRequest(
        address,
        etag=before.etag,
        last_modified=before.modified,
        headers=tuple(feed.headers.items()) if at_home else (),
        accept=ACCEPT,
    )


def _adopted(feed: Feed, there: str, home: Target, fetcher: Fetcher) -> str | None:
    """Where a feed that moved for good is polled: user and password go with it on its own origin;
    to another one no feed moves that has credentials."""
    if fetcher.target(there).origin != home.origin:
        return None if feed.headers or home.authorization else there
    user, at, _ = urlsplit(feed.url).netloc.rpartition("@")
    return there.replace("://", f"://{user}@", 1) if at else there


def _heard(answer: FetchResponse, now: datetime) -> PollResponse:
    good = answer.status == HTTPStatus.OK
    return PollResponse(
        status=answer.status,
        message=None if good else status_said(answer),
        fresh_seconds=fresh_seconds(answer.headers, now),
        retry_after=retry_after(answer.headers, now),
        permanent_url=answer.permanent_url,
        etag=_short(answer.headers.get("etag")),
        modified=_short(answer.headers.get("last-modified")),
        body=hashlib.sha256(answer.body).hexdigest()[:32] if good else None,
    )


def _short(validator: str | None) -> str | None:
    """A validator that is worth keeping: one of kilobytes is sent back by nobody."""
    return validator if validator and len(validator) <= _LONGEST_VALIDATOR else None
