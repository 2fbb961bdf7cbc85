"""The tasks as Celery runs them."""

import logging
import os
import pickle
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kombu.exceptions
import orjson
import pytest
import redis
from celery import Task, current_app
from celery.app.trace import build_tracer

from tests.servers import Server, clean_environment
from tests.world import World, article
from worker import tasks
from worker.errors import SpoolUnavailable, StoreFull
from worker.queries.status.overview import get_overview
from worker.settings.clock import utc_now
from worker.spool.task_record import (
    read_failures,
    record_failure,
    record_success,
    success_age,
)
from worker.store.layout import Layout
from worker.store.workers import Heartbeats, WorkerInfo
from worker.taskqueue.heartbeat import describe_node

ALL = (tasks.scan, tasks.ingest, tasks.poll, tasks.fetch, tasks.trim, tasks.tidy_up)


@pytest.fixture(autouse=True)
def world(tmp_path: Path, redis_server: Server, monkeypatch: pytest.MonkeyPatch) -> World:
    """The tasks' own."""
    world = World(tmp_path / "state", redis_server.url)
    monkeypatch.setitem(current_app.conf, "newsdrop_settings", world.settings)
    monkeypatch.setattr(tasks, "_context", lambda: world.context)
    return world


def problems(world: World) -> dict[str, tuple[str, str]]:
    overview = get_overview(world.settings, utc_now())
    return {one.name: (one.level, one.text) for one in overview.problems}


def test_a_task_that_keeps_failing_is_a_problem(world: World) -> None:
    """With what the log says, from the second time on: the first may be over with the next tick.
    What succeeds within a minute may be another process than that which fails."""
    archive = world.settings.state_dir / "archive"
    archive.touch()
    world.put("a.md", article())
    world.scan()
    tasks.ingest.apply()
    assert "newsdrop.ingest" not in problems(world)
    tasks.ingest.apply()
    level, text = problems(world)["newsdrop.ingest"]
    assert (level, text.partition(", ")[0]) == (
        "fail",
        "The task newsdrop.ingest has failed 2 times",
    )
    assert f"{archive}" in text
    archive.unlink()
    tasks.ingest.apply()
    assert "newsdrop.ingest" in problems(world)
    record = world.settings.state_dir / "tasks" / "newsdrop.ingest.json"
    os.utime(record, (1e9, 1e9))
    tasks.ingest.apply()
    assert "newsdrop.ingest" not in problems(world)
    assert world.waiting() == []


def test_a_key_of_another_type_is_named(world: World, redis_client: redis.Redis) -> None:
    """Ingesting waits for it; `status` blamed the number of workers."""
    key = Layout(world.settings.stream.name, 1).key("tally")
    redis_client.set(key, "of another program")
    world.put("a.md", article())
    world.scan()
    for _ in range(2):
        tasks.ingest.apply()
    level, text = problems(world)["newsdrop.ingest"]
    assert (level, f"WRONGTYPE {key.decode()} is a string, not a hash" in text) == ("fail", True)
    redis_client.delete(key)
    tasks.ingest.apply()
    assert world.waiting() == []


def test_failures_far_apart(tmp_path: Path) -> None:
    """A success between failures more than a minute apart begins a new count; a task that never
    succeeded has failed from the start."""
    record = tmp_path / "tasks" / "newsdrop.tidy.json"

    def failure_count(seconds: float) -> int:
        now = datetime.fromtimestamp(1e9 + seconds, UTC)
        record_failure(tmp_path, "newsdrop.tidy", "why", now, is_bug=False)
        os.utime(record, (now.timestamp(), now.timestamp()))
        return read_failures(tmp_path)[0].count

    assert [failure_count(0), failure_count(59), failure_count(660)] == [1, 2, 3]
    record_success(tmp_path, "newsdrop.tidy", datetime.fromtimestamp(1e9 + 670, UTC))
    assert [failure_count(680), failure_count(1_280)] == [4, 5]
    record_success(tmp_path, "newsdrop.tidy", datetime.fromtimestamp(1e9 + 1_290, UTC))
    assert failure_count(1_880) == 1


