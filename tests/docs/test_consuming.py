"""docs/consuming.md: its consumer loses nothing and keeps nothing twice, whatever befalls it."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bench.place import wait_until
from newsdrop import Consumer
from tests.docs.pages import blocks
from tests.servers import Server
from tests.world import World, article

STREAM, GROUP = "newsdrop:articles", "keeper"
LONG_AGO = 3_600_000
"""Milliseconds; more than the consumer's `claim_after_seconds`."""


class Keeper:
    """The document's consumer as processes, and the records that it stored."""

    def __init__(self, folder: Path, url: str) -> None:
        (program,) = (b for b in blocks("docs/consuming.md", "python") if "consumer.py" in b.text)
        self.program = folder / "consumer.py"
        self.program.write_text(program.text)
        self.file = folder / "articles.db"
        self.url = url
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, str(self.program), self.url, str(self.file)]
        self.running.append(subprocess.Popen(command))
        return self.running[-1]

    def stored(self) -> dict[str, int]:
        """The stored revisions, by id."""
        if not self.file.exists():
            return {}
        with sqlite3.connect(self.file, timeout=30) as database:
            if not database.execute("SELECT name FROM sqlite_master").fetchall():
                return {}
            return dict(database.execute("SELECT id, revision FROM articles"))

    def stop(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


@pytest.fixture
def keeper(tmp_path: Path, redis_server: Server) -> Iterator[Keeper]:
    made = Keeper(tmp_path, redis_server.url)
    yield made
    made.stop()


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    return World(tmp_path / "state", redis_server.url, folder={"on_change": "revise"})


def publish(world: World, number: int, text: str = "正文。") -> None:
    for one in range(number):
        world.put(f"{one}.md", article(f"第{one}条新闻", text))
    world.run()


def pending(client: redis.Redis) -> int:
    return int(client.xpending(STREAM, GROUP)["pending"]) if client.exists(STREAM) else 0


def take_and_die(client: redis.Redis, count: int) -> None:
    """A consumer that read some records and stopped an hour ago."""
    ((_, entries),) = client.xreadgroup(GROUP, "dead", {STREAM: ">"}, count=count)
    forget(client, *(entry for entry, _ in entries))


def forget(client: redis.Redis, *entries: bytes) -> None:
    client.xclaim(STREAM, GROUP, "dead", 0, list(entries), idle=LONG_AGO, justid=True)


def test_it_keeps_every_article_once_and_acknowledges(
    keeper: Keeper, world: World, redis_client: redis.Redis
) -> None:
    """Earlier and new records; two consumers share the work."""
    publish(world, 150)
    keeper.start()
    keeper.start()
    world.put("later.md", article("后来的一条"))
    world.run()
    wait_until(lambda: len(keeper.stored()) == 151, within=60)
    wait_until(lambda: pending(redis_client) == 0, within=60)


def test_records_read_before_a_kill_are_delivered_again(
    keeper: Keeper, world: World, redis_client: redis.Redis
) -> None:
    """Killed between reading and storing, it has acknowledged nothing."""
    first = keeper.start()
    wait_until(lambda: _group_is_there(redis_client), within=60)
    held = sqlite3.connect(keeper.file, timeout=30, isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")  # keep() waits here
    publish(world, 20)
    wait_until(lambda: pending(redis_client) > 0, within=60)
    first.kill()
    first.wait()
    held.execute("ROLLBACK")
    held.close()
    taken = redis_client.xpending_range(STREAM, GROUP, "-", "+", 100)
    assert taken
    assert keeper.stored() == {}
    forget(redis_client, *(one["message_id"] for one in taken))
    keeper.start()
    wait_until(lambda: len(keeper.stored()) == 20, within=60)
    wait_until(lambda: pending(redis_client) == 0, within=60)


def test_an_old_entry_does_not_replace_a_revision(
    keeper: Keeper, world: World, redis_client: redis.Redis
) -> None:
    """Also when it is delivered again."""
    publish(world, 1)
    publish(world, 1, text="改过的正文。")
    redis_client.xgroup_create(STREAM, GROUP, id="0")
    ((_, [(old, _)]),) = redis_client.xreadgroup(GROUP, "slow", {STREAM: ">"}, count=1)
    running = keeper.start()
    wait_until(lambda: list(keeper.stored().values()) == [2], within=60)
    forget(redis_client, old)  # and so comes last
    wait_until(lambda: pending(redis_client) == 0, within=60)
    assert list(keeper.stored().values()) == [2]
    assert running.poll() is None


def test_what_was_trimmed_while_pending_stops_nothing(
    keeper: Keeper, world: World, redis_client: redis.Redis
) -> None:
    """Entries that are gone from the stream leave the pending ones, and the next articles come."""
    publish(world, 5)
    redis_client.xgroup_create(STREAM, GROUP, id="0")
    take_and_die(redis_client, 5)
    redis_client.xtrim(STREAM, maxlen=0, approximate=False)
    running = keeper.start()
    wait_until(lambda: pending(redis_client) == 0, within=60)
    world.put("later.md", article("后来的一条"))
    world.run()
    wait_until(lambda: len(keeper.stored()) == 1, within=60)
    assert running.poll() is None


def _group_is_there(client: redis.Redis) -> bool:
    return bool(client.exists(STREAM) and client.xinfo_groups(STREAM))


def test_the_document_names_its_group_and_stream() -> None:
    """They are those that these tests use."""
    (program,) = (b for b in blocks("docs/consuming.md", "python") if "consumer.py" in b.text)
    assert re.findall(r'group="(.+?)"', program.text) == [GROUP]
    assert Consumer("", group=GROUP).stream == STREAM
