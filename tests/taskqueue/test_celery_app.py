"""What the settings make of the Celery application."""

from pathlib import Path

import pytest
from celery import Celery

from worker.settings import Settings, load
from worker.taskqueue.celery_app import create_app


def app_of(state: Path, **options: object) -> tuple[Celery, Settings]:
    settings = load(options={"state_dir": str(state), "redis.url": "redis://127.0.0.1", **options})
    return create_app(settings), settings


def test_a_process_is_bounded(tmp_path: Path) -> None:
    """Memory and tasks per process, and the time of all tasks but ingesting."""
    app, _ = app_of(tmp_path, **{"worker.max_memory_mb": 200, "worker.max_tasks": 7})
    assert app.conf.task_time_limit == 150
    assert app.conf.task_annotations["newsdrop.ingest"]["time_limit"] == 86_400
    assert app.conf.worker_max_memory_per_child == 200 * 1024
    assert app.conf.worker_max_tasks_per_child == 7


def test_each_process_has_one_message(tmp_path: Path) -> None:
    """It is acknowledged when the task is done."""
    app, settings = app_of(tmp_path, **{"worker.processes": 3})
    assert app.conf.worker_concurrency == settings.pool() == 4
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.task_acks_late
    assert settings.max_wakeups() == 6


@pytest.mark.parametrize(
    "key", ["broker_channel_error_retry", "broker_connection_retry_on_startup"]
)
def test_an_unavailable_server_is_waited_for(tmp_path: Path, key: str) -> None:
    """Unavailable at the start or full later, it ends no worker."""
    app, _ = app_of(tmp_path)
    assert app.conf[key]
    assert app.conf.broker_connection_max_retries is None


def test_only_json_is_read(tmp_path: Path) -> None:
    """A message cannot bring a pickle."""
    app, _ = app_of(tmp_path)
    assert app.conf.accept_content == ["json"]
