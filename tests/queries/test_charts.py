"""Charts of the last minutes: differences between samples, and marks of changes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from tests.servers import Server
from tests.world import World, article
from worker.errors import Retryable
from worker.model import Stage
from worker.pipeline.sampling import take_sample
from worker.queries.charts import Mark, make_charts, quantile, read_charts
from worker.store.counters import Histogram
from worker.store.samples import STEPS, Sample, SampleStore

MINUTE = 60_000
NOW = datetime.now(UTC).replace(second=30)


def histogram(**counts: int) -> Histogram:
    """`b1=3`: three batches in the second bucket."""
    return Histogram(tuple(counts.get(f"b{place}", 0) for place in range(17)))


@pytest.mark.parametrize(
    ("counts", "share", "seconds"),
    [
        ({}, 0.5, None),
        ({"b0": 10}, 0.5, 0.0025),
        ({"b4": 50, "b6": 50}, 0.5, 0.1),
        ({"b4": 50, "b6": 50}, 0.95, 0.475),
        ({"b16": 1}, 0.5, 7200),
    ],
)
def test_a_quantile_is_read_from_buckets(
    counts: dict[str, int], share: float, seconds: float | None
) -> None:
    """Linear within the bucket; beyond the last bound that bound; None without batches."""
    assert quantile(histogram(**counts), share) == pytest.approx(seconds)


def test_a_point_is_the_difference_to_the_previous_one() -> None:
    """Also after an emptied Redis or a missing sample; starts, settings and rules are marked
    once."""
    samples = [
        Sample(1 * MINUTE, {"fetch/feed/200": 5, "stage/read/1": 1}, {"a": 9}, (MINUTE,), "x", "1"),
        Sample(2 * MINUTE, {"fetch/feed/200": 7, "stage/read/1": 3}, {"a": 4}, (MINUTE,), "y", "2"),
        Sample(4 * MINUTE, {"fetch/feed/200": 1, "fetch/page/timeout": 2}, {}, (), "x", "1", "r"),
    ]
    charts = make_charts(samples, [n * MINUTE for n in range(5)])
    assert charts.fetches["2xx"] == (0, 2, 0, 0)
    assert charts.fetches["failed"] == (0, 0, 0, 2)
    assert charts.lags == {"a": (None, 9, 4, 4, None)}
    assert make_charts(samples, [0, 3 * MINUTE]).fetches["2xx"] == (2,), "a start within a part"
    read = next(each for each in charts.stages if each.stage is Stage.READ)
    assert read.p50 == (None, pytest.approx(0.75), None, None)
    assert charts.marks == (Mark(MINUTE, "start"), Mark(4 * MINUTE, "rules"))
    assert make_charts([], [0, MINUTE]).is_empty


def test_old_samples_are_removed(redis_server: Server, redis_client: redis.Redis) -> None:
    """One a minute for three hours, one in 15 minutes for 26: less than half a megabyte."""
    store = SampleStore(redis_client, stream="s")
    now = int(NOW.timestamp() * 1000)
    redis_client.hset("{s}:measures", mapping={f"stage/read/{n}": 10**6 for n in range(60)})
    for minute in range(-400, 1):
        store.add(Sample(now + minute * MINUTE))
        assert not store.is_due(now + minute * MINUTE)
    store.add(Sample(now))
    assert redis_client.zcard("{s}:samples:1") == STEPS[1] + 1 + 1
    assert len(store.read(15, now)) == 17
    assert 25 <= len(store.read(24 * 60, now)) <= 28
    used = sum(redis_client.memory_usage(f"{{s}}:samples:{step}") or 0 for step in STEPS)
    assert used < 500_000


@pytest.mark.parametrize(
    "sample",
    [
        b'{"at_ms": 1, "counts": [1]}',
        b'{"at_ms": 1, "counts": {"stage/read/us": "a"}}',
        b'{"at_ms": 1, "started_ms": 5}',
        b'{"at_ms": 1, "lags": {"nlp": "<b>"}}',
    ],
)
def test_foreign_samples_are_a_known_failure(redis_client: redis.Redis, sample: bytes) -> None:
    """Values of other types raise the error that every caller expects."""
    store = SampleStore(redis_client, stream="s")
    redis_client.zadd("{s}:samples:1", {sample: 10**9})
    with pytest.raises(Retryable):
        store.read(15, 0)
    redis_client.hset("{s}:measures", b"stage/\xff", "x")
    with pytest.raises(Retryable):
        store.add(Sample(0))


def test_a_worker_samples_what_it_does(tmp_path: Path, redis_server: Server) -> None:
    """Once a minute: batches by stage are in the chart, and settings that differ are marked."""
    world = World(tmp_path, redis_server.url)
    take_sample(world.context, NOW - timedelta(minutes=3))
    world.put("a.md", article())
    world.run()
    take_sample(world.context, NOW - timedelta(minutes=2))
    take_sample(world.context, NOW - timedelta(minutes=2))
    other = World(tmp_path, redis_server.url, **{"dedupe.keep_days": 20})
    take_sample(other.context, NOW)
    charts = read_charts(world.settings, "15m", NOW)
    assert [stage.batches for stage in charts.stages] == [1] * len(Stage)
    assert charts.stages[0].whole_p95 is not None
    assert [mark.kind for mark in charts.marks] == ["settings"]
