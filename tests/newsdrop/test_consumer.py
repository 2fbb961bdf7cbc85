"""newsdrop.consumer: each record at least once, whatever happens to consumer, group and server."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
import redis

from newsdrop.consumer import Consumer, Event, Filters, Record, Retry, Skip
from tests.newsdrop.stream import (
    GROUP,
    STREAM,
    Reader,
    kill_again_and_again,
    pending,
    publish,
)
from tests.servers import Server

Handler = Callable[[Record], object]


@pytest.fixture
def consumer(redis_server: Server) -> Callable[..., Consumer]:
    """A consumer of the empty server, which waits only briefly."""

    def make(**options: Any) -> Consumer:
        return Consumer(redis_server.url, **{"group": GROUP, "block_seconds": 0.05, **options})

    return make


def run_blocking(consumer: Consumer, handler: Handler) -> None:
    consumer.run(handler)


def run_async(consumer: Consumer, handler: Handler) -> None:
    async def handle(record: Record) -> None:
        handler(record)

    asyncio.run(consumer.run_async(handle))


both = pytest.mark.parametrize("run", [run_blocking, run_async])


def run_for(
    run: Callable[[Consumer, Handler], None],
    consumer: Consumer,
    count: int,
    act: Handler = lambda _: None,
    seconds: float = 20,
) -> list[Record]:
    """The first `count` records that are handed over; stops then, or after some seconds."""
    records: list[Record] = []
    end = time.monotonic() + seconds

    def handle(record: Record) -> None:
        records.append(record)
        if len(records) >= count or time.monotonic() > end:
            consumer.stop()
        act(record)

    run(consumer, handle)
    return records


@both
def test_a_batch_is_acknowledged_in_one_round_trip(
    run: Any, consumer: Any, redis_client: redis.Redis
) -> None:
    """250 records in order, with three acknowledgements; nothing stays pending."""
    made = publish(redis_client, *range(250))
    redis_client.config_resetstat()
    records = run_for(run, consumer(batch=100), 250)
    assert [record.stream_id for record in records] == made
    assert redis_client.info("commandstats")["cmdstat_xack"]["calls"] == 3  # type: ignore[index]
    assert pending(redis_client) == {}


def test_a_record_is_typed(consumer: Any, redis_client: redis.Redis) -> None:
    """The entry's fields, and the whole record as dataclasses."""
    publish(redis_client, 7)
    (record,) = run_for(run_blocking, consumer(), 1)
    assert (record.type, record.title, record.date) == ("article.published", "第7条", "2023-04-18")
    assert [ticker.symbol for ticker in record.article.tickers] == ["605999.SH"]
    assert (record.revision, record.deliveries, record.source) == (1, 1, "drop")


def test_iteration_acknowledges_the_previous_record(
    consumer: Any, redis_client: redis.Redis
) -> None:
    """After a `break` only the current record is delivered again; batches and `async for`, too."""
    made = publish(redis_client, *range(5))
    for number, _ in enumerate(consumer()):
        if number == 2:
            break
    assert list(pending(redis_client)) == made[2:]

    async def rest() -> list[str]:
        found = []
        reader = consumer()
        async for record in reader:
            found.append(record.stream_id)
            if len(found) == 3:
                reader.stop()
        return found

    assert asyncio.run(rest()) == made[2:]
    assert pending(redis_client) == {}
    publish(redis_client, *range(9))
    reader = consumer(batch=9)
    for records in reader.batches():
        assert len(records) == 9
        reader.stop()
    assert pending(redis_client) == {}


@both
def test_a_handler_may_skip_retry_and_fail(
    run: Any, consumer: Any, redis_client: redis.Redis
) -> None:
    """Skip acknowledges; Retry repeats without counting; a failure repeats and counts."""
    made = publish(redis_client, *range(3))
    errors = {made[0]: [Skip()], made[1]: [Retry(0.1), Retry(0.1)], made[2]: [ValueError("no")]}

    def act(record: Record) -> None:
        if errors[record.stream_id]:
            raise errors[record.stream_id].pop(0)

    reader = consumer()
    records = run_for(run, reader, 6, act)
    assert sorted((one.stream_id, one.deliveries) for one in records) == [
        (made[0], 1), (made[1], 1), (made[1], 1), (made[1], 1), (made[2], 1), (made[2], 2),
    ]  # fmt: skip
    assert reader.counts["skipped"] == 1
    assert reader.counts["retried"] == 2
    assert reader.counts["handled"] == 2
    assert pending(redis_client) == {}


