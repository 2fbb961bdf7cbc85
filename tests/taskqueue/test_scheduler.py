"""Beat: cron in the source's own zone, and no pile of ticks."""

import pickle
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import redis

from tests.servers import Server
from worker.queries.status.task_problems import scheduler_note
from worker.settings import load
from worker.store.factory import heartbeats
from worker.taskqueue.celery_app import QUEUE, create_app, kombu_url, queue_name
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
    """Beat pickles it with zone and text; a changed one is not equal."""
    schedule = ZoneCrontab("0 9 * * *", "Asia/Shanghai")
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert schedule != ZoneCrontab("0 9 * * *", "Europe/Berlin")
    assert schedule != ZoneCrontab("0 8 * * *", "Asia/Shanghai")


def test_each_schedule_is_an_entry(tmp_path: Path) -> None:
    """A folder with a schedule has its own entry; all others share the tick."""
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
    assert redis_client.llen(queue_name(QUEUE, tmp_path)) == 4
    scheduler.close()


def test_a_second_scheduler_stands_by(
    tmp_path: Path,
    redis_server: Server,
    redis_client: redis.Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It sends nothing, log and status say so, and it takes over when the first one ends."""
    settings = load(options={"state_dir": str(tmp_path), "redis.url": redis_server.url})
    app = create_app(settings)
    schedule = app.conf.beat_schedule_filename
    first, second = (BoundedScheduler(app=app, schedule_filename=schedule) for _ in range(2))
    assert "another scheduler works on this state directory" in caplog.text
    second.tick()
    assert heartbeats(settings).tick_age_seconds() is None
    note = scheduler_note(settings)
    assert note is not None
    assert (note.level, "stand by" in note.text) == ("note", True)
    first.close()
    second.tick()
    assert "this one works now" in caplog.text
    assert heartbeats(settings).tick_age_seconds() is not None
    assert scheduler_note(settings) is None
    second.close()


def test_a_scheduler_that_stands_by_waits_for_its_disk(
    tmp_path: Path, redis_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """While the state directory cannot be used, it does not take over from one that works."""
    settings = load(options={"state_dir": str(tmp_path), "redis.url": redis_server.url})
    app = create_app(settings)
    schedule = app.conf.beat_schedule_filename
    first, second = (BoundedScheduler(app=app, schedule_filename=schedule) for _ in range(2))
    slots, away = tmp_path / "slots", tmp_path / "away"
    slots.rename(away)
    slots.touch()  # no folder: as a disk that is not mounted
    second.tick()
    slots.unlink()
    away.rename(slots)
    second.tick()
    assert "this one works now" not in caplog.text
    assert heartbeats(settings).tick_age_seconds() is None
    second.close()
    first.close()


def test_the_first_turn_counts_as_a_tick(tmp_path: Path, redis_server: Server) -> None:
    """The scheduler is not silent until its first entry is due, an interval after the start."""
    settings = load(options={"state_dir": str(tmp_path), "redis.url": redis_server.url})
    app = create_app(settings)
    schedule = app.conf.beat_schedule_filename
    scheduler = BoundedScheduler(app=app, lazy=True, schedule_filename=schedule)
    scheduler.setup_schedule()
    assert heartbeats(settings).tick_age_seconds() is None
    scheduler.tick()
    assert heartbeats(settings).tick_age_seconds() is not None
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
    assert kombu_url(url) == kombu


@pytest.mark.parametrize("name", ["scan folders", "scan folder slow"])
def test_a_clock_that_was_ahead_is_forgotten(
    tmp_path: Path, redis_server: Server, redis_client: redis.Redis, name: str
) -> None:
    """Entries last sent 8 hours from now, by a clock that has been set right, are sent at once."""
    folder = {"name": "slow", "path": str(tmp_path), "schedule": "* * * * *"}
    options = {"state_dir": str(tmp_path), "redis.url": redis_server.url, "folders": [folder]}
    app = create_app(load(options=options))
    schedule = app.conf.beat_schedule_filename
    scheduler = BoundedScheduler(app=app, lazy=True, schedule_filename=schedule)
    scheduler.setup_schedule()
    for _ in range(20):
        scheduler.tick()
    redis_client.delete(queue_name(QUEUE, tmp_path))
    for entry in scheduler.schedule.values():
        entry.last_run_at = app.now() + timedelta(hours=8)
    for _ in range(20):
        scheduler.tick()
    assert redis_client.llen(queue_name(QUEUE, tmp_path)) > 0
    assert scheduler.schedule[name].last_run_at <= app.now()
    scheduler.close()


BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


@pytest.mark.parametrize(
    ("zone", "text", "start", "hours", "expected"),
    [
        (BERLIN, "*/15 * * * *", "2026-10-24T23:00", 5, 20),
        (BERLIN, "*/15 * * * *", "2026-03-28T23:00", 5, 20),
        (BERLIN, "*/30 2 * * *", "2026-10-24T12:00", 24, 4),
        (BERLIN, "30 2 * * *", "2026-03-28T12:00", 24, 1),
        (BERLIN, "30 3 * * *", "2026-03-28T12:00", 24, 1),
        (BERLIN, "30 3 * * *", "2026-10-24T12:00", 24, 1),
        (NEW_YORK, "*/15 * * * *", "2026-11-01T03:00", 5, 20),
        (NEW_YORK, "*/15 * * * *", "2026-03-08T05:00", 5, 20),
        (NEW_YORK, "*/30 1 * * *", "2026-10-31T20:00", 24, 4),
        (NEW_YORK, "30 2 * * *", "2026-03-07T20:00", 24, 1),
    ],
)
def test_the_nights_of_a_clock_change(
    zone: str, text: str, start: str, hours: int, expected: int
) -> None:
    """Both passes of a repeated hour; times of a skipped hour when it would begin."""
    schedule = ZoneCrontab(text, zone)
    schedule.app = create_app(load())
    last = now = datetime.fromisoformat(start).replace(tzinfo=UTC)
    end, sent = now + timedelta(hours=hours), []
    while now < end:
        now += timedelta(minutes=1)
        schedule.nowfun = lambda now=now: now
        is_due, wait = schedule.is_due(last)
        assert wait > 0
        if is_due:
            sent.append(now)
            last = now
    assert len(sent) == expected, sent
    if text.startswith("*/15"):
        gaps = {later - earlier for earlier, later in pairwise(sent)}
        assert gaps == {timedelta(minutes=15)}
