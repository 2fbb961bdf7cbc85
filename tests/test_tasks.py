"""The tasks as Celery runs them."""

import logging

import pytest
from celery import Task

from worker import tasks
from worker.errors import StoreFull

ALL = (tasks.scan, tasks.ingest, tasks.poll, tasks.fetch, tasks.tidy_up)


@pytest.mark.parametrize("task", ALL, ids=lambda task: str(task.name))
def test_what_the_world_has_wrong_is_one_line(
    task: Task, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A task that meets a full or silent Redis warns of it with its cause; a traceback at each tick
    is for bugs."""

    def away() -> None:
        raise StoreFull("Redis is out of memory: raise maxmemory")

    monkeypatch.setattr(tasks, "_context", away)
    with caplog.at_level(logging.WARNING):
        task.apply()
    (told,) = caplog.records
    assert (told.levelname, told.message) == ("WARNING", "put off until a later tick")
    assert vars(told)["fields"] == {
        "task": task.name,
        "error": "Redis is out of memory: raise maxmemory",
    }
    assert not told.exc_info


@pytest.mark.parametrize("task", ALL, ids=lambda task: str(task.name))
def test_a_bug_has_its_traceback(
    task: Task, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody foresaw is an error with the place where it was raised."""

    def broken() -> None:
        raise KeyError("nobody foresaw it")

    monkeypatch.setattr(tasks, "_context", broken)
    with caplog.at_level(logging.WARNING):
        task.apply()
    (told,) = caplog.records
    assert told.levelname == "ERROR"
    assert told.exc_info
