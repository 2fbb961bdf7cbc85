"""The file system calls of a batch's way, from claim to archive: each one fails once."""

import itertools
import shutil
from contextlib import suppress
from pathlib import Path

from tests.servers import Server
from tests.torture import seam
from tests.torture.field import server
from tests.torture.news import News
from tests.torture.oracle import examine
from tests.torture.round import Round
from tests.world import World, in_child
from worker.errors import Retryable
from worker.spool.layout import register_root

FILES = 5
MOST_CALLS = 400
"""More than a batch of FILES makes: beyond its last call nothing fails any more."""


def failures(round_: Round) -> None:
    """In a child: scan and drain with one failing call. Here: the same again without, and the
    examination."""
    kinds = list(seam.FAILURES)
    with server(appendonly=False) as redis:
        for trial in itertools.count():
            if round_.is_over:
                return
            failure = kinds[trial % len(kinds)]
            number = round_.random.randint(1, 20 if failure == "short write" else 220)
            _one(round_, redis, failure, number)


def _one(round_: Round, redis: Server, failure: str, number: int) -> None:
    state = round_.directory / "state"
    redis.client().flushall()
    register_root.cache_clear()
    world = World(state, redis.url)
    news = News(world.drop_dir, round_.random)
    news.write(FILES)
    mark = round_.directory / "happened"
    in_child(lambda: _work(World(state, redis.url), failure, number, mark))
    if mark.exists():
        round_.happened[failure] += 1
        what = f"{failure} at call {number}, {mark.read_text()}:"
        mark.unlink()
        for _ in range(2):  # what was moved back is claimed again
            with suppress(Retryable):
                world.run()
        round_.add(examine((world, news)), what)
    shutil.rmtree(state)


def _work(world: World, failure: str, number: int, mark: Path) -> None:
    def note(name: str) -> None:
        mark.write_text(name)

    with seam.failing(failure, number, note):
        for step in (world.scan, world.drain, world.scan, world.drain):
            with suppress(Retryable, OSError):
                step()
