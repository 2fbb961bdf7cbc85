"""Celery's own commands and clients beside a running worker."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, states
from celery.exceptions import TimeoutError as NoResult
from celery.result import AsyncResult

from tests.e2e.test_plain_celery import WITHIN, Worker, until
from tests.servers import Server
from tests.template import Program
from tests.world import World, article
from worker.taskqueue.celery_app import create_app

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture
def world(tmp_path: Path, own_server: Callable[..., Server]) -> World:
    options = {"tasks.store_results": True, "tasks.roots": [str(tmp_path / "news")]}
    return World(tmp_path / "state", own_server(appendonly=True).url, **options)


@pytest.fixture
def worker(world: World, tmp_path: Path) -> Iterator[Worker]:
    (tmp_path / "news").mkdir()
    one = Worker(
        world,
        tmp_path / "worker.log",
        NEWSDROP_TASKS_ROOTS=str(tmp_path / "news"),
        NEWSDROP_TASKS_STORE_RESULTS="true",
    )
    yield one
    one.kill()


@pytest.fixture
def client(world: World) -> Celery:
    """A client of the same broker and result backend."""
    return create_app(world.settings)


def call(worker: Worker, *words: str) -> str:
    """The id that `celery call newsdrop.enqueue …` prints."""
    return worker.celery("call", "newsdrop.enqueue", *words).strip()


def state(client: Celery, job: str) -> str:
    return str(AsyncResult(job, app=client).state)


def test_call_and_results(world: World, worker: Worker, client: Celery, tmp_path: Path) -> None:
    """PROGRESS while articles wait, then SUCCESS with counts; FAILURE for a refused file, for
    good."""
    for number in range(3):
        (tmp_path / "news" / f"{number}.md").write_bytes(article(f"第{number}条"))
    worker.start(with_beat=False)
    paths = json.dumps([[str(tmp_path / "news")]])
    job = call(worker, f"--args={paths}")
    found = AsyncResult(job, app=client)
    assert found.get(timeout=WITHIN) == {"files": 3, "archived": 3, "published": 3}
    job_state = world.context.jobs.get(job)
    assert job_state is not None
    assert (job_state.files, job_state.tally.published) == (3, 3)
    shown = worker.celery("result", job)
    assert "'published': 3" in shown

    given = {"content": article("又一条").decode(), "name": "b.md", "source": "drop"}
    sent = client.send_task("newsdrop.enqueue", kwargs=given)
    assert sent.get(timeout=WITHIN)["published"] == 1
    binary = client.send_task("newsdrop.enqueue", kwargs={"content": b"\xff\x00", "name": "c"})
    with pytest.raises(Exception, match="1 refused; `newsdrop jobs") as failed:
        binary.get(timeout=WITHIN)
    assert failed.value.args[1]["rejected"] == 1
    until(lambda: not world.context.results.oldest(10), "end of the waiting")

    again = client.send_task("newsdrop.enqueue", args=[[str(tmp_path / "news")]], task_id=job)
    time.sleep(2)
    assert again.get(timeout=WITHIN)["files"] == 3, "a redelivery is the same job"
    job_state = world.context.jobs.get(job)
    assert job_state is not None
    assert (job_state.files, job_state.tally.duplicate) == (3, 0)


def test_progress_until_it_is_settled(
    world: World, worker: Worker, client: Celery, tmp_path: Path
) -> None:
    """PROGRESS survives a killed worker; another worker settles the job and stores the result."""
    (tmp_path / "news" / "a.md").write_bytes(article())
    slow = Worker(
        world,
        tmp_path / "slow.log",
        NEWSDROP_TASKS_ROOTS=str(tmp_path / "news"),
        NEWSDROP_TASKS_STORE_RESULTS="true",
    )
    hold = ["-Q", client.conf.task_routes["newsdrop.enqueue"]["queue"]]
    try:
        slow.start(with_beat=False, options=hold)  # it ingests nothing
        sent = client.send_task("newsdrop.enqueue", args=[[str(tmp_path / "news" / "a.md")]])
        until(lambda: state(client, sent.id) == "PROGRESS", "PROGRESS")
        assert sent.info == {"job": sent.id, "files": 1}
        with pytest.raises(NoResult):
            sent.get(timeout=1)
    finally:
        slow.kill()
    worker.start()
    assert sent.get(timeout=WITHIN)["published"] == 1


def test_inspect_control_and_events(world: World, worker: Worker, client: Celery) -> None:
    """They answer for the worker; a job's last event is task-succeeded when it is settled."""
    worker.start()
    assert "pong" in worker.celery("inspect", "ping")
    tasks = worker.celery("inspect", "registered")
    assert all(f"newsdrop.{name}" in tasks for name in ("scan", "ingest", "enqueue", "tidy"))
    queues = worker.celery("inspect", "active_queues")
    assert client.conf.task_routes["newsdrop.enqueue"]["queue"] in queues
    assert "newsdrop.scan" in worker.celery("inspect", "stats")
    assert "OK" in worker.celery("status")
    assert "OK" in worker.celery("control", "rate_limit", "newsdrop.scan", "100/s")
    assert "OK" in worker.celery("control", "pool_grow", "1")

    with Program(
        [sys.executable, "-m", "celery", "-A", "worker.app", "events", "--dump"],
        env=worker.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as dump:  # fmt: skip
        assert dump.stdout is not None
        try:
            lines = iter(dump.stdout.readline, b"")
            next(line for line in lines if b"heartbeat" in line)
            sent = client.send_task("newsdrop.enqueue", kwargs={"content": article().decode()})
            ends = ("task-succeeded", "task succeeded")
            mine = (line.decode().lower() for line in lines if sent.id.encode() in line)
            assert any(any(end in line for end in ends) for line in mine)
        finally:
            dump.terminate()
    assert sent.state == states.SUCCESS
    assert "revoked" in worker.celery("control", "revoke", sent.id)


def test_a_wrong_order_fails_in_a_sentence(
    world: World, worker: Worker, client: Celery, tmp_path: Path
) -> None:
    """Paths outside the roots, too much content, an unknown source: FAILURE, a line in the
    worker's log, and nothing is accepted."""
    (tmp_path / "secret.md").write_bytes(article())
    (tmp_path / "news" / "link.md").symlink_to(tmp_path / "secret.md")
    (tmp_path / "news" / "out").symlink_to(tmp_path)
    worker.start(with_beat=False)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"inputs": [str(tmp_path / "secret.md")]}, "not below a folder"),
        ({"inputs": [str(tmp_path / "news" / "link.md")]}, "not below a folder"),
        ({"inputs": [str(tmp_path / "news" / "out" / "secret.md")]}, "not below a folder"),
        ({"inputs": [str(tmp_path / "news" / ".." / "secret.md")]}, "not below a folder"),
        ({"inputs": ["a.md"]}, "absolute path"),
        ({"inputs": [str(tmp_path / "news" / "none.md")]}, "cannot be enqueued"),
        ({"inputs": ["http://127.0.0.1:1/a"]}, "127.0.0.1"),
        ({"inputs": [f"https://news.example/{n}" for n in range(21)]}, "21 addresses"),
        ({"content": "x" * 1_000_001}, "tasks.content_bytes"),
        ({}, "nothing is ordered"),
        ({"content": "x", "source": "nobody"}, "nobody"),
        ({"colour": "red"}, "colour"),
    ]
    sent = [client.send_task("newsdrop.enqueue", kwargs=kwargs) for kwargs, _ in wrong]
    sent.append(client.send_task("newsdrop.enqueue", kwargs={"content": "x"}, task_id="a/../b"))
    for result, says in zip(sent, [*(says for _, says in wrong), "id of a job"], strict=True):
        with pytest.raises(Exception, match=says) as failed:
            result.get(timeout=WITHIN)
        assert "Traceback" not in str(failed.value)
    assert world.context.jobs.list() == []
    assert world.context.results.oldest(10) == {}
    assert (tmp_path / "worker.log").read_text().count("order refused") == len(sent)


def test_flower(world: World, worker: Worker, client: Celery, tmp_path: Path) -> None:
    """Flower shows the worker, and an enqueued task by its name with its state."""
    pytest.importorskip("flower")
    worker.start()
    port = free_port()
    command = [sys.executable, "-m", "celery", "-A", "worker.app", "flower"]
    command += ["--address=127.0.0.1", f"--port={port}"]
    environment = {**worker.environment, "FLOWER_UNAUTHENTICATED_API": "true"}
    with (tmp_path / "flower.log").open("wb") as log:
        flower = Program(command, env=environment, stdout=log, stderr=log)
    try:

        def ask(path: str) -> Any:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
                    return json.load(reply)
            except OSError:
                return None

        until(lambda: ask("/api/workers?refresh=1"), "worker in Flower")
        sent = client.send_task("newsdrop.enqueue", kwargs={"content": article().decode()})

        def shown() -> Any:
            task_info = ask(f"/api/task/info/{sent.id}")
            return task_info if task_info and task_info["state"] == "SUCCESS" else None

        assert until(shown, "task in Flower")["name"] == "newsdrop.enqueue"
    finally:
        flower.terminate()
        flower.wait(WITHIN)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
