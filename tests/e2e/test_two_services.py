"""Two services, each with a state directory, on one Redis server."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.test_plain_celery import WITHIN, Worker, titles, until
from tests.servers import Server
from tests.world import World, article
from worker.taskqueue.celery_app import QUEUE, create_app

pytestmark = pytest.mark.e2e


def test_a_wakeup_reaches_its_own_service(tmp_path: Path, redis_server: Server) -> None:
    """A worker of another state directory, which cannot see the files, does not consume it."""
    one, two = (World(tmp_path / name, redis_server.url) for name in ("one", "two"))
    first, second = (
        Worker(world, tmp_path / f"{world.settings.state_dir.name}.log") for world in (one, two)
    )
    try:
        first.start(with_beat=False)
        for name, world in (("第一家", one), ("第二家", two)):
            world.put("a.md", article(name))
        send(one, two, is_over=lambda: titles(one) == ["第一家"])
        assert not is_empty(two)
        second.start(with_beat=False)
        until(lambda: len(titles(one)) == 2, "record of the second service")
    finally:
        first.kill()
        second.kill()


def send(*worlds: World, is_over: Callable[[], bool]) -> None:
    """Ticks of all services in turn: a file has to settle before a scan claims it."""
    end = time.monotonic() + WITHIN
    while not is_over():
        assert time.monotonic() < end
        for world in worlds:
            create_app(world.settings).send_task("newsdrop.scan")
        time.sleep(0.5)


def is_empty(world: World) -> bool:
    return not world.context.wakeups.count_waiting(QUEUE)
