"""The stream keeps to its bounds and leaves what a group needs; a group can begin in the past."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from newsdrop import Consumer
from tests.servers import Server
from tests.store.conftest import server_binary
from tests.world import World, article
from worker.actions.groups import create_group
from worker.errors import AlreadyThere
from worker.pipeline import retention
from worker.pipeline.retention import feed_past, trim_stream
from worker.settings.clock import utc_now
from worker.store.factory import group_store
from worker.store.retention import RetentionStore, StreamBounds

__all__ = ["server_binary"]  # on each server that is here

STREAM = "newsdrop:articles"
FOREVER = 10**12


def bounds(
    length: int = 0, *, size: int = 0, oldest_ms: int = 0, idle: int = FOREVER
) -> StreamBounds:
    return StreamBounds(length, oldest_ms, size, idle)


@pytest.fixture
def store(redis_client: redis.Redis) -> RetentionStore:
    """Ten entries with IDs 1-0 to 10-0."""
    for number in range(1, 11):
        redis_client.xadd(STREAM, {"data": "x" * 1000}, id=f"{number}-0")
    return RetentionStore(redis_client, STREAM)


def list_entries(client: Any) -> list[int]:
    return [int(entry.split(b"-")[0]) for entry, _ in client.xrange(STREAM)]


def test_length_and_age(store: RetentionStore, redis_client: Any) -> None:
    """Without groups the oldest entries are removed; a preview counts them and changes nothing."""
    assert store.preview(bounds(4)).removed == 6
    assert store.preview(bounds(oldest_ms=9)).removed == 8
    assert len(list_entries(redis_client)) == 10
    assert store.trim(bounds(8)).removed == 2
    assert store.trim(bounds(oldest_ms=9)).removed == 6
    assert list_entries(redis_client) == [9, 10]
    assert store.read().trimmed == 8
    assert store.trim(bounds(1)).length == 1
    assert store.trim(bounds(oldest_ms=11)).length == 0
    assert store.trim(bounds(1)).removed == 0


def test_what_a_group_has_not_finished_stays(store: RetentionStore, redis_client: Any) -> None:
    """The bound is the least of all groups: the oldest pending entry, else the position."""
    redis_client.xgroup_create(STREAM, "slow", "0")
    redis_client.xgroup_create(STREAM, "quick", "9-0")
    redis_client.xreadgroup("slow", "c", {STREAM: ">"}, count=6)
    redis_client.xack(STREAM, "slow", "1-0", "2-0", "3-0", "5-0")
    expected = store.preview(bounds(1))
    done = store.trim(bounds(1))
    assert (done.removed, done.bound, done.holder) == (3, "4-0", "slow")
    assert (expected.removed, expected.bound) == (3, "4-0")
    redis_client.xack(STREAM, "slow", "4-0", "6-0")
    assert store.trim(bounds(1)).bound == "6-0"
    assert list_entries(redis_client) == [6, 7, 8, 9, 10]
    assert store.read().unread == 0


def test_an_idle_group_loses_its_protection(store: RetentionStore, redis_client: Any) -> None:
    """Without progress and without reads a group keeps nothing; pending entries of a reading
    consumer stay."""
    redis_client.xgroup_create(STREAM, "gone", "0")
    assert store.trim(bounds(5, idle=60_000)).removed == 0
    groups = f"{{{STREAM}}}:groups"
    state = redis_client.hget(groups, "gone").split(b" ", 1)[1]
    hour_ago = int(time.time() * 1000) - 3_600_000
    redis_client.hset(groups, "gone", b"%d %b" % (hour_ago, state))
    assert 3_590 < store.read().idle_seconds["gone"] < 3_700
    assert store.trim(bounds(8, idle=7_200_000)).removed == 0
    assert store.trim(bounds(8, idle=60_000)).removed == 2
    redis_client.xreadgroup("gone", "c", {STREAM: ">"}, count=1)
    redis_client.hset(groups, "gone", b"%d %b" % (hour_ago, b"3-0 1 3-0"))
    assert store.trim(bounds(5, idle=60_000)).removed == 0
    ahead = int(time.time() * 1000) + 3_600_000  # the clock was set back since
    redis_client.hset(groups, "gone", b"%d %b" % (ahead, b"3-0 1 3-0"))
    store.trim(bounds(5, idle=60_000))
    assert int(redis_client.hget(groups, "gone").split(b" ")[0]) < ahead - 3_500_000
    redis_client.xgroup_destroy(STREAM, "gone")
    assert store.trim(bounds(5)).removed == 3
    assert store.read().idle_seconds == {}


def test_bytes_win_over_a_group(store: RetentionStore, redis_client: Any) -> None:
    """Beyond the bytes the oldest go although a group has not read them; they are counted."""
    redis_client.xgroup_create(STREAM, "slow", "0")
    size = store.preview(bounds()).bytes
    expected = store.preview(bounds(size=size // 2))
    done = store.trim(bounds(size=size // 2))
    assert done.removed == done.unread == expected.unread > 0
    assert done.bytes <= size
    found = store.read()
    assert (found.unread, found.unread_at_ms is not None) == (done.unread, True)
    redis_client.delete(STREAM)
    assert store.trim(bounds(1)).length == 0  # the stream was deleted


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    """Five articles, of which the stream has the last two."""
    world = World(tmp_path / "state", redis_server.url)
    for number in range(5):
        world.put(f"{number}.md", article(f"第{number}号潮汐表", f"正文{number}。"))
        world.run()
    assert world.context.retention.trim(bounds(2)).removed == 3
    return world


@pytest.fixture
def service(world: World) -> Iterator[None]:
    """The worker's part, again and again."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.wait(0.05):
            trim_stream(world.context, utc_now())
            feed_past(world.context)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    is_over.set()
    thread.join()