@both
def test_a_poison_record_becomes_a_dead_letter(
    run: Any, consumer: Any, redis_client: redis.Redis
) -> None:
    """After two failures it is in the stream of dead letters with its error; the others pass."""
    made = publish(redis_client, *range(4))
    events: list[Event] = []
    reader = consumer(max_deliveries=2, on_event=events.append)

    def act(record: Record) -> None:
        if record.stream_id == made[1]:
            raise KeyError("no such ticker")

    run_for(run, reader, 5, act)
    ((_, letter),) = redis_client.xrange(reader.dead_letters)  # type: ignore[misc]
    assert (letter[b"entry"], letter[b"deliveries"]) == (made[1].encode(), b"2")
    assert letter[b"error"] == b"KeyError: 'no such ticker'"
    assert b"605999.SH" in letter[b"data"]
    assert pending(redis_client) == {}
    assert [one.kind for one in events if one.kind in ("failed", "dead")] == [
        "failed", "failed", "dead",
    ]  # fmt: skip


def test_full_dead_letters_drop_nothing(consumer: Any, redis_client: redis.Redis) -> None:
    """Beyond their bound a failing record stays pending, and the consumer reports it."""
    made = publish(redis_client, *range(3))
    reader = consumer(max_deliveries=1, max_dead_letters=1)

    def act(record: Record) -> None:
        raise ValueError("never")

    run_for(run_blocking, reader, 3, act)
    assert redis_client.xlen(reader.dead_letters) == 1
    assert list(pending(redis_client)) == made[1:]
    assert reader.counts["dead-letters-full"] == 2


def test_later_revisions_wait_behind_a_retry(consumer: Any, redis_client: redis.Redis) -> None:
    """Records of one article stay in order while one is retried; others are handled."""
    first = publish(redis_client, 1)
    second = publish(redis_client, 1, revision=2, type="article.revised")
    other = publish(redis_client, 2)
    errors = [Retry(0.3)]

    def act(record: Record) -> None:
        if record.stream_id == first[0] and errors:
            raise errors.pop()

    records = run_for(run_blocking, consumer(), 4, act)
    assert [one.stream_id for one in records] == [*first, *other, *first, *second]


def test_unfinished_records_come_first(consumer: Any, redis_client: redis.Redis) -> None:
    """A consumer with the same name begins with its unacknowledged records."""
    old = publish(redis_client, *range(3))
    redis_client.xgroup_create(STREAM, GROUP, "0")
    redis_client.xreadgroup(GROUP, "me", {STREAM: ">"}, count=3)
    new = publish(redis_client, 3, 4)
    records = run_for(run_blocking, consumer(name="me"), 5)
    assert [one.stream_id for one in records] == old + new
    assert [one.deliveries for one in records] == [2, 2, 2, 1, 1]


def test_records_of_another_consumer_are_taken_over(
    consumer: Any, redis_client: redis.Redis
) -> None:
    """After `claim_after_seconds`, and not before."""
    made = publish(redis_client, *range(3))
    redis_client.xgroup_create(STREAM, GROUP, "0")
    redis_client.xreadgroup(GROUP, "gone", {STREAM: ">"}, count=3)
    later = publish(redis_client, 3)
    reader = consumer(claim_after_seconds=1)
    started = time.monotonic()
    records = run_for(run_blocking, reader, 4)
    assert [one.stream_id for one in records] == later + made
    assert time.monotonic() - started > 0.9
    assert reader.counts["claimed"] == 3


def test_a_long_batch_is_not_taken_over(consumer: Any, redis_client: redis.Redis) -> None:
    """Between two records the ownership of the rest is renewed: another consumer gets nothing."""
    publish(redis_client, *range(8))
    taken: list[object] = []

    def act(_: Record) -> None:
        time.sleep(0.25)
        taken.extend(redis_client.xautoclaim(STREAM, GROUP, "b", 900, "0-0", justid=True))  # type: ignore[arg-type]

    records = run_for(run_blocking, consumer(claim_after_seconds=0.9), 8, act)
    assert len({one.stream_id for one in records}) == len(records) == 8
    assert taken == []


def test_records_that_were_taken_over_are_dropped(consumer: Any, redis_client: redis.Redis) -> None:
    """A suspended consumer does not repeat what another one finished."""
    made = publish(redis_client, *range(5))
    reader = consumer(claim_after_seconds=0.3)

    def act(record: Record) -> None:
        if record.stream_id == made[0]:
            time.sleep(0.4)
            _, taken, *_ = redis_client.xautoclaim(STREAM, GROUP, "b", 0, made[1], justid=True)
            redis_client.xack(STREAM, GROUP, *taken)
            publish(redis_client, 9)

    records = run_for(run_blocking, reader, 2, act)
    assert [one.article.title for one in records] == ["第0条", "第9条"]


