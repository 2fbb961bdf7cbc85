"""Figures of `newsdrop.consumer`: records a second, beside a hand-written loop.

The loop reads the same entries with XREADGROUP, decodes them, and acknowledges each batch. The
figure is the median ratio of CPU times (reader and server together) of alternating runs, so that
other work on the machine does not count. The loop that acknowledges each entry is compared by time:
with `appendfsync always` each acknowledgement waits for the disk.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import redis

from bench.figure import Figure, at_least
from bench.place import place, server_cpu
from newsdrop.consumer import Consumer

RECORDS = 10_000
ROUNDS = 5
STREAM = "newsdrop:articles"
BATCH = 100


def consumer(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """`quick` reads a tenth of the records. An entry is of 11 KB, as a mirrored article is."""
    count = RECORDS // 10 if quick else RECORDS
    say(f"consumer: {count:,} records, {ROUNDS} rounds")
    ratios: dict[str, list[float]] = {"loop": [], "each": []}
    rates: dict[str, list[float]] = {"consumer": [], "loop": [], "each": []}
    with place() as here:
        here.client.config_set("appendfsync", "always")
        _fill(here.client, count)
        for number in range(ROUNDS):
            ours = _measure(here.client, partial(_ours, here.url, f"a{number}", count))
            loop = _measure(here.client, partial(_loop, here.url, f"b{number}", count))
            each = _measure(here.client, partial(_loop, here.url, f"c{number}", count, each=True))
            ratios["loop"].append(loop.cpu / ours.cpu)
            ratios["each"].append(each.seconds / ours.seconds)
            for name, cost in (("consumer", ours), ("loop", loop), ("each", each)):
                rates[name].append(count / cost.seconds)
    parts = {f"{name} a second": median(values) for name, values in rates.items()}
    return [
        at_least("consumer, CPU beside a hand-written loop", median(ratios["loop"]), 0.9, parts),
        at_least("consumer, one acknowledgement each", median(ratios["each"]), 10, parts),
    ]


@dataclass(frozen=True, slots=True)
class _Cost:
    """CPU seconds of this process and the server, and seconds of the clock."""

    cpu: float
    seconds: float


def _fill(client: redis.Redis, count: int) -> None:
    data = json.dumps(
        {"id": "x", "content_text": "船舶等待时间缩短四成。" * 330}, ensure_ascii=False
    )
    with client.pipeline(transaction=False) as pipe:
        for number in range(count):
            entry: dict[Any, Any] = {
                "type": "article.published",
                "id": f"{number}",
                "revision": 1,
                "title": "t",
            }
            pipe.xadd(STREAM, entry | {"date": "2023-04-18", "source": "drop", "data": data})
            if number % 500 == 499:
                pipe.execute()
        pipe.execute()


def _measure(client: redis.Redis, read: Callable[[], None]) -> _Cost:
    server, own, began = server_cpu(client), time.process_time(), time.monotonic()
    read()
    seconds = time.monotonic() - began
    return _Cost(time.process_time() - own + server_cpu(client) - server, seconds)


def _ours(url: str, group: str, count: int) -> None:
    reader = Consumer(url, group=group, batch=BATCH)
    for handled, record in enumerate(reader, 1):
        assert record.id
        if handled == count:
            reader.stop()


def _loop(url: str, group: str, count: int, *, each: bool = False) -> None:
    client = redis.Redis.from_url(url, decode_responses=True)
    client.xgroup_create(STREAM, group, "0")
    handled = 0
    while handled < count:
        answer: Any = client.xreadgroup(group, "me", {STREAM: ">"}, count=BATCH, block=1000)
        ((_, entries),) = answer
        for stream_id, fields in entries:
            assert fields["id"]
            if each:
                client.xack(STREAM, group, stream_id)
        if not each:
            client.xack(STREAM, group, *(stream_id for stream_id, _ in entries))
        handled += len(entries)
    client.close()
