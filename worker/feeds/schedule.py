"""When a feed is polled next, and what a poll's answer says of it: pure, the clock is an argument.

The interval follows the feed: shorter after a poll that brought something new, longer after one
that did not. With the two factors it settles where about a third of the polls bring something.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from worker.errors import Trouble
from worker.feeds.feed import Feed
from worker.settings import Settings

SHRINK = 0.6
GROW = 1.25
GAP = 0.25
"""Factors of the interval: after something new, after nothing new, and where entries may have been
missed. 0.6^p · 1.25^(1-p) is 1 for p = 0.30."""

FIRST_SECONDS = 900
"""The interval that a new feed begins with."""

LONGEST_HINT = 86_400
"""Seconds; what a server or feed asks for is heeded so far and no further."""

JITTER = 0.1
"""Of the interval, both ways: feeds added together shall not be polled together for ever."""

_FIRST_BACKOFF = 300
_LONGEST_BACKOFF = 86_400
_FIRST_COOLING = 60
MOVED_AFTER = 3
"""Polls that a permanent redirect must hold before its target is the feed's address."""

_BUSY = (429, 503)
_PATIENT = 3
"""Failures in a row after which a feed of a schedule is backed off too."""
_OLD_ADDRESS = {"address": None, "etag": None, "modified": None, "body": None}


class PollOutcome(StrEnum):
    """What a poll came to."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PollState:
    """What is known of a feed from earlier polls.

    `interval` is in seconds, 0 before the first poll; `hold` what the feed itself asks for (`ttl`);
    `body` the hash of the last body, `bad` how many bodies in a row could not be read; `moved_to`
    where permanent redirects led the last `moved_count` times; `address` what is fetched instead of
    the configured address since then; `asked` that a person wanted this poll.
    """

    etag: str | None = None
    modified: str | None = None
    body: str | None = None
    interval: float = 0.0
    hold: float = 0.0
    failures: int = 0
    bad: int = 0
    moved_to: str | None = None
    moved_count: int = 0
    address: str | None = None
    is_manual: bool = False


@dataclass(frozen=True, slots=True)
class PollResponse:
    """What came of one fetch. Without an answer `status` is None and `trouble` says why.

    `hold_seconds` and `retry_after` are the server's; `permanent` is where a chain of nothing but
    permanent redirects led.
    """

    status: int | None
    message: str | None = None
    trouble: Trouble | None = None
    fresh_seconds: float = 0.0
    retry_after: float | None = None
    permanent_url: str | None = None
    etag: str | None = None
    modified: str | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class PollPace:
    """How often a feed may be polled: bounds in seconds, or a cron schedule in `zone`."""

    shortest: float
    longest: float
    schedule: str = ""
    zone: ZoneInfo | None = None


def get_poll_pace(feed: Feed, settings: Settings) -> PollPace:
    """How often a feed may be polled."""
    zone = ZoneInfo(feed.time_zone or settings.dedupe.time_zone)
    return PollPace(*feed.bounds(settings), feed.schedule, zone)


@dataclass(frozen=True, slots=True)
class PollDecision:
    """What follows. `after` and `cool` are seconds: until the next poll, and for which the whole
    host is left in peace. `fields` are to be remembered; None forgets one."""

    outcome: PollOutcome
    next_poll_seconds: float
    host_backoff_seconds: float
    fields: Mapping[str, Any]


def decide_next_poll(
    heard: PollResponse, before: PollState, pace: PollPace, *, now: datetime, jitter: float
) -> PollDecision:
    """What one poll's answer means. `now` is aware; `jitter` is from -1 to 1."""
    at = int(now.timestamp() * 1000)
    fields: dict[str, Any] = {"polled_ms": at, "status": heard.status}
    fields |= {"asked": None, "takes": None}
    if heard.status == 304 or (heard.status == 200 and _same_body(heard, before)):
        return _good(heard, before, pace, fields, now=now, jitter=jitter, changed=False)
    if heard.status == 200:
        return _good(heard, before, pace, fields, now=now, jitter=jitter, changed=True)
    return _bad(heard, before, pace, fields, now=now)


def interval_after(interval: float, factor: float, pace: PollPace) -> float:
    """The next interval in seconds, within the feed's bounds."""
    return min(pace.longest, max(pace.shortest, (interval or FIRST_SECONDS) * factor))


def backoff(failures: int) -> float:
    """Seconds until a feed that failed so many times in a row is tried again: 5 minutes, doubled
    each time, a day at most."""
    return min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(max(failures, 1) - 1, 20))


