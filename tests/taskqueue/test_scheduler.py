"""Beat: cron in the source's own zone, and no pile of ticks."""

import pickle
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import redis

from tests.servers import Server
from worker.settings import load
from worker.taskqueue.celery_app import QUEUE, broker_url, create_app
from worker.taskqueue.scheduler import BoundedScheduler, ZoneCrontab

UTC = ZoneInfo("UTC")


def next_run(schedule: ZoneCrontab, now: datetime) -> datetime:
    """When beat would send it, if it was last sent now."""
    schedule.nowfun = lambda: now
    return now + schedule.remaining_estimate(now)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        # Friday 15:55 in Shanghai was the last slot; the next is Monday 9:00 there.
        ("2021-11-26T07:56+00:00", "2021-11-29T01:00+00:00"),
        ("2021-11-29T01:00+00:00", "2021-11-29T01:05+00:00"),
    ],
)
def test_cron_is_read_in_the_zone(now: str, then: str) -> None:
    """`*/5 9-15 * * 1-5` in Shanghai is 1:00 to 7:55 UTC on weekdays."""
    app = create_app(load())
    schedule = ZoneCrontab("*/5 9-15 * * 1-5", "Asia/Shanghai")
    schedule.app = app
    assert next_run(schedule, datetime.fromisoformat(now)) == datetime.fromisoformat(then)


def test_a_schedule_survives_beats_file() -> None:
    """Beat pickles its schedule; zone and text come back, and a changed one is another."""
    schedule = ZoneCrontab("0 9 * * *", "Asia/Shanghai")
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert schedule != ZoneCrontab("0 9 * * *", "Europe/Berlin")
    assert schedule != ZoneCrontab("0 8 * * *", "Asia/Shanghai")


def test_each_schedule_is_an_entry(tmp_path: Path) -> None:
    """A folder with a schedule is looked at by it; all others share the tick."""
    folder = {"name": "slow", "path": str(tmp_path), "schedule": "0  9 * * 1-5"}
    app = create_app(load(options={"state_dir": str(tmp_path), "folders": [folder]}))
    entries = app.conf.beat_schedule
    assert entries["scan folder slow"]["kwargs"] == {"source": "slow"}
    assert entries["scan folder slow"]["schedule"].zone == "Asia/Shanghai"
    assert "kwargs" not in entries["scan folders"]


def test_ticks_do_not_pile_up(
    tmp_path: Path, redis_server: Server, redis_client: redis.Redis
) -> None:
    """Without a worker, no more than twice as many ticks wait as there are processes."""
    options = {"state_dir": str(tmp_path), "redis.url": redis_server.url, "worker.processes": 2}
    app = create_app(load(options=options))
    schedule = app.conf.beat_schedule_filename
    scheduler = BoundedScheduler(app=app, lazy=True, schedule_filename=schedule)
    scheduler.setup_schedule()
    entry = scheduler.schedule["scan folders"]
    for _ in range(20):
        scheduler.apply_async(entry)
    assert redis_client.llen(QUEUE) == 4
    scheduler.close()


@pytest.mark.parametrize(
    ("url", "kombu"),
    [
        ("redis://:secret@localhost:6379/1", "redis://:secret@localhost:6379/1"),
        ("unix:///run/x/valkey.sock", "redis+socket:///run/x/valkey.sock?virtual_host=0"),
        ("unix:///a.sock?db=3", "redis+socket:///a.sock?virtual_host=3"),
    ],
)
def test_the_broker_is_the_same_server(url: str, kombu: str) -> None:
    """redis-py and kombu write a Unix socket differently."""
    assert broker_url(url) == kombu