def test_a_group_is_made_again_where_it_stopped(consumer: Any, redis_client: redis.Redis) -> None:
    """After it was deleted nothing comes twice; what waits for a retry is not forgotten."""
    made = publish(redis_client, *range(4))
    errors = [Retry(0.3)]

    def act(record: Record) -> None:
        if record.stream_id == made[1] and errors:
            raise errors.pop()
        if record.stream_id == made[3]:
            redis_client.xgroup_destroy(STREAM, GROUP)
            made.extend(publish(redis_client, 4, 5))

    reader = consumer()
    records = run_for(run_blocking, reader, 7, act)
    assert [one.stream_id for one in records] == [*made[:6], made[1]]
    assert reader.counts["group-created-again"] == 1


@pytest.mark.parametrize("clock", ["", "1000-1"])
def test_a_new_stream_is_read_from_its_beginning(
    clock: str, consumer: Any, redis_client: redis.Redis
) -> None:
    """A deleted stream that is written again, also by a server whose clock is behind."""
    made = publish(redis_client, *range(3))

    def act(record: Record) -> None:
        if record.stream_id == made[2]:
            redis_client.delete(STREAM)
            if clock:
                redis_client.xadd(STREAM, {"type": "article.published", "id": "x"}, id=clock)
            else:
                publish(redis_client, 9)

    records = run_for(run_blocking, consumer(), 4, act)
    assert len({one.stream_id for one in records}) == 4


def test_only_new_ones(consumer: Any, redis_client: redis.Redis) -> None:
    """`start="$"`, and a group that exists keeps its place whatever `start` is."""
    publish(redis_client, *range(3))
    reader = consumer(start="$")
    batches = reader.batches()
    reader.block_seconds = 0.2
    redis_client.xgroup_create(STREAM, GROUP, "$")
    publish(redis_client, 7)
    assert [one.title for one in next(batches)] == ["第7条"]
    batches.close()
    records = run_for(run_blocking, consumer(start="0"), 1)
    assert [one.title for one in records] == ["第7条"]


@pytest.mark.parametrize(
    ("filters", "passed"),
    [
        (Filters(source="drop"), [0, 1, 2]),
        (Filters(source=["feed", "other"]), [3, 4]),
        (Filters(language="zh"), [0, 1, 2, 3, 4]),
        (Filters(language="zh-Hant"), [4]),
        (Filters(ticker="605999.SH"), [0, 1, 2, 3, 4]),
        (Filters(ticker="1.HK"), [4]),
        (Filters(tag={"港口"}), [0, 1, 2, 3, 4]),
        (Filters(since="2023-04-19"), [1, 4]),
        (Filters(since="2023-04-18", until="2023-04-18"), [0, 3, 4]),
    ],
)
def test_filters(
    filters: Filters, passed: list[int], consumer: Any, redis_client: redis.Redis
) -> None:
    """What does not pass is acknowledged; a withdrawal passes all but `source`."""
    publish(redis_client, 0)
    publish(redis_client, 1, date="2023-05-01")
    publish(redis_client, 2, date="")
    publish(redis_client, 3, source="feed")
    publish(redis_client, 4, source="feed", type="article.withdrawn", data="{}")
    publish(redis_client, 5, source="drop", type="article.withdrawn", data="{}", id="end")
    is_source = filters.source == ["feed", "other"]
    reader = consumer(filters=filters)
    records = run_for(run_blocking, reader, len(passed) + (not is_source))
    assert [int(one.title[1:-1]) for one in records][: len(passed)] == passed
    assert pending(redis_client) == {}
    assert reader.counts["filtered"] == 6 - len(records)


def test_the_first_of_each_story(consumer: Any, redis_client: redis.Redis) -> None:
    """Near-duplicates are acknowledged without handling; other filters apply as well."""
    first = f"20230418-{1:024x}"
    copy = {"story": first, "near_duplicate_of": first, "similarity": "0.87"}
    publish(redis_client, 0)
    publish(redis_client, 1, story=first)
    publish(redis_client, 2, source="feed", **copy)
    publish(redis_client, 3, type="article.withdrawn", data="{}", **copy)
    publish(redis_client, 4, source="feed")
    reader = consumer(first_of_story=True)
    records = run_for(run_blocking, reader, 4)
    assert [int(one.title[1:-1]) for one in records] == [0, 1, 3, 4]
    assert [one.story for one in records] == [None, first, first, None]
    assert pending(redis_client) == {}
    assert reader.counts["filtered"] == 1
    of_feed = consumer(first_of_story=True, filters=Filters(source="feed"), group="feed")
    assert [one.title for one in run_for(run_blocking, of_feed, 1)] == ["第4条"]
    marked = consumer(group="all")
    third = run_for(run_blocking, marked, 5)[2]
    assert (third.near_duplicate_of, third.similarity) == (first, 0.87)


