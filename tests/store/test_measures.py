"""Measures: articles by the minute, counted once."""

from itertools import pairwise
from pathlib import Path

import pytest
import redis

from tests.http_server import Reply, Web
from tests.newsroom import item, newsroom, page, rss
from tests.servers import Server
from tests.store.conftest import STREAM
from tests.world import World, article
from worker.model import BatchMeasures, Repeat, Stage, Tally
from worker.pipeline.batch.ingest import Stopwatch, TimedArticles
from worker.sources.registry import pause
from worker.store.connection import connect
from worker.store.counters import BOUNDS, MINUTES_KEPT, CounterStore, Histogram, Minute

MINUTES = "{newsdrop:articles}:minutes"
SOME = Tally(archived=3, published=2, duplicate=4, rejected=1, unchanged=7)


@pytest.fixture
def tallies(redis_server: Server) -> CounterStore:
    return CounterStore(connect(redis_server.url), stream=STREAM)


@pytest.fixture
def measures(redis_server: Server) -> CounterStore:
    return CounterStore(connect(redis_server.url), stream=STREAM)


def present(client: redis.Redis) -> int:
    return int(client.time()[0]) // 60


def added(minutes: tuple[Minute, ...]) -> tuple[int, ...]:
    """The counts together, in case a minute ended within the test."""
    return (
        sum(minute.published for minute in minutes),
        sum(minute.revised for minute in minutes),
        sum(minute.duplicate for minute in minutes),
        sum(minute.rejected for minute in minutes),
        sum(minute.withdrawn for minute in minutes),
    )


def test_every_minute_is_listed(measures: CounterStore, redis_client: redis.Redis) -> None:
    """Without articles with zeros, the present one last."""
    before = present(redis_client)
    minutes = measures.read_minutes(MINUTES_KEPT)
    assert len(minutes) == MINUTES_KEPT
    assert minutes[-1].at_ms // 60_000 in (before, before + 1)
    gaps = {b.at_ms - a.at_ms for a, b in pairwise(minutes)}
    assert gaps == {60_000}
    assert added(minutes) == (0, 0, 0, 0, 0)


def test_a_batch_is_in_its_minute_once(tallies: CounterStore, measures: CounterStore) -> None:
    """Settling adds to the present minute, over sources and jobs, and again changes nothing."""
    tallies.settle("b1", source="drop", job=None, tally=SOME)
    tallies.settle("b1", source="drop", job=None, tally=SOME)
    tallies.settle("b2", source="feed", job="j", tally=Tally(revised=5, withdrawn=2))
    minutes = measures.read_minutes(3)
    assert minutes[0] == Minute(minutes[0].at_ms)
    assert added(minutes) == (2, 5, 4, 1, 2)


def test_a_batch_without_articles_is_no_minute(
    tallies: CounterStore, redis_client: redis.Redis
) -> None:
    """A poll without news writes nothing."""
    tallies.settle("b1", source="feed", job=None, tally=Tally(archived=1, unchanged=30))
    assert redis_client.exists(MINUTES) == 0


def test_old_minutes_are_removed(
    tallies: CounterStore, redis_client: redis.Redis, measures: CounterStore
) -> None:
    """At the first articles of a minute."""
    now = present(redis_client)
    old = {str(now - MINUTES_KEPT - n): "9 9 9 9" for n in range(5, 100)}
    young = {str(now - 60): "7 0 0 0", str(now - MINUTES_KEPT + 5): "1 0 0 0"}
    redis_client.hset(MINUTES, mapping={**old, **young, "oldest": min(old)})
    tallies.settle("b1", source="drop", job=None, tally=SOME)
    fields = {name.decode() for name in redis_client.hkeys(MINUTES)}
    assert not fields & set(old)
    assert set(young) <= fields
    assert added(measures.read_minutes(120)) == (9, 0, 4, 1, 0)
    assert 0 < redis_client.ttl(MINUTES) <= MINUTES_KEPT * 60


def test_a_clock_that_was_ahead_loses_nothing(
    tallies: CounterStore, redis_client: redis.Redis, measures: CounterStore
) -> None:
    """Minutes that a clock wrote which was an hour ahead do not keep the present ones out."""
    ahead = present(redis_client) + 60
    redis_client.hset(MINUTES, mapping={str(ahead): "9 0 0 0", "oldest": ahead})
    tallies.settle("b1", source="drop", job=None, tally=SOME)
    assert added(measures.read_minutes(3)) == (2, 0, 4, 1, 0)
    oldest = redis_client.hget(MINUTES, "oldest")
    assert oldest is not None
    assert int(oldest) < ahead


