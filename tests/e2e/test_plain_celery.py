"""Plain Celery, with nothing of `up`: a real worker process does the whole job."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from tests.celery_worker import WITHIN, Worker, until
from tests.http_server import Reply, Web
from tests.newsroom import item, page, rss
from tests.servers import Server
from tests.world import World, article
from worker.queries.audit import audit
from worker.store.broker import INGEST_QUEUE, QUEUE, queue_name
from worker.taskqueue.celery_app import create_app

pytestmark = pytest.mark.e2e


@pytest.fixture
def server(own_server: Callable[..., Server]) -> Server:
    return own_server(appendonly=True)


@pytest.fixture
def world(tmp_path: Path, server: Server) -> World:
    return World(tmp_path / "state", server.url)


@pytest.fixture
def worker(world: World, tmp_path: Path) -> Iterator[Worker]:
    one = Worker(world, tmp_path / "worker.log")
    yield one
    one.kill()


def titles(world: World) -> list[str]:
    return sorted(entry["data"]["title"] for entry in world.entries())


def test_a_dropped_file_becomes_a_record(world: World, worker: Worker) -> None:
    """Beat's tick finds it; the worker reports itself alive; TERM ends it cleanly."""
    worker.start()
    world.put("a.md", article())
    until(world.entries, "record")
    assert titles(world) == ["一条新闻"]
    until(lambda: world.waiting() == [], "end of the batch")
    from worker.store.workers import Heartbeats

    beats = Heartbeats(world.context.redis, stream=world.settings.stream.name)
    [alive] = until(beats.list_workers, "heartbeat")
    assert alive.processes == world.settings.pool()
    children = worker.children()
    assert worker.stop() == 0
    psutil.wait_procs(children, timeout=WITHIN)
    assert not [child for child in children if child.is_running()]
    assert beats.list_workers() == []
    assert "[queues]" not in (world.settings.state_dir.parent / "worker.log").read_text(), "banner"


def test_the_first_start_makes_its_folders(tmp_path: Path, server: Server) -> None:
    """Where no state directory is yet, worker and beat make it and its drop folder, and work."""
    home = World(tmp_path / "made-by-the-test", server.url)
    fresh = tmp_path / "not" / "there"
    variables = {"NEWSDROP_STATE_DIR": str(fresh), "NEWSDROP_DROP": ""}
    worker = Worker(home, tmp_path / "worker.log", **variables)
    try:
        worker.start()
        until((fresh / "drop").is_dir, "drop folder")
        (fresh / "drop" / "a.md").write_bytes(article())
        until(home.entries, "record")
        assert "beat-schedule" not in (tmp_path / "worker.log").read_text()
    finally:
        worker.kill()


def test_a_worker_refuses_a_wrong_site_rule(world: World, tmp_path: Path) -> None:
    """A rule that cannot be read would fail every task: the worker names it and ends."""
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "mine.toml").write_text('[match]\nhost = "example.org"\n')
    refused = Worker(world, tmp_path / "worker.log", NEWSDROP_SITES_DIR=str(tmp_path / "sites"))
    with pytest.raises(AssertionError, match=r"did you mean match\.hosts"):
        refused.start()
    assert refused.process is not None
    assert refused.process.returncode == 2


def test_a_lost_queue_costs_a_tick(world: World, worker: Worker, server: Server) -> None:
    """Every message of the broker is deleted while files wait: the next tick sends another."""
    for number in range(5):
        world.put(f"{number}.md", article(f"第{number}条"))
    world.scan()  # claimed, without a wake-up
    broker: redis.Redis = server.client()
    worker.start()
    for queue in (QUEUE, INGEST_QUEUE):
        broker.delete(queue_name(queue, world.settings.state_dir))
    until(lambda: len(world.entries()) == 5, "records")


def test_killed_in_the_middle(world: World, worker: Worker) -> None:
    """kill -9 of worker and pool, repeatedly, with 400 files: each published once, all accounted
    for."""
    for number in range(400):
        world.put(f"{number}.md", article(f"第{number}条"))
    for round_ in range(3):
        worker.start()
        until(lambda least=round_ * 60: len(world.entries()) > least, "progress")
        worker.kill()
    worker.start()
    until(lambda: len(world.entries()) >= 400 and not world.waiting(), "end of the work")
    assert titles(world) == sorted(f"第{number}条" for number in range(400))
    totals = world.totals()
    assert (totals.published, totals.duplicate, totals.archived) == (400, 0, 400)


def test_a_killed_scheduler_ends_its_worker(world: World, tmp_path: Path) -> None:
    """Without beat no tick comes: the worker ends with a failure, so that its supervisor restarts
    both."""
    log = tmp_path / "worker.log"
    worker = Worker(world, log, NEWSDROP_LOG_LEVEL="debug", NEWSDROP_LOG_FORMAT="json")
    try:
        worker.start()
        started = until(
            lambda: re.search(r'"beat: Starting.*"pid": ?(\d+)', log.read_text()), "beat"
        )
        os.kill(int(started[1]), signal.SIGKILL)
        assert worker.process is not None
        assert worker.process.wait(WITHIN) != 0
    finally:
        worker.kill()
    assert log.read_text().count("the scheduler ended: this worker ends too") == 1


