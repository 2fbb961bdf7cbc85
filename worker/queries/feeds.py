"""The state of each feed: when it had news, when it is polled next, and what is wrong."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from worker.errors import Retryable
from worker.feeds.catalog import load_catalog
from worker.feeds.feed import Feed
from worker.feeds.schedule import FIRST_SECONDS
from worker.fetch import printable_url
from worker.model.times import rfc3339, rfc3339_from_ms
from worker.settings import POLLED, Settings
from worker.sources.registry import is_paused, require_name
from worker.store.factory import feed_store, recheck_store
from worker.store.feed_state import FeedState
from worker.store.rechecks import RecheckCounts


class FeedStatus(StrEnum):
    """The status of a feed. Stable: in `--json` and in the docs."""

    NEW = "new"
    """Not polled yet."""
    OK = "ok"
    FAILING = "failing"
    """Its last polls failed, or the documents were no feeds."""
    PAUSED = "paused"
    UNKNOWN = "unknown"
    """Redis does not answer."""


@dataclass(frozen=True, slots=True)
class FeedView:
    """One feed. Times are RFC 3339, UTC; addresses are without credentials.

    `name` never changes; `label`, if set, is what people see. `configured`: the feed is defined in
    the config file, so no command changes it. `moved_to` is its address after a permanent redirect.
    `interval_seconds` is None where it has a `schedule`. Nothing is fetched from its host until
    `host_pause`, because the host asked for that (429, 503). `failures` counts consecutive polls
    that failed or brought unreadable documents; `trouble` and `error` belong to the last of them.
    Counts are of articles, and None without Redis; `rechecks` are those of its published pages.
    """

    name: str
    url: str
    status: FeedStatus
    configured: bool
    label: str = ""
    title: str | None = None
    tags: tuple[str, ...] = ()
    full_text: bool = False
    recheck: bool = False
    schedule: str | None = None
    interval_seconds: float | None = None
    last_poll: str | None = None
    last_new: str | None = None
    next_poll: str | None = None
    host_pause: str | None = None
    moved_to: str | None = None
    entries: int | None = None
    published: int | None = None
    revised: int | None = None
    duplicate: int | None = None
    rejected: int | None = None
    gaps: int = 0
    last_gap: str | None = None
    rechecks: RecheckCounts | None = None
    failures: int = 0
    trouble: str | None = None
    error: str | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class PollView:
    """One poll of a feed at the time `at` (RFC 3339, UTC). `answer` is the status, or the trouble
    where there was none; `size` the bytes of the body. `new` is None until its entries are read."""

    at: str
    answer: str
    size: int
    took_seconds: float
    new: int | None


@dataclass(frozen=True, slots=True)
class FeedsView:
    """All feeds in natural order of their names, at the time `at`. `paused`: none is polled.
    `problem` says in words why only the configuration is known."""

    at: str
    feeds: tuple[FeedView, ...]
    paused: bool = False
    problem: str | None = None

    def named(self, name: str) -> FeedView:
        """Raises NotThere, with the nearest name."""
        feeds = {feed.name: feed for feed in self.feeds}
        labelled = [feed for feed in self.feeds if name in (feed.label, feed.url)]
        if name not in feeds and len(labelled) == 1:
            return labelled[0]
        require_name("feed", name, feeds)
        return feeds[name]


def list_feeds(settings: Settings, now: datetime) -> FeedsView:
    """Every feed of the config file and of the state directory. Raises ConfigError."""
    catalog = load_catalog(settings)
    listed = sorted(catalog, key=lambda feed: (natural_order(feed.name), feed.name))
    states, rechecks, problem = _states(settings, [feed.name for feed in listed])
    return FeedsView(
        at=rfc3339(now),
        feeds=tuple(
            replace(
                _view(feed, states.get(feed.name), settings, now),
                configured=feed.name not in catalog.managed,
                rechecks=rechecks.get(feed.name),
            )
            for feed in listed
        ),
        paused=is_paused(settings.state_dir, POLLED),
        problem=problem,
    )


def list_polls(settings: Settings, name: str) -> tuple[PollView, ...]:
    """The last polls of a feed, at most 50, newest first. Raises Retryable."""
    return tuple(
        PollView(
            at=rfc3339_from_ms(poll.at_ms),
            answer=poll.answer,
            size=poll.size,
            took_seconds=poll.took_ms / 1000,
            new=poll.new,
        )
        for poll in feed_store(settings).read_polls(name)
    )


def natural_order(name: str) -> list[str | int]:
    """A sort key by which `feed-2` comes before `feed-10`."""
    parts = re.split(r"(\d+)", name.casefold())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def _states(
    settings: Settings, names: list[str]
) -> tuple[dict[str, FeedState], dict[str, RecheckCounts], str | None]:
    try:
        states = {state.name: state for state in feed_store(settings).get_states(names)}
        return states, recheck_store(settings).read_counts(), None
    except Retryable as error:
        return {}, {}, str(error)


def _view(feed: Feed, state: FeedState | None, settings: Settings, now: datetime) -> FeedView:
    paused = is_paused(settings.state_dir, feed.name)
    view = FeedView(
        name=feed.name,
        url=printable_url(feed.url),
        status=FeedStatus.PAUSED if paused else FeedStatus.UNKNOWN,
        configured=False,
        label=feed.label,
        tags=feed.tags,
        full_text=feed.full_text,
        recheck=feed.recheck,
        schedule=feed.schedule or None,
    )
    if state is None:
        return view
    last_error = _time(state.error_ms if state.failures else state.polled_ms if state.bad else None)
    return replace(
        view,
        status=_status(state, paused=paused),
        interval_seconds=None if feed.schedule else _interval(feed, state, settings),
        last_poll=_time(state.polled_ms),
        last_new=_time(state.new_ms),
        next_poll=None if paused else _next_poll(state, now),
        host_pause=_time(state.host_free_ms) if _is_host_pausing(state, now) else None,
        moved_to=printable_url(state.address) if state.address else None,
        last_gap=_time(state.gap_ms),
        failures=state.failures or state.bad,
        trouble=state.trouble or state.bad_reason,
        error=state.error or state.bad_message,
        last_error=last_error,
        **{name: getattr(state, name) for name in _FROM_STATE},
    )


_FROM_STATE = ("title", "entries", "published", "revised", "duplicate", "rejected", "gaps")


def _status(state: FeedState, *, paused: bool) -> FeedStatus:
    if paused:
        return FeedStatus.PAUSED
    if state.is_failing:
        return FeedStatus.FAILING
    return FeedStatus.OK if state.polled_ms else FeedStatus.NEW


def _next_poll(state: FeedState, now: datetime) -> str | None:
    """None where no worker has read the configuration of the feed yet."""
    if state.due_ms is not None and _is_host_pausing(state, now):
        return _time(max(state.due_ms, state.host_free_ms))
    return rfc3339(now) if state.due_ms == 0 else _time(state.due_ms)


def _is_host_pausing(state: FeedState, now: datetime) -> bool:
    return state.host_free_ms > now.timestamp() * 1000


def _interval(feed: Feed, state: FeedState, settings: Settings) -> float:
    """Seconds between two polls; for a new feed, its first interval."""
    shortest, longest = feed.bounds(settings)
    return state.interval or min(longest, max(shortest, FIRST_SECONDS))


def _time(milliseconds: int | None) -> str | None:
    return rfc3339_from_ms(milliseconds) if milliseconds else None
