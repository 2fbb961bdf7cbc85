"""When a feed is polled next, from the response to its last poll. Pure: the clock is an argument.

The interval adapts to the feed: shorter after a poll that brought news, longer after one that did
not. With the two factors it settles where about a third of the polls bring news.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from worker.errors import Trouble
from worker.feeds.cron import next_cron_time
from worker.feeds.feed import Feed
from worker.settings import Settings

SHRINK = 0.6
GROW = 1.25
GAP = 0.25
"""Factors of the interval: after news, after none, and where entries may have been missed.
0.6^p · 1.25^(1-p) is 1 for p = 0.30."""

FIRST_SECONDS = 900
"""The first interval of a new feed."""

LONGEST_HINT = 86_400
"""Seconds; a longer pause that a server or feed asks for is cut to this."""

JITTER = 0.1
"""Share of the interval, earlier or later: feeds that were added together shall not stay so."""

MOVED_AFTER = 3
"""After so many polls with the same permanent redirect its target becomes the feed's address."""

_FIRST_BACKOFF = 300
_LONGEST_BACKOFF = 86_400
_FIRST_HOST_BACKOFF = 60
_BUSY = (429, 503)
_IGNORED_FAILURES = 3
"""Failures in a row after which a feed with a schedule is backed off too."""
_OLD_ADDRESS = {"address": None, "etag": None, "modified": None, "body": None}


class PollOutcome(StrEnum):
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PollState:
    """The state of a feed after earlier polls.

    `interval` is in seconds, 0 before the first poll; `min_interval` is what the feed asks for
    (`ttl`); `unreadable_count` bodies in a row could not be read. The last `moved_count` polls were
    permanently redirected to `moved_to`; `address` replaces the configured address after enough of
    them. `is_manual`: a person asked for this poll.
    """

    etag: str | None = None
    modified: str | None = None
    body_hash: str | None = None
    interval: float = 0.0
    min_interval: float = 0.0
    failures: int = 0
    unreadable_count: int = 0
    moved_to: str | None = None
    moved_count: int = 0
    address: str | None = None
    is_manual: bool = False

    @property
    def has_validator(self) -> bool:
        """Whether the server may answer 304: to a request without one that says nothing."""
        return bool(self.etag or self.modified)


@dataclass(frozen=True, slots=True)
class PollResponse:
    """The result of one fetch. Without an answer `status` is None and `trouble` says why.

    `fresh_seconds` and `retry_after` are the server's; `permanent_url` is the target if all
    redirects were permanent.
    """

    status: int | None
    message: str | None = None
    trouble: Trouble | None = None
    fresh_seconds: float = 0.0
    retry_after: float | None = None
    permanent_url: str | None = None
    etag: str | None = None
    modified: str | None = None
    body_hash: str | None = None


@dataclass(frozen=True, slots=True)
class PollPace:
    """How often a feed may be polled: bounds in seconds, or a cron schedule in `zone`."""

    shortest: float
    longest: float
    schedule: str = ""
    zone: ZoneInfo | None = None


@dataclass(frozen=True, slots=True)
class PollDecision:
    """The decision after a poll: seconds until the next one, seconds during which nothing is
    fetched from the host, and `fields` of the feed's state in Redis; None deletes one."""

    outcome: PollOutcome
    next_poll_seconds: float
    host_backoff_seconds: float
    fields: Mapping[str, Any]


def get_poll_pace(feed: Feed, settings: Settings) -> PollPace:
    zone = ZoneInfo(feed.time_zone or settings.dedupe.time_zone)
    return PollPace(*feed.bounds(settings), feed.schedule, zone)


def decide_next_poll(
    response: PollResponse, state: PollState, pace: PollPace, *, now: datetime, jitter: float
) -> PollDecision:
    """Decide the next poll from the last result. `now` is aware; `jitter` is from -1 to 1."""
    fields: dict[str, Any] = {
        "polled_ms": int(now.timestamp() * 1000),
        "status": response.status,
        "asked": None,
        "takes": None,
    }
    if response.status == 200:
        is_same = response.body_hash is not None and response.body_hash == state.body_hash
        outcome = PollOutcome.UNCHANGED if is_same else PollOutcome.CHANGED
    elif response.status == 304 and state.has_validator:
        outcome = PollOutcome.UNCHANGED
    else:
        return _after_failure(response, state, pace, fields, now)
    return _after_success(response, state, pace, fields, outcome, now=now, jitter=jitter)