def next_cron_time(schedule: str, zone: ZoneInfo | None, after: datetime) -> datetime:
    """The first time after `after` that `schedule` names, read in `zone` (UTC)."""
    from celery.schedules import crontab

    minute, hour, day, month, weekday = schedule.split()
    cron = crontab(minute, hour, weekday, day, month, nowfun=lambda: after)
    cron.tz = zone or UTC
    wait: timedelta = cron.remaining_estimate(after.astimezone(cron.tz))
    # In the hour that a zone has twice Celery counts backwards: then it is asked after that hour.
    if wait.total_seconds() <= 0:
        later = after + timedelta(hours=1)
        wait = timedelta(hours=1) + cron.remaining_estimate(later.astimezone(cron.tz))
    return after + max(wait, timedelta(seconds=60))


def _same_body(heard: PollResponse, before: PollState) -> bool:
    return heard.body is not None and heard.body == before.body


def _good(
    heard: PollResponse,
    before: PollState,
    pace: PollPace,
    fields: dict[str, Any],
    *,
    now: datetime,
    jitter: float,
    changed: bool,
) -> PollDecision:
    at = fields["polled_ms"]
    # Whether what changed is new is known when it has been read: the interval waits for that.
    grows = before.interval and not changed and not before.is_manual
    interval = interval_after(before.interval, GROW if grows else 1.0, pace)
    hint = min(LONGEST_HINT, max(heard.fresh_seconds, heard.retry_after or 0.0, before.hold))
    fields |= {
        "success_ms": at,
        "failures": None,
        "trouble": None,
        "error": None,
        "interval": round(interval, 1),
        "jitter": round(1 + JITTER * jitter, 4),
        "not_before": int(at + hint * 1000) if hint else None,
        **_moved(heard, before),
    }
    if heard.status == 200:
        fields |= {"etag": heard.etag, "modified": heard.modified, "body": heard.body}
    if before.address and before.bad >= MOVED_AFTER:  # where it moved to is no feed
        fields |= _OLD_ADDRESS
    after = max(_wait(interval, pace, now, jitter, hint), hint)
    if before.bad and not changed:  # what could not be read is still there
        fields["bad"] = before.bad + 1
        after = max(after, backoff(before.bad + 1))
    return PollDecision(
        PollOutcome.CHANGED if changed else PollOutcome.UNCHANGED, after, 0.0, fields
    )


def _bad(
    heard: PollResponse, before: PollState, pace: PollPace, fields: dict[str, Any], *, now: datetime
) -> PollDecision:
    failures = before.failures + 1
    wait, cool = max(backoff(failures), pace.shortest), 0.0
    hint = min(LONGEST_HINT, heard.retry_after or 0.0)
    if heard.status in _BUSY:
        cool = max(hint, min(LONGEST_HINT, _FIRST_COOLING * 2.0 ** min(before.failures, 20)))
        wait = max(wait, before.interval)
    wait = max(wait, cool, hint)
    fields |= {
        "failures": failures,
        "trouble": str(heard.trouble or Trouble.STATUS),
        "error": heard.message,
        "error_ms": fields["polled_ms"],
    }
    if before.address and failures >= MOVED_AFTER:  # where it moved to is gone: ask the old one
        fields |= _OLD_ADDRESS
    if pace.schedule:  # the first failures cost no turn of it, but for what the server asks
        least = wait if failures > _PATIENT or cool else hint
        wait = _wait(0.0, pace, now, 0.0, least)
    return PollDecision(PollOutcome.FAILED, wait, cool, fields)


def _wait(interval: float, pace: PollPace, now: datetime, jitter: float, hint: float) -> float:
    if not pace.schedule:
        return interval * (1 + JITTER * jitter)
    # No poll of a schedule is earlier than the server asks; the next one of it is taken then.
    due = next_cron_time(pace.schedule, pace.zone, now + timedelta(seconds=hint))
    return (due - now).total_seconds()


def _moved(heard: PollResponse, before: PollState) -> dict[str, Any]:
    if heard.permanent_url is None or before.bad:  # a page of its site is no place for a feed
        return {"moved_to": None, "moved_count": None}
    count = before.moved_count + 1 if heard.permanent_url == before.moved_to else 1
    if count >= MOVED_AFTER:
        return {"address": heard.permanent_url, "moved_to": None, "moved_count": None}
    return {"moved_to": heard.permanent_url, "moved_count": count}
