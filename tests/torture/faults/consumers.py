"""The consumer of the stream, and what retention does for it: killed at any time."""

import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from redis import Redis

from tests.newsdrop.stream import (
    GROUP,
    STREAM,
    Reader,
    kill_again_and_again,
    pending,
)
from tests.torture.field import OPTIONS, server, wait_for
from tests.torture.news import News
from tests.torture.round import Figures, Round
from tests.world import World
from worker.actions.groups import create_group
from worker.pipeline import retention
from worker.pipeline.context import open_context
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.store.connection import connect
from worker.store.retention import RetentionStore, StreamBounds

KILLS = 50
BATCH = 40
LENGTH = 30
"""Entries that may stay in the stream: less than one batch."""
ARTICLES = 400
_FOREVER = 10**12
_PAST = f"{{{STREAM}}}:past:{GROUP}"
_fork = multiprocessing.get_context("fork")


def killed(round_: Round) -> None:
    """50 kills of a consumer between any two steps: each entry is handled, no acknowledged one
    again."""
    with server() as redis:
        file = round_.directory / "handled"
        reader = Reader(redis.url, file, "time.sleep(0.002)", "batch=16")
        pauses = iter(lambda: round_.random.uniform(0, 0.06), None)
        found = kill_again_and_again(redis.client(), reader, KILLS, pauses, BATCH)
    round_.happened["consumers killed"] += found.kills
    round_.happened["records handled again"] += found.redelivered
    handled = found.entries - found.missing
    round_.add(Figures(found.entries, handled, lost=found.missing, doubled=found.repeated))


def killed_with_retention(round_: Round) -> None:
    """The same while a process that trims the stream is killed: no unread entry is removed."""
    with server() as redis, _restartable(_trim, redis.url) as kill:
        file = round_.directory / "handled"
        reader = Reader(redis.url, file, "time.sleep(0.002)", "batch=16")
        client = redis.client()
        client.xgroup_create(STREAM, GROUP, "0", mkstream=True)

        def pauses() -> Iterator[float]:
            while True:
                time.sleep(round_.random.uniform(0, 0.03))
                round_.happened["trimming processes killed"] += kill()
                yield round_.random.uniform(0, 0.06)

        found = kill_again_and_again(client, reader, KILLS, pauses(), BATCH)
        store = RetentionStore(client, STREAM)
        done = store.trim(StreamBounds(LENGTH, 0, 0, _FOREVER))
        counted = store.read()
    round_.happened["consumers killed"] += found.kills
    round_.happened["entries trimmed"] += counted.trimmed
    handled = found.entries - found.missing
    uncounted = abs(found.entries - counted.trimmed - done.length) + counted.unread
    round_.add(
        Figures(
            found.entries,
            handled,
            waiting=max(0, done.length - LENGTH),
            lost=found.missing,
            doubled=found.repeated,
            unaccounted=uncounted,
        )
    )


def killed_in_the_past(round_: Round) -> None:
    """Consumer and archive reader of a group in the past are killed: each record is handled
    once."""
    with server() as redis:
        world = World(round_.directory / "state", redis.url, **OPTIONS)
        News(world.drop_dir, round_.random).write(ARTICLES)
        world.run()
        ids = {entry["id"] for entry in world.entries()}
        client = redis.client()
        client.xtrim(STREAM, maxlen=len(ids) // 4, approximate=False)
        create_group(world.settings, GROUP, utc_now().replace(year=2000), utc_now())
        records = round_.directory / "records"
        line = "record.id + ' ' + record.stream_id + '\\n'"
        code = f"with open({str(records)!r}, 'a') as file: file.write({line}); time.sleep(0.002)"
        reader = Reader(redis.url, round_.directory / "handled", code, "batch=8")
        finished: set[str] = set()
        repeated = 0
        with _restartable(_feed, world.settings) as kill:
            for number in range(KILLS + 1):
                seen = reader.handled()
                process = reader.start()
                if number < KILLS:
                    wait_for(partial(_has_more, reader, len(seen)), 3)
                    time.sleep(round_.random.uniform(0, 0.06))
                    if round_.random.random() < 0.5:
                        round_.happened["reading processes killed"] += kill()
                    round_.happened["consumers killed"] += 1
                else:
                    wait_for(
                        lambda: not client.exists(_PAST) and _handled(reader, client, ids),
                        round_.patience_seconds,
                    )
                process.kill()
                process.wait()
                repeated += len(finished & set(reader.handled()[len(seen) :]))
                left = {entry.decode() for entry, _ in client.xrange(_PAST)}
                finished = set(reader.handled()) - left - pending(client).keys()
    entries = defaultdict(set)
    for text in records.read_text().splitlines():
        article, entry = text.split(" ")
        entries[article].add(entry)
    doubled = repeated + sum(len(found) > 1 for found in entries.values())
    lost = len(ids - entries.keys())
    round_.add(Figures(len(ids), len(ids) - lost, lost=lost, doubled=doubled))


def _has_more(reader: Reader, count: int) -> bool:
    return len(reader.handled()) > count


def _handled(reader: Reader, client: Redis, ids: set[str]) -> bool:
    return len(set(reader.handled())) >= len(ids) and not pending(client)


@contextmanager
def _restartable(action: Callable[..., None], *arguments: object) -> Iterator[Callable[[], int]]:
    """A process that works until it is killed: a call kills it and starts another one."""
    processes = [_fork.Process(target=action, args=arguments, daemon=True)]
    processes[0].start()

    def kill() -> int:
        was_alive = processes[-1].is_alive()
        processes[-1].kill()
        processes[-1].join()
        processes.append(_fork.Process(target=action, args=arguments, daemon=True))
        processes[-1].start()
        return int(was_alive)

    try:
        yield kill
    finally:
        processes[-1].kill()
        processes[-1].join()


def _trim(url: str) -> None:
    store = RetentionStore(connect(url), STREAM)
    while True:
        store.trim(StreamBounds(LENGTH, 0, 0, _FOREVER))


def _feed(settings: Settings) -> None:
    """The worker's part, with a bound that is reached after a few records."""
    retention.MAX_ENTRIES = 20
    context = open_context(settings)
    while True:
        retention.feed_past(context)
        time.sleep(0.01)