def longest_wait(pace: PollPace, now: datetime) -> float:
    """The most seconds by which :func:`decide_next_poll` delays a poll."""
    if pace.schedule:
        return _until_scheduled(pace, now, LONGEST_HINT)
    return max(LONGEST_HINT, pace.longest * (1 + JITTER))


def backoff(failures: int) -> float:
    """Seconds until a feed is polled again after so many failures in a row: 5 minutes, doubled
    each time, a day at most."""
    return min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(max(failures, 1) - 1, 20))


def _after_success(
    response: PollResponse,
    state: PollState,
    pace: PollPace,
    fields: dict[str, Any],
    outcome: PollOutcome,
    *,
    now: datetime,
    jitter: float,
) -> PollDecision:
    is_changed = outcome is PollOutcome.CHANGED
    # Whether a changed body has news is known only after it is read: then the interval changes.
    grows = state.interval and not is_changed and not state.is_manual
    interval = (state.interval or FIRST_SECONDS) * (GROW if grows else 1.0)
    interval = min(pace.longest, max(pace.shortest, interval))
    hints = (response.fresh_seconds, response.retry_after or 0.0, state.min_interval)
    hint = min(LONGEST_HINT, max(hints))
    fields |= {
        "success_ms": fields["polled_ms"],
        "failures": None,
        "trouble": None,
        "error": None,
        "interval": round(interval, 1),
        "jitter": round(1 + JITTER * jitter, 4),
        "not_before": int(fields["polled_ms"] + hint * 1000) if hint else None,
        **_moved_fields(response, state),
    }
    if response.status == 200:
        fields |= {"etag": response.etag, "modified": response.modified, "body": response.body_hash}
    if state.address and state.unreadable_count >= MOVED_AFTER:  # the new address is not a feed
        fields |= _OLD_ADDRESS
    wait = interval * (1 + JITTER * jitter)
    if pace.schedule:
        wait = _until_scheduled(pace, now, hint)
    wait = max(wait, hint)
    if state.unreadable_count and not is_changed:  # the body is still unreadable
        fields["bad"] = state.unreadable_count + 1
        wait = max(wait, backoff(state.unreadable_count + 1))
    return PollDecision(outcome, wait, 0.0, fields)


def _after_failure(
    response: PollResponse, state: PollState, pace: PollPace, fields: dict[str, Any], now: datetime
) -> PollDecision:
    failures = state.failures + 1
    wait, host_backoff = max(backoff(failures), pace.shortest), 0.0
    hint = min(LONGEST_HINT, response.retry_after or 0.0)
    if response.status in _BUSY:
        doubled = _FIRST_HOST_BACKOFF * 2.0 ** min(state.failures, 20)
        host_backoff = max(hint, min(LONGEST_HINT, doubled))
        wait = max(wait, state.interval)
    wait = max(wait, host_backoff, hint)
    fields |= {
        "failures": failures,
        "trouble": str(response.trouble or Trouble.STATUS),
        "error": response.message,
        "error_ms": fields["polled_ms"],
    }
    if state.address and failures >= MOVED_AFTER:  # the new address is gone: use the old one
        fields |= _OLD_ADDRESS
    if pace.schedule:  # the first failures skip no scheduled poll unless the server asks for that
        is_backed_off = failures > _IGNORED_FAILURES or host_backoff
        wait = _until_scheduled(pace, now, wait if is_backed_off else hint)
    return PollDecision(PollOutcome.FAILED, wait, host_backoff, fields)


def _until_scheduled(pace: PollPace, now: datetime, least: float) -> float:
    """Seconds until the first scheduled poll that is at least `least` seconds away."""
    due_at = next_cron_time(pace.schedule, pace.zone, now + timedelta(seconds=least))
    return (due_at - now).total_seconds()


def _moved_fields(response: PollResponse, state: PollState) -> dict[str, Any]:
    target = response.permanent_url
    # A redirect to a page of the site is no new address of the feed.
    if target is None or state.unreadable_count:
        return {"moved_to": None, "moved_count": None}
    count = state.moved_count + 1 if target == state.moved_to else 1
    if count >= MOVED_AFTER:
        return {"address": target, "moved_to": None, "moved_count": None}
    return {"moved_to": target, "moved_count": count}
