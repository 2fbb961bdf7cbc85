"""More hostile inputs at once than processes, in a real worker: good ones are published first."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.test_plain_celery import Worker, titles, until
from tests.servers import Server
from tests.world import World, article

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PROCESSES = 2
HEAVIES = 1
GOOD = 10
DROPS = 3
LOOPS = 3
HEAVY = b"<rss><channel><item>" + b"<x/>" * 7_000_000 + b"</item></channel></rss>"
"""28 MB, of which a parser makes gigabytes."""
SHORT = "1.0"


@pytest.fixture
def world(tmp_path: Path, own_server: Callable[..., Server]) -> World:
    return World(tmp_path / "state", own_server().url)


@contextlib.contextmanager
def watched(worker: Worker) -> Iterator[list[int]]:
    """The largest memory of any process of the worker during the block, in bytes."""
    most, is_over = [0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.02):
            for process in worker.children():
                with contextlib.suppress(psutil.Error):
                    most[0] = max(most[0], process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        is_over.set()
        thread.join()


def measure(world: World, worker: Worker, hostile: int) -> tuple[float, int]:
    """Drop hostile inputs, and good ones before, among and after them; the longest time until all
    good ones of a drop were published, and the most memory of a process."""
    worst = 0.0
    with watched(worker) as most:
        for number in range(hostile):
            world.put(f"a{number}.md", article(f"坏{number}", "loops for ever"))
        for number in range(HEAVIES):
            world.put(f"heavy{number}.xml", HEAVY + b"\n" * number)
        for drop in range(DROPS):
            begin = time.monotonic()
            for number in range(GOOD):
                world.put(f"z{drop}-{number}.md", article(f"好{drop}-{number}", f"第{drop}批"))
            until(lambda: len(world.entries()) == (drop + 1) * GOOD, "records")  # noqa: B023
            worst = max(worst, time.monotonic() - begin)
    return worst, most[0]


def test_good_inputs_go_first(world: World, tmp_path: Path) -> None:
    """Good inputs are published before any hostile one is retried; all hostile ones are
    quarantined."""
    worker = Worker(
        world,
        tmp_path / "worker.log",
        PYTHONPATH=str(Path(__file__).parent / "loops"),
        NEWSDROP_WORKER_PROCESSES=str(PROCESSES),
        NEWSDROP_LIMITS_DOCUMENT_TIMEOUT_SECONDS=SHORT,
    )
    try:
        worker.start()
        _, most = measure(world, worker, LOOPS)
        until(lambda: not world.waiting(), "end")
        refused = list(world.context.deps.quarantine)
        reasons = {one.reason for one in refused}
        assert len(refused) == LOOPS + HEAVIES
        assert reasons <= {"kills_worker", "too_large"}
        assert most < 1_000_000_000
        assert len(titles(world)) == DROPS * GOOD
        log = (tmp_path / "worker.log").read_text().splitlines()
        ended = [line for line in log if "WorkerLostError" in line]
        assert ended
        assert all('"level": "warning"' in line for line in ended), "it is no bug"
    finally:
        worker.kill()
