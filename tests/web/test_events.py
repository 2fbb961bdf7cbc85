"""Task events: what Flower and celery-exporter listen to."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.test_plain_celery import WITHIN, Worker
from tests.servers import Server
from tests.world import World, article
from worker.taskqueue.celery_app import create_app

pytestmark = pytest.mark.e2e


@pytest.fixture
def world(tmp_path: Path, own_server: Callable[..., Server]) -> World:
    return World(tmp_path / "state", own_server().url)


@pytest.fixture
def worker(world: World, tmp_path: Path) -> Iterator[Worker]:
    one = Worker(world, tmp_path / "worker.log")
    yield one
    one.kill()


def test_events_of_workers_and_tasks(world: World, worker: Worker) -> None:
    """Celery's own receiver follows a task from sending to success, and its worker."""
    listener = create_app(world.settings)
    state = listener.events.State()
    worker.start()
    with listener.connection_for_read() as connection:
        receiver = listener.events.Receiver(connection, handlers={"*": state.event})
        receiver.capture(limit=1, timeout=WITHIN)  # from here on it misses none
        world.put("a.md", article())
        end = time.monotonic() + WITHIN
        while not [t for _, t in state.tasks_by_type("newsdrop.ingest") if t.state == "SUCCESS"]:
            assert time.monotonic() < end, state
            with suppress(socket.timeout):  # nothing came within the second
                receiver.capture(limit=20, timeout=1)
    [(_, task), *_] = state.tasks_by_type("newsdrop.ingest")
    assert task.sent
    assert task.worker.alive
    assert {"newsdrop.scan", "newsdrop.poll"} & set(state.task_types())