def read(world: World, url: str, count: int) -> list[tuple[str, str]]:
    consumer = Consumer(url, group="nlp", name="c", block_seconds=0.2, claim_after_seconds=600)
    found = []
    for record in consumer:
        found.append((record.title, record.type))
        if len(found) == count:
            consumer.stop()
    return found


@pytest.mark.usefixtures("service")
def test_a_group_begins_in_the_past(world: World, redis_server: Server) -> None:
    """Archived records come first, then the stream: none is missing, doubled or left."""
    created = create_group(world.settings, "nlp", utc_now().replace(year=2000), utc_now())
    first = world.context.articles.read(count=1)[0].stream_id
    assert created < first
    with pytest.raises(AlreadyThere):
        create_group(world.settings, "nlp", utc_now(), utc_now())
    found = read(world, redis_server.url, 5)
    assert found == [(f"第{number}号潮汐表", "article.published") for number in range(5)]
    client = redis_server.client()
    assert client.xpending(STREAM, "nlp")["pending"] == 0
    assert client.keys("*past*") == []
    world.put("5.md", article("第5号潮汐表", "正文5。"))
    world.run()
    assert read(world, redis_server.url, 1) == [("第5号潮汐表", "article.published")]


@pytest.mark.usefixtures("service")
def test_a_missing_segment_is_counted(
    world: World, redis_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Damaged raw files give no records; the log counts them, and the rest is delivered."""
    segments = list(world.context.deps.archive.segments())
    segments[1].raw_path.write_bytes(segments[1].raw_path.read_bytes()[:40] + b"damaged")
    create_group(world.settings, "nlp", utc_now().replace(year=2000), utc_now())
    numbers = [title for title, _ in read(world, redis_server.url, 4)]
    assert numbers == [f"第{number}号潮汐表" for number in (0, 2, 3, 4)]
    assert "archived files are gone" in caplog.text


def test_the_past_is_bounded_and_resumes(
    world: World, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most so many entries wait for the consumers; a batch that is worked on is waited for."""
    monkeypatch.setattr("worker.pipeline.retention.MAX_ENTRIES", 2)
    world.put("5.md", article("第5号潮汐表", "正文5。"))
    world.scan()
    create_group(world.settings, "nlp", utc_now().replace(year=2000), utc_now())
    past, client = f"{{{STREAM}}}:past:nlp", redis_server.client()
    feed_past(world.context)
    assert client.xlen(past) == 0
    world.drain()
    for _ in range(3):
        feed_past(world.context)
        assert client.xlen(past) == 2
    (state,) = world.context.past.list()
    assert (state.read, state.is_read) == (2, False)
    client.xtrim(past, maxlen=0)
    feed_past(world.context)
    assert client.xlen(past) == 1


def test_a_group_that_is_deleted_while_its_past_is_read_has_none(
    world: World, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records are dropped: a later group of that name does not get them twice."""
    create_group(world.settings, "nlp", utc_now().replace(year=2000), utc_now())
    read_records = retention._records

    def delete_first(*args: Any) -> Any:
        found = read_records(*args)
        group_store(world.settings).delete("nlp")
        return found

    monkeypatch.setattr(retention, "_records", delete_first)
    feed_past(world.context)
    assert redis_server.client().keys("*past*") == []