def test_a_full_redis_pauses_intake(world: World, worker: Worker, server: Server) -> None:
    """Files wait while Redis refuses writes; with memory again the same worker continues."""
    worker.start()
    admin: Any = server.client()
    admin.config_set("maxmemory", "1mb")
    for number in range(20):
        world.put(f"{number}.md", article(f"第{number}条"))
    time.sleep(3)
    assert world.entries() == []
    assert worker.process is not None
    admin.config_set("maxmemory", "0")
    until(lambda: len(world.entries()) == 20, "records after the server had room")
    until(lambda: world.totals().published == 20, "count")
    assert len(world.entries()) == 20


def test_a_restarted_redis(world: World, worker: Worker, server: Server) -> None:
    """The server is killed and restarted: the same worker continues, and nothing is lost."""
    worker.start()
    world.put("a.md", article("一"))
    until(world.entries, "record")
    server.kill()
    world.put("b.md", article("二"))
    time.sleep(1)
    server.start()
    until(lambda: titles(world) == ["一", "二"], "second record")


def test_a_worker_refuses_an_evicting_server(world: World, worker: Worker, server: Server) -> None:
    """With an eviction policy Redis would lose the index: the worker ends with one sentence."""
    admin: Any = server.client()
    admin.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(AssertionError, match="noeviction"):
        worker.start()
    assert worker.process is not None
    assert worker.process.returncode == 2


def fetching_worker(world: World, folder: Path, web: Web, **options: str) -> Worker:
    """A worker that may fetch from `web`; `options` are variables without their prefix."""
    options |= {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "FETCH_ALLOW_PORTS": str(web.port)}
    environment = {f"NEWSDROP_{name}": value for name, value in options.items()}
    return Worker(world, folder / "worker.log", **environment)


def test_a_feed_is_polled_and_its_pages_are_read(world: World, tmp_path: Path) -> None:
    """A feed added while the worker runs is polled; after a kill each article is published once."""
    with Web() as web:
        entries = [item(number, link=web.url(f"/{number}.html")) for number in range(20)]
        web.pages["/rss"] = Reply(body=rss(entries))
        for number in range(20):
            web.pages[f"/{number}.html"] = page(f"港口第{number}号公告", f"全文{number}。")
        worker = fetching_worker(
            world, tmp_path, web, FETCH_HOST_INTERVAL_SECONDS="0.1", FETCH_DEADLINE_SECONDS="2"
        )
        try:
            worker.start()
            world.add_feed("harbour", web.url("/rss"), full_text=True)
            until(lambda: len(world.entries()) >= 3, "first pages")
            worker.kill()
            worker.start()
            until(lambda: len(world.entries()) >= 20, "records")
            until(lambda: not world.context.deps.wanted.names(), "end of the work")
            until(lambda: not world.waiting(), "end of the batches")
        finally:
            worker.kill()
    assert titles(world) == sorted(f"港口第{number}号公告" for number in range(20))
    assert audit(world.settings).balanced


def test_a_full_spool_delays_no_feed_until_the_next_tick(world: World, tmp_path: Path) -> None:
    """One order to poll is enough, without a scheduler: what ingests calls the fetch again that
    ended because of too many batches."""
    with Web() as web:
        options = {"FETCH_HOST_INTERVAL_SECONDS": "0", "FETCH_CONCURRENCY": "1"}
        worker = fetching_worker(world, tmp_path, web, **options, SPOOL_MAX_WAITING="1")
        try:
            worker.start(with_beat=False)
            for number in range(6):
                web.pages[f"/{number}"] = Reply(body=rss([item(number)]))
                world.add_feed(f"f{number}", web.url(f"/{number}"))
            create_app(world.settings).send_task("newsdrop.poll")
            until(lambda: len(world.entries()) == 6, "records")
        finally:
            worker.kill()


def test_a_rotated_password_needs_no_restart(
    tmp_path: Path, own_server: Callable[..., Server]
) -> None:
    """Password and file change, connections are dropped: newsdrop and Celery connect again."""
    server = own_server(options=("--requirepass", "first-word"))
    file = tmp_path / "password"
    file.write_text("first-word")
    world = World(tmp_path / "state", server.url, **{"redis.password_file": str(file)})
    worker = Worker(world, tmp_path / "log", NEWSDROP_REDIS_PASSWORD_FILE=str(file)).start()
    try:
        world.put("a.md", article("一"))
        until(lambda: len(world.entries()) == 1, "record")
        admin = redis.Redis(unix_socket_path=str(server.socket), password="first-word")
        admin.config_set("requirepass", "second-word")
        for kind in ("normal", "pubsub"):
            admin.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        until(lambda: b"Cannot connect" in (tmp_path / "log").read_bytes(), "refused connection")
        file.write_text("second-word")
        world.put("b.md", article("二"))
        until(lambda: titles(world) == ["一", "二"], "second record")
    finally:
        worker.kill()