def test_measures_are_added_once(tallies: CounterStore, measures: CounterStore) -> None:
    """Stages by bucket with exact sums, repeats and refusals by reason."""
    one = BatchMeasures(
        {Stage.READ: 0.005, Stage.WAIT: 0.0051, Stage.WHOLE: 90_000.25},
        {Repeat.SAME_BYTES: 3, Repeat.CONTENT_DIFFERS: 1},
        {"empty": 2},
    )
    for batch in ("b1", "b1", "b2"):
        tallies.settle(batch, source="drop", job=None, tally=SOME, measured=one)
    sums = measures.read_measures()
    read, wait, whole = (sums.stages[stage] for stage in (Stage.READ, Stage.WAIT, Stage.WHOLE))
    assert read == Histogram((2, *[0] * len(BOUNDS)), 0.01)
    assert wait.counts[:2] == (0, 2)
    assert (whole.counts[-1], whole.seconds) == (2, 180_000.5)
    assert sums.stages[Stage.ARCHIVE] == Histogram()
    assert sums.repeats == {"content_differs": 2, "same_bytes": 6}
    assert sums.rejected == {"empty": 4}


def test_fetches_are_added_up(measures: CounterStore) -> None:
    """Feeds and pages separately, by status or trouble."""
    measures.count_fetches({("feed", "304"): 5, ("page", "timeout"): 1})
    measures.count_fetches({("feed", "304"): 2, ("feed", "200"): 1})
    assert measures.read_measures().fetches == {
        ("feed", "200"): 1,
        ("feed", "304"): 7,
        ("page", "timeout"): 1,
    }


def test_a_batch_measures_each_stage_once(redis_server: Server, tmp_path: Path) -> None:
    """Repeats add up to the counted duplicates."""
    world = World(tmp_path, redis_server.url)
    for name, data in {
        "a.md": article("甲"),
        "same bytes.md": article("甲"),
        "same article.md": article("甲") + b"\n",
        "differs.md": article("甲", "改过的正文。"),
        "bad.md": b"\x00",
    }.items():
        world.put(name, data)
        world.run()
    sums = world.context.counter_store.read_measures()
    assert {sum(sums.stages[stage].counts) for stage in Stage} == {5}
    assert sums.stages[Stage.READ].seconds > 0
    assert sums.repeats == {"content_differs": 1, "same_article": 1, "same_bytes": 1}
    assert (world.totals().duplicate, world.totals().rejected) == (3, 1)
    assert sum(sums.rejected.values()) == 1


def test_stages_share_the_time() -> None:
    """A lap is what passed since the last one, without what the store took of it."""
    times = iter([0.0, 1.0, 3.0, 10.0, 16.0])
    watch = Stopwatch(lambda: next(times))
    store = TimedArticles(_Store(), lambda: next(times))
    store.exists([])
    watch.lap(Stage.READ, less=store.seconds)
    watch.lap(Stage.ARCHIVE)
    assert store.seconds == 2.0
    assert watch.seconds == {Stage.READ: 8.0, Stage.ARCHIVE: 6.0}


def test_every_fetch_is_counted(redis_server: Server, tmp_path: Path, web: Web) -> None:
    """By status, or by trouble; a paused feed counts nothing."""
    world = newsroom(tmp_path, redis_server, web)
    entries = [item(number, link=web.url(f"/{number}.html")) for number in (1, 2, 3)]
    web.pages["/rss"] = Reply(body=rss(entries))
    web.pages["/1.html"] = page("港口第1号公告", "全文。")
    web.pages["/2.html"] = Reply(410)
    web.pages["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /3.html\n")
    web.pages["/odd"] = Reply(999)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    world.add_feed("odd", web.url("/odd"))
    world.add_feed("private", "http://10.0.0.1/")
    world.add_feed("paused", web.url("/rss"))
    pause(world.settings.state_dir, "paused")
    world.poll()
    world.poll("harbour")
    assert world.context.counter_store.read_measures().fetches == {
        ("feed", "200"): 2,
        ("feed", "address"): 1,
        ("feed", "other"): 1,
        ("page", "200"): 1,
        ("page", "410"): 1,
        ("page", "robots"): 1,
    }


class _Store:
    """A store without any articles."""

    def exists(self, identities: object) -> list[bool]:
        return []
