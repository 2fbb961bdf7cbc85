"""What was measured: articles by the minute, counted once."""

from itertools import pairwise

import pytest
import redis

from tests.servers import Server
from tests.store.conftest import STREAM
from worker.model import Tally
from worker.store.connection import connect
from worker.store.measures import MINUTES_KEPT, Measures, Minute
from worker.store.tally import Tallies

MINUTES = "{newsdrop:articles}:minutes"
SOME = Tally(archived=3, published=2, duplicate=4, rejected=1, unchanged=7)


@pytest.fixture
def tallies(redis_server: Server) -> Tallies:
    return Tallies(connect(redis_server.url), stream=STREAM)


@pytest.fixture
def measures(redis_server: Server) -> Measures:
    return Measures(connect(redis_server.url), stream=STREAM)


def present(client: redis.Redis) -> int:
    return int(client.time()[0]) // 60


def added(minutes: tuple[Minute, ...]) -> tuple[int, int, int, int]:
    """The counts together, in case a minute ended within the test."""
    return (
        sum(minute.published for minute in minutes),
        sum(minute.revised for minute in minutes),
        sum(minute.duplicate for minute in minutes),
        sum(minute.rejected for minute in minutes),
    )


def test_every_minute_is_there(measures: Measures, redis_client: redis.Redis) -> None:
    """Without articles every minute asked for is there with zeros, the present one last."""
    before = present(redis_client)
    minutes = measures.minutes(MINUTES_KEPT)
    assert len(minutes) == MINUTES_KEPT
    assert minutes[-1].at_ms // 60_000 in (before, before + 1)
    gaps = {b.at_ms - a.at_ms for a, b in pairwise(minutes)}
    assert gaps == {60_000}
    assert added(minutes) == (0, 0, 0, 0)


def test_a_batch_is_in_its_minute_once(tallies: Tallies, measures: Measures) -> None:
    """Settling adds to the present minute, over sources and jobs, and again changes nothing."""
    tallies.settle("b1", source="drop", job=None, tally=SOME)
    tallies.settle("b1", source="drop", job=None, tally=SOME)
    tallies.settle("b2", source="feed", job="j", tally=Tally(published=1, revised=5))
    minutes = measures.minutes(3)
    assert minutes[0] == Minute(minutes[0].at_ms)
    assert added(minutes) == (3, 5, 4, 1)


def test_a_batch_without_articles_is_no_minute(tallies: Tallies, redis_client: redis.Redis) -> None:
    """Where a poll brought nothing new, nothing is written."""
    tallies.settle("b1", source="feed", job=None, tally=Tally(archived=1, unchanged=30))
    assert redis_client.exists(MINUTES) == 0


def test_old_minutes_go(tallies: Tallies, redis_client: redis.Redis, measures: Measures) -> None:
    """The first articles of a minute let go what is older than is kept, and only that."""
    now = present(redis_client)
    old = {str(now - MINUTES_KEPT - n): "9 9 9 9" for n in range(5, 100)}
    young = {str(now - 60): "7 0 0 0", str(now - MINUTES_KEPT + 5): "1 0 0 0"}
    redis_client.hset(MINUTES, mapping={**old, **young, "oldest": min(old)})
    tallies.settle("b1", source="drop", job=None, tally=SOME)
    left = {name.decode() for name in redis_client.hkeys(MINUTES)}
    assert not left & set(old)
    assert set(young) <= left
    assert added(measures.minutes(120)) == (9, 0, 4, 1)
    assert 0 < redis_client.ttl(MINUTES) <= MINUTES_KEPT * 60


def test_a_clock_that_was_ahead_loses_nothing(
    tallies: Tallies, redis_client: redis.Redis, measures: Measures
) -> None:
    """Minutes that a clock wrote which was an hour ahead do not keep the present ones out."""
    ahead = present(redis_client) + 60
    redis_client.hset(MINUTES, mapping={str(ahead): "9 0 0 0", "oldest": ahead})
    tallies.settle("b1", source="drop", job=None, tally=SOME)
    assert added(measures.minutes(3)) == (2, 0, 4, 1)
    oldest = redis_client.hget(MINUTES, "oldest")
    assert oldest is not None
    assert int(oldest) < ahead
