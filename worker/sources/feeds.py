"""Feeds as a source: whose turn it is, what its server answers, and what follows from that."""

import hashlib
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from http import HTTPStatus

from worker.errors import FetchFailed, Trouble, UsageError
from worker.feeds.catalog import Catalog
from worker.feeds.feed import Feed
from worker.feeds.schedule import Heard, Pace, Remembered, Turnout, judge
from worker.fetch import Answer, Asked, Fetcher, hold_seconds, public_url, retry_after
from worker.fetch.url import shown_url, target_of
from worker.settings import Settings
from worker.sources.fetching import Result
from worker.sources.pause import is_paused
from worker.spool.claim import Incoming
from worker.spool.manifest import Form, Origin
from worker.store.feeds import Configured, FeedStore, remembered
from worker.store.turns import Done, Taken, Turn
from worker.times import rfc3339

KIND = "feed"
ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, "
    "application/json;q=0.9, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
)
NOWHERE = "-"
"""The host of an address that has none: it is asked for nothing, and paced all the same."""

_PAUSED_SECONDS = 60.0
_LONGEST_VALIDATOR = 1000


class FeedSource:
    """Polls the feeds of a catalog. `now` gives aware datetimes."""

    def __init__(
        self,
        store: FeedStore,
        catalog: Callable[[], Catalog],
        settings: Settings,
        *,
        now: Callable[[], datetime],
        pace_of: Callable[[Feed, Settings], Pace],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._settings = settings
        self._now = now
        self._pace_of = pace_of

    def sync(self) -> bool:
        """Let the store have the feeds of the catalog; False where it has them."""
        catalog = self._catalog()
        return self._store.sync(
            catalog.digest, [self._configured(feed) for feed in catalog] if len(catalog) else []
        )

    def take(self, count: int) -> Taken:
        return self._store.poll(count, self._settings.fetch.deadline_seconds + 30)

    async def fetch(self, turn: Turn, fetcher: Fetcher) -> Result:
        feed = self._catalog().get(turn.name)
        if feed is None:
            return Result(Done(turn, after=None))
        if is_paused(self._settings.state_dir, feed.name):
            return Result(Done(turn, after=_PAUSED_SECONDS))
        before = remembered(turn)
        try:
            address = before.address or feed.address(self._settings.fetch.rsshub_base)
            answer = await fetcher.get(_asked(feed, address, before))
        except FetchFailed as error:
            return self._result(turn, feed, before, Heard(None, str(error), error.trouble))
        except UsageError as error:
            return self._result(turn, feed, before, Heard(None, str(error), Trouble.ADDRESS))
        heard = _heard(answer, self._now())
        return self._result(turn, feed, before, heard, answer)

    def note(self, results: Sequence[Result]) -> None:
        self._store.done([result.done for result in results])

    def _result(
        self,
        turn: Turn,
        feed: Feed,
        before: Remembered,
        heard: Heard,
        answer: Answer | None = None,
    ) -> Result:
        now = self._now()
        verdict = judge(
            heard,
            before,
            self._pace_of(feed, self._settings),
            now=now,
            jitter=random.uniform(-1, 1),  # noqa: S311 no secret: only to spread the load
        )
        fields = dict(verdict.fields)
        if "address" in fields:
            fields["host"] = self._host(fields["address"] or feed.url)
        done = Done(turn, verdict.after, fields, cool=verdict.cool)
        if answer is None or verdict.turnout is not Turnout.CHANGED:
            return Result(done, failed=verdict.turnout is Turnout.FAILED)
        origin = Origin(
            source=feed.name,
            kind=KIND,
            url=answer.url,
            fetched_at=rfc3339(now),
            charset=answer.charset,
            feed_url=public_url(feed.address(self._settings.fetch.rsshub_base)),
            form=Form.FEED,
        )
        return Result(done, (Incoming(answer.body, shown_url(answer.url), origin),))

    def _configured(self, feed: Feed) -> Configured:
        return Configured(feed.name, feed.url, self._host(feed.url))

    def _host(self, url: str) -> str:
        fetch = self._settings.fetch
        try:
            if url.startswith("rsshub://"):
                url = fetch.rsshub_base
            return target_of(url, fetch.allow_ports).host
        except FetchFailed:
            return NOWHERE


def _asked(feed: Feed, address: str, before: Remembered) -> Asked:
    return Asked(
        address,
        etag=before.etag,
        last_modified=before.modified,
        headers=tuple(feed.headers.items()),
        accept=ACCEPT,
    )


def _heard(answer: Answer, now: datetime) -> Heard:
    good = answer.status == HTTPStatus.OK
    return Heard(
        status=answer.status,
        message=None if good else status_said(answer),
        hold_seconds=hold_seconds(answer.headers, now),
        retry_after=retry_after(answer.headers, now),
        permanent=answer.permanent,
        etag=_short(answer.headers.get("etag")),
        modified=_short(answer.headers.get("last-modified")),
        body=hashlib.sha256(answer.body).hexdigest()[:32] if good else None,
    )


def _short(validator: str | None) -> str | None:
    """A validator that is worth keeping: one of kilobytes is sent back by nobody."""
    return validator if validator and len(validator) <= _LONGEST_VALIDATOR else None


def status_said(answer: Answer) -> str:
    """What a status other than success means to whoever named the address."""
    try:
        phrase = HTTPStatus(answer.status).phrase.lower()
    except ValueError:
        phrase = "a status of its own"
    what = f"{shown_url(answer.url)} answers {answer.status} ({phrase})"
    return f"{what}: {_ADVICE.get(answer.status, 'it is tried again later')}"


_ADVICE = {
    401: "put credentials into the address or the headers of its feed",
    403: "it refuses us: name yourself in fetch.user_agent, or ask its owner",
    404: "check the address; it is tried again at longer and longer intervals",
    410: "it is gone for good, its server says: remove it, or check the address",
    429: "it is asked too often: it is left in peace for a time",
    503: "it is overloaded: it is left in peace for a time",
}