def test_another_state_directory_in_its_place_is_not_used(world: World) -> None:
    """An unmounted volume, or one that was moved: tasks begin no second directory there, which
    would have another id, and continue when it is back."""
    state_dir = world.settings.state_dir
    tasks.scan.apply()
    away = state_dir.with_name("away")
    state_dir.rename(away)
    state_dir.mkdir()  # the mount point
    for task in ALL:
        assert task.apply().successful()
    with pytest.raises(SpoolUnavailable, match="is not the one of the start"):
        describe_node(world.settings)
    names = [path.name for path in state_dir.rglob("*") if path.is_file()]
    assert all(name.startswith("newsdrop.") for name in names)  # the record of the failures
    shutil.rmtree(state_dir)
    away.rename(state_dir)
    world.put("a.md", article())
    tasks.scan.apply()
    tasks.ingest.apply()
    assert len(world.entries()) == 1


def test_a_failure_with_a_problem_of_its_own_is_not_shown_again(
    tmp_path: Path, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, whose free space has changed since."""
    full = World(tmp_path / "full", redis_server.url, **{"spool.min_free_mb": 10**9})
    monkeypatch.setitem(current_app.conf, "newsdrop_settings", full.settings)
    monkeypatch.setattr(tasks, "_context", lambda: full.context)
    tasks.scan.apply()
    tasks.scan.apply()
    record = full.settings.state_dir / "tasks" / "newsdrop.scan.json"
    record.write_text(re.sub("only [0-9,]+ MB", "only 7 MB", record.read_text()))
    assert "disk" in problems(full)
    assert "newsdrop.scan" not in problems(full)


def test_a_missing_folder_is_one_problem(world: World) -> None:
    """Scans fail, too. For a minute after it is there again they are shown, with the last one."""
    world.drop_dir.rmdir()
    tasks.scan.apply()
    tasks.scan.apply()
    assert "folder drop" in problems(world)
    assert "newsdrop.scan" not in problems(world)
    world.drop_dir.mkdir()
    tasks.scan.apply()
    text = problems(world)["newsdrop.scan"][1]
    ago = r"first \d seconds ago, last \d seconds ago"
    assert re.search(rf"failed 2 times, {ago}: .* does not exist", text)


def test_scans_that_never_end_are_a_problem(world: World) -> None:
    """Processes that hang, or fail before they can say so, while worker and scheduler are alive."""
    beats = Heartbeats(world.context.redis, stream=world.settings.stream.name)
    beats.beat(WorkerInfo("newsdrop@here-7", 7, "here", 3, 1))
    beats.record_tick()
    tasks.scan.apply()
    assert problems(world) == {}
    os.utime(world.settings.state_dir / "tasks" / "newsdrop.scan.ok", (1e9, 1e9))
    level, text = problems(world)["scan"]
    assert level == "fail"
    assert text.startswith("The last scan of the drop folders ended ")
    tasks.scan.apply()
    assert problems(world) == {}


def test_a_clock_that_was_set_makes_no_task_late(world: World) -> None:
    """Three days ahead, or behind, until the next success: the uptime tells how long it is."""
    tasks.scan.apply()
    state_dir, now = world.settings.state_dir, utc_now()
    for days in (-3, 0, 3):
        age = success_age(state_dir, "newsdrop.scan", now + timedelta(days=days))
        assert age is not None
        assert 0 <= age < 60
    os.utime(state_dir / "tasks" / "newsdrop.scan.ok", (1e9, 1e9))  # of another boot
    assert (success_age(state_dir, "newsdrop.scan", now) or 0) > 1e8


def test_a_bug_is_a_problem_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the error, and the log has more. An unavailable Redis is a problem of its own."""
    monkeypatch.setattr(tasks, "_context", lambda: deep(StoreFull("full")))
    tasks.scan.apply()
    tasks.scan.apply()
    monkeypatch.setattr(tasks, "_context", lambda: deep(KeyError("no such <b>")))
    tasks.trim.apply()
    found = problems(world)
    assert "newsdrop.scan" not in found
    assert found["newsdrop.trim"][1] == (
        "The task newsdrop.trim failed 0 seconds ago: KeyError: 'no such <b>'."
    )


def test_a_damaged_record_of_a_task_is_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in the file, status works, and the next failure is recorded."""
    monkeypatch.setattr(tasks, "_context", lambda: deep(KeyError("x")))
    tasks.trim.apply()
    record = world.settings.state_dir / "tasks" / "newsdrop.trim.json"
    good = orjson.loads(record.read_bytes())
    times = [{name: at} for name in ("since", "last") for at in ("soon", "2021-11-26", 5)]
    for wrong in (*times, {"count": 2**64 - 1}, {"count": "2"}, {"message": None}):
        record.write_bytes(orjson.dumps(good | wrong))
        assert "newsdrop.trim" not in problems(world)
        tasks.trim.apply()
        assert "newsdrop.trim" in problems(world)


@pytest.mark.parametrize("task", ALL, ids=lambda task: str(task.name))
def test_a_temporary_problem_is_one_line(
    task: Task, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning with its cause; tracebacks are for bugs."""

    def away() -> None:
        raise StoreFull("Redis is out of memory: raise maxmemory")

    monkeypatch.setattr(tasks, "_context", away)
    with caplog.at_level(logging.WARNING):
        task.apply()
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("WARNING", "postponed until a later tick")
    assert vars(record)["fields"] == {
        "task": task.name,
        "error": "Redis is out of memory: raise maxmemory",
    }
    assert not record.exc_info


@pytest.mark.parametrize("task", ALL, ids=lambda task: str(task.name))
def test_a_bug_has_its_traceback(
    task: Task, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected error is logged with the place where it was raised."""

    def broken() -> None:
        raise KeyError("nobody foresaw it")

    monkeypatch.setattr(tasks, "_context", broken)
    with caplog.at_level(logging.WARNING):
        task.apply()
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.exc_info
    assert record.exc_info[1].args == ("nobody foresaw it",)


class WordyError(Exception):
    """An error whose text holds a whole document."""


def deep(error: Exception, frames: int = 60) -> None:
    """Raise it below so many frames."""
    if frames:
        deep(error, frames - 1)
    raise error


@pytest.mark.parametrize(
    "error",
    [StoreFull("full"), WordyError("x" * 100_000), KeyError("bug")],
    ids=lambda error: type(error).__name__,
)
def test_reports_of_errors_are_small(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the 16,384 bytes that billiard writes at once: a larger one could end all reports."""
    monkeypatch.setattr(tasks, "_context", lambda: deep(error))
    for task in ALL:
        trace = build_tracer(task.name, task, app=current_app)
        report, _, runtime, _ = trace("an-id", (), {}, {})
        assert len(pickle.dumps((1, report, runtime))) < 8_000


def test_an_error_of_celery_itself_is_small_too() -> None:
    """A message that no task can take is reported without a shell around it."""
    trace = build_tracer(tasks.scan.name, tasks.scan, app=current_app, propagate=False)
    report, _, _, _ = trace("an-id", (), "no mapping", {})
    sent = pickle.dumps(report)
    assert len(sent) < 8_000
    assert "not a mapping" in str(pickle.loads(sent).exception)


@pytest.mark.parametrize(
    "error",
    [
        kombu.exceptions.OperationalError("Error 111 connecting"),
        PermissionError(13, "Permission denied", "/archive/2026"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_of_libraries_are_one_line_too(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A wake-up without Redis, a folder without permission: postponed."""

    def away() -> Any:
        raise error

    monkeypatch.setattr(tasks, "_context", away)
    with caplog.at_level(logging.WARNING):
        tasks.scan.apply()
    (record,) = caplog.records
    assert (record.levelname, record.message, record.exc_info) == (
        "WARNING",
        "postponed until a later tick",
        None,
    )
    assert type(error).__name__ in vars(record)["fields"]["error"]


def test_pool_processes_share_the_main_process_memory(tmp_path: Path) -> None:
    """It has parsed an article and frozen all objects before the first fork."""
    code = (
        "import gc, sys, worker.app\n"
        "from celery import signals\n"
        "from worker import tasks\n"
        "signals.worker_before_create_process.send(None)\n"
        "print(tasks._context.cache_info().currsize, gc.get_freeze_count() > 50_000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean_environment(NEWSDROP_STATE_DIR=str(tmp_path), NEWSDROP_REDIS_URL="redis://x"),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "1 True\n"
