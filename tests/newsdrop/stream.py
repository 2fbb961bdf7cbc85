"""A stream in the form that newsdrop writes, and consumers of it as processes."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import redis

STREAM, GROUP = "newsdrop:articles", "readers"


def publish(client: redis.Redis, *numbers: int, stream: str = STREAM, **fields: Any) -> list[str]:
    """An entry for each number; the stream IDs."""
    made = []
    for number in numbers:
        record = {"id": f"20230418-{number:024x}", "title": f"第{number}条", "schema_version": 1}
        record |= {"language": "zh-Hans", "tags": ["港口"], "tickers": [{"symbol": "605999.SH"}]}
        entry = {"type": "article.published", "id": record["id"], "revision": 1}
        entry |= {"title": record["title"], "date": "2023-04-18", "source": "drop"} | fields
        entry.setdefault("data", json.dumps(record))
        made.append(client.xadd(stream, entry).decode())  # type: ignore[arg-type, union-attr]
    return made


def pending(client: redis.Redis, stream: str = STREAM) -> dict[str, int]:
    """Deliveries of what the group has not acknowledged."""
    if not client.exists(stream) or not client.xinfo_groups(stream):
        return {}
    found = client.xpending_range(stream, GROUP, "-", "+", 100_000)
    return {one["message_id"].decode(): one["times_delivered"] for one in found}


def delivered_until(client: redis.Redis, stream: str) -> str:
    """The last entry that the group was given."""
    return str(client.xinfo_groups(stream)[0]["last-delivered-id"].decode())


@dataclass
class Reader:
    """A process that appends the stream ID of each record to a file and handles it."""

    url: str
    file: Path
    code: str = ""
    options: str = ""

    def start(self) -> "subprocess.Popen[bytes]":
        program = f"""
import os, sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from newsdrop.consumer import Consumer, Retry, Skip
lines = os.open({str(self.file)!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
consumer = Consumer({self.url!r}, group={GROUP!r}, block_seconds=0.05, {self.options})
def handle(record):
    os.write(lines, record.stream_id.encode() + b"\\n")
    {self.code or "pass"}
consumer.run(handle)
"""
        return subprocess.Popen([sys.executable, "-c", program])

    def handled(self) -> list[str]:
        return self.file.read_text().split() if self.file.exists() else []


@dataclass
class Kills:
    """What became of a group whose consumer was killed again and again."""

    kills: int = 0
    entries: int = 0
    missing: int = 0
    repeated: int = 0
    """Handled again although they were acknowledged."""
    redelivered: int = 0


def kill_again_and_again(
    client: redis.Redis,
    reader: Reader,
    kills: int,
    pauses: Iterator[float],
    batch: int = 40,
    stream: str = STREAM,
) -> Kills:
    """Publish while the reader is killed at any time, then let it finish."""
    published: list[str] = []
    finished: set[str] = set()
    repeated = 0
    for kill in range(kills + 1):
        seen = len(reader.handled())
        process = reader.start()
        published += publish(client, *range(kill * batch, (kill + 1) * batch), stream=stream)
        try:
            if kill < kills:
                _wait(partial(_has_handled, reader, seen + 1))
                time.sleep(next(pauses))
            else:
                _wait(partial(_has_finished, client, reader, published, stream))
        finally:
            process.kill()
            process.wait()
        repeated += len(finished & set(reader.handled()[seen:]))
        until = _number(delivered_until(client, stream))
        finished = {one for one in published if _number(one) <= until} - pending(
            client, stream
        ).keys()
    handled = reader.handled()
    missing = len(set(published) - set(handled))
    return Kills(kills, len(published), missing, repeated, len(handled) - len(set(handled)))


def _has_handled(reader: Reader, count: int) -> bool:
    return len(reader.handled()) >= count


def _has_finished(client: redis.Redis, reader: Reader, published: list[str], stream: str) -> bool:
    return set(published) <= set(reader.handled()) and not pending(client, stream)


def _number(stream_id: str) -> tuple[int, ...]:
    return tuple(map(int, stream_id.split("-")))


def _wait(is_true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
