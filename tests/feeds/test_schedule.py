"""When a feed is polled next: each rule of the decider, which only handles data."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from celery.schedules import crontab
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import Trouble
from worker.feeds.cron import next_cron_time
from worker.feeds.schedule import (
    FIRST_SECONDS,
    GROW,
    LONGEST_HINT,
    PollOutcome,
    PollPace,
    PollResponse,
    PollState,
    backoff,
    decide_next_poll,
    longest_wait,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PACE = PollPace(shortest=300, longest=86_400)
GOOD = PollResponse(200, body_hash="new", etag='"2"')
KNOWN = PollState(etag='"1"', body_hash="old", interval=1000)


def verdict(
    response: PollResponse, before: PollState = KNOWN, pace: PollPace = PACE, jitter: float = 0.0
):  # type: ignore[no-untyped-def]
    return decide_next_poll(response, before, pace, now=NOW, jitter=jitter)


def test_a_new_feed_begins_in_the_middle() -> None:
    """Its first interval is neither the shortest nor the longest."""
    found = verdict(GOOD, PollState())
    assert (found.outcome, found.next_poll_seconds) == (PollOutcome.CHANGED, FIRST_SECONDS)


def test_polls_without_news_lengthen_the_interval() -> None:
    """304 and equal bytes do; another body counts once its entries are read."""
    assert verdict(PollResponse(304)).next_poll_seconds == 1000 * GROW
    same = verdict(PollResponse(200, body_hash="old", etag='"3"'))
    assert (same.outcome, same.next_poll_seconds) == (PollOutcome.UNCHANGED, 1000 * GROW)
    assert same.fields["etag"] == '"3"'
    changed = verdict(GOOD)
    assert (changed.outcome, changed.next_poll_seconds) == (PollOutcome.CHANGED, 1000)
    assert changed.fields["body"] == "new"


def test_a_manual_poll_does_not_change_the_interval() -> None:
    """A feed that a person refreshes often is not polled less often for that."""
    found = verdict(PollResponse(304), replace(KNOWN, is_manual=True))
    assert found.fields["interval"] == 1000
    assert found.fields["asked"] is None


def test_a_304_forgets_no_validator() -> None:
    """A 304 has no ETag of its own: the one that was sent stays."""
    assert "etag" not in verdict(PollResponse(304)).fields


def test_the_interval_has_bounds() -> None:
    """Never beyond the longest, never below the shortest."""
    assert verdict(PollResponse(304), replace(KNOWN, interval=80_000)).next_poll_seconds == 86_400
    assert verdict(PollResponse(304), replace(KNOWN, interval=10)).next_poll_seconds == 300


@pytest.mark.parametrize("jitter", [-1.0, 1.0])
def test_jitter_spreads_and_breaks_no_promise(jitter: float) -> None:
    """Ten per cent both ways, but never earlier than the server permits."""
    assert verdict(PollResponse(304), jitter=jitter).next_poll_seconds == pytest.approx(
        1250 * (1 + 0.1 * jitter)
    )
    held = verdict(PollResponse(304, fresh_seconds=1250), jitter=jitter)
    assert held.next_poll_seconds >= 1250


@given(
    hold=st.floats(0, 10**7), retry=st.floats(0, 10**7), ttl=st.floats(0, 10**7),
    interval=st.floats(0, 10**6), jitter=st.floats(-1, 1),
)  # fmt: skip
def test_never_earlier_than_requested_and_never_later_than_a_day(
    hold: float, retry: float, ttl: float, interval: float, jitter: float
) -> None:
    """Whatever server, feed and interval say together."""
    before = replace(KNOWN, interval=interval, min_interval=ttl)
    found = verdict(replace(GOOD, fresh_seconds=hold, retry_after=retry), before, jitter=jitter)
    assert found.next_poll_seconds >= min(LONGEST_HINT, max(hold, retry, ttl))
    assert found.next_poll_seconds <= longest_wait(PACE, NOW) == 86_400 * 1.1


def test_backing_off_doubles_to_a_day() -> None:
    """5 minutes after the first failure, a day after many, never for good."""
    waits = [backoff(number) for number in range(1, 12)]
    assert waits[:4] == [300, 600, 1200, 2400]
    assert waits[-1] == 86_400


def test_a_failure_is_the_feeds() -> None:
    """404 and a network error back the feed off and cool no host."""
    for response in (PollResponse(404, "gone"), PollResponse(None, "no answer", Trouble.CONNECT)):
        found = verdict(response, replace(KNOWN, failures=2))
        assert (found.outcome, found.next_poll_seconds, found.host_backoff_seconds) == (
            PollOutcome.FAILED,
            1200,
            0,
        )
        assert found.fields["failures"] == 3
        assert "etag" not in found.fields


def test_a_busy_host_backs_off() -> None:
    """429 and 503 concern the whole host: for Retry-After, else longer each time."""
    assert verdict(PollResponse(429, retry_after=7200.0)).host_backoff_seconds == 7200
    assert verdict(PollResponse(503), replace(KNOWN, failures=3)).host_backoff_seconds == 480
    assert (
        verdict(PollResponse(503), replace(KNOWN, failures=99)).host_backoff_seconds == LONGEST_HINT
    )


def test_a_success_forgets_failures() -> None:
    """Failure, trouble and error are gone with the first good answer."""
    fields = verdict(GOOD, replace(KNOWN, failures=5)).fields
    assert fields["failures"] is fields["trouble"] is fields["error"] is None


def test_the_same_unreadable_bytes_back_off_too() -> None:
    """A body that stays unreadable is polled less and less often."""
    first = verdict(PollResponse(200, body_hash="old"), replace(KNOWN, unreadable_count=3))
    assert first.next_poll_seconds == backoff(4)
    assert first.fields["bad"] == 4


def test_a_move_must_hold() -> None:
    """The target of permanent redirects is the address after three polls in a row."""
    moved = replace(GOOD, permanent_url="https://new.example/rss")
    assert verdict(moved).fields["moved_count"] == 1
    held = replace(KNOWN, moved_to="https://new.example/rss", moved_count=2)
    assert verdict(moved, held).fields["address"] == "https://new.example/rss"
    other = replace(held, moved_to="https://elsewhere.example/")
    assert verdict(moved, other).fields["moved_count"] == 1
    assert verdict(GOOD, held).fields["moved_to"] is None


def test_a_gone_new_address_falls_back() -> None:
    """After three failures there the configured address is polled again."""
    lost = replace(KNOWN, address="https://new.example/rss", failures=2)
    assert verdict(PollResponse(404), lost).fields["address"] is None
    assert "address" not in verdict(PollResponse(404), replace(lost, failures=1)).fields


def test_a_schedule_is_read_in_its_zone() -> None:
    """`*/5 9-15 * * 1-5` in Shanghai: every five minutes while its exchange is open."""
    shanghai = ZoneInfo("Asia/Shanghai")
    pace = replace(PACE, schedule="*/5 9-15 * * 1-5", zone=shanghai)
    during = datetime(2026, 3, 4, 10, 2, tzinfo=shanghai)
    found = decide_next_poll(GOOD, KNOWN, pace, now=during.astimezone(UTC), jitter=1)
    assert found.next_poll_seconds == 180
    evening = datetime(2026, 3, 6, 16, 0, tzinfo=shanghai)  # a Friday
    due = next_cron_time(pace.schedule, shanghai, evening.astimezone(UTC))
    assert due.astimezone(shanghai) == datetime(2026, 3, 9, 9, 0, tzinfo=shanghai)


def test_a_schedule_respects_cache_control() -> None:
    """The next scheduled time after it is used."""
    pace = replace(PACE, schedule="*/5 * * * *")
    found = verdict(replace(GOOD, fresh_seconds=600), pace=pace)
    due = NOW + timedelta(seconds=found.next_poll_seconds)
    assert due >= NOW + timedelta(seconds=600)
    assert due.minute % 5 == 0


BERLIN = ZoneInfo("Europe/Berlin")
AUTUMN = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
"""02:00 in Berlin: the hour from here to 03:00 comes twice."""
SPRING = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
"""01:00 in Berlin: an hour later it is 03:00."""


@pytest.mark.parametrize("night", [AUTUMN, SPRING])
@pytest.mark.parametrize(("schedule", "minutes"), [("*/15 * * * *", 15), ("0 * * * *", 60)])
def test_no_night_has_a_pause(night: datetime, schedule: str, minutes: int) -> None:
    """At any time, the next poll is at most one step of the schedule away."""
    for passed in range(-120, 240, 7):
        now = night + timedelta(minutes=passed, seconds=30)
        due = next_cron_time(schedule, BERLIN, now)
        assert now < due <= now + timedelta(minutes=minutes)


def test_a_time_that_comes_twice_or_never() -> None:
    """02:30 occurs twice in autumn; in spring it is skipped, and 03:00 replaces it."""
    first = next_cron_time("30 2 * * *", BERLIN, AUTUMN)
    second = next_cron_time("30 2 * * *", BERLIN, first)
    assert [first, second] == [AUTUMN + timedelta(minutes=30), AUTUMN + timedelta(minutes=90)]
    skipped = next_cron_time("30 2 * * *", BERLIN, SPRING)
    assert skipped == SPRING + timedelta(hours=1)
    assert next_cron_time("30 2 * * *", BERLIN, skipped) == SPRING + timedelta(hours=24.5)


def test_rare_days() -> None:
    """29 February is found years ahead; a Monday one is too far away, without an error."""
    due = next_cron_time("0 0 29 2 *", None, NOW)
    assert due == datetime(2028, 2, 29, tzinfo=UTC)
    assert next_cron_time("0 0 29 2 1", None, NOW) > NOW + timedelta(days=3000)


@given(st.integers(0, 8760 * 60), st.sampled_from(["*/20 3,4 * * 1-5", "7 0 1 * *", "5 23 * * 0"]))
def test_no_matching_minute_is_missed(minute: int, schedule: str) -> None:
    """The result agrees with the wall clock checked minute by minute."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    due = next_cron_time(schedule, BERLIN, now)
    cron = crontab(*(schedule.split()[field] for field in (0, 1, 4, 2, 3)))
    steps = min(int((due - now).total_seconds() // 60), 3000)
    for step in range(1, steps + 1):
        local = (now + timedelta(minutes=step)).astimezone(BERLIN)
        is_match = (
            local.minute in cron.minute
            and local.hour in cron.hour
            and local.isoweekday() % 7 in cron.day_of_week
            and local.day in cron.day_of_month
        )
        assert is_match == (now + timedelta(minutes=step) == due)