def test_entries_of_other_programs_are_read(consumer: Any, redis_client: redis.Redis) -> None:
    """An entry without fields, and a record that is not JSON, fail alone."""
    redis_client.xadd(STREAM, {"anything": "1"})
    publish(redis_client, 1, data="[1", revision="x")
    publish(redis_client, 2)
    reader = consumer(max_deliveries=1, filters=Filters(tag="港口"))

    def act(record: Record) -> None:
        assert record.article.title

    records = run_for(run_blocking, reader, 3, act)
    assert [one.revision for one in records] == [1, 1, 1]
    assert reader.counts["dead"] == 2


def test_what_was_trimmed_while_pending_stops_nothing(
    consumer: Any, redis_client: redis.Redis
) -> None:
    """Pending entries that are gone leave the pending ones, and are counted."""
    publish(redis_client, *range(3))
    redis_client.xgroup_create(STREAM, GROUP, "0")
    redis_client.xreadgroup(GROUP, "me", {STREAM: ">"}, count=3)
    redis_client.xtrim(STREAM, maxlen=0, approximate=False)
    publish(redis_client, 9)
    reader = consumer(name="me")
    records = run_for(run_blocking, reader, 1)
    assert [one.title for one in records] == ["第9条"]
    assert reader.counts["trimmed"] == 3
    assert pending(redis_client) == {}


@both
def test_a_restarted_server_is_waited_for(run: Any, own_server: Callable[..., Server]) -> None:
    """Restarted while records are handled: all are delivered, and events report it."""
    server = own_server(appendonly=True)
    client = server.client()
    made = publish(client, *range(30))
    reader = Consumer(server.url, group=GROUP, block_seconds=0.05, batch=10)

    def act(record: Record) -> None:
        if record.stream_id in (made[4], made[17]):
            server.kill()
            threading.Timer(0.4, server.start).start()

    records = run_for(run, reader, 30, act)
    assert {one.stream_id for one in records} == set(made)
    assert reader.counts["disconnected"] >= 2
    assert pending(client) == {}


def test_it_stops_although_the_server_is_unavailable(own_server: Callable[..., Server]) -> None:
    """A consumer that waits for the server ends when it is stopped."""
    server = own_server()
    publish(server.client(), 1)
    reader = Consumer(server.url, group=GROUP, block_seconds=0.05)

    def stop(event: Event) -> None:
        if event.kind == "disconnected":
            reader.stop()

    reader.on_event = stop
    for _ in reader:
        server.kill()


def test_a_wrong_password_is_raised(own_server: Callable[..., Server]) -> None:
    """It does not go away by waiting."""
    server = own_server(options=("--requirepass", "secret"))
    with pytest.raises(redis.RedisError):
        next(iter(Consumer(server.url, group=GROUP)))


def test_names_are_stable_and_unique(consumer: Any, redis_client: redis.Redis) -> None:
    """Two at once have two names; the next ones have the same two."""
    for _ in range(2):
        publish(redis_client, 1, 2)
        both = [consumer(batch=1).batches() for _ in range(2)]
        assert [len(next(one)) for one in both] == [1, 1]
        for one in both:
            one.close()
    names = [one["name"].decode() for one in redis_client.xinfo_consumers(STREAM, GROUP)]
    assert sorted(name.rsplit("-", 1)[1] for name in names) == ["0", "1"]


def test_a_record_that_ends_the_process_is_found(
    tmp_path: Path, redis_server: Server, redis_client: redis.Redis
) -> None:
    """It is a dead letter after three deliveries; those read with it are not."""
    made = publish(redis_client, *range(20))
    code = f"if record.stream_id == {made[6]!r}: os._exit(9)"
    reader = Reader(redis_server.url, tmp_path / "handled", code, "max_deliveries=3")
    for _ in range(3):
        assert reader.start().wait(60) == 9
    process = reader.start()
    end = time.monotonic() + 30
    while pending(redis_client) and time.monotonic() < end:
        time.sleep(0.02)
    process.kill()
    process.wait()
    letters = redis_client.xrange(f"{{{STREAM}}}:dead:{GROUP}")
    assert [fields[b"entry"].decode() for _, fields in letters] == [made[6]]  # type: ignore[union-attr]
    assert set(reader.handled()) == set(made)


def test_kills_lose_nothing(
    tmp_path: Path, redis_server: Server, redis_client: redis.Redis
) -> None:
    """Killed at any time: each record is handled, and no acknowledged one again."""
    reader = Reader(redis_server.url, tmp_path / "handled", "time.sleep(0.002)", "batch=16")
    found = kill_again_and_again(redis_client, reader, 5, pauses(1))
    assert (found.missing, found.repeated, found.entries) == (0, 0, 240)
    assert redis_client.exists(f"{{{STREAM}}}:dead:{GROUP}") == 0


def pauses(seed: int) -> Iterator[float]:
    chosen = random.Random(seed)
    return (chosen.uniform(0, 0.06) for _ in repeat(None))
