"""State that only informs: jobs, heartbeats, wake-ups, the server, the stream."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import redis

from tests.servers import Server
from tests.store.conftest import STREAM
from tests.store.offers import offer
from worker.errors import StoreUnavailable
from worker.settings import load
from worker.store import stream as streams
from worker.store.articles import ArticleStore
from worker.store.broker import open_wakeups
from worker.store.connection import connect
from worker.store.jobs import Job, JobKind, JobStore
from worker.store.layout import DAY
from worker.store.server import get_run_id, get_server_info
from worker.store.workers import ALIVE_SECONDS, Heartbeats, WorkerInfo

NOW_MS = 1_700_000_000_000


def test_jobs_are_listed_newest_first_and_expire(
    redis_server: Server, redis_client: redis.Redis
) -> None:
    """Page by page; expired ones leave the list."""
    jobs = JobStore(connect(redis_server.url), stream=STREAM, keep_days=14)
    for n in range(5):
        jobs.open(Job(f"j{n}", JobKind.SCAN, "drop", "", NOW_MS + n))
    assert [state.job.id for state in jobs.list(2)] == ["j4", "j3"]
    assert [state.job.id for state in jobs.list(2, cursor=2)] == ["j2", "j1"]
    key = "{newsdrop:articles}:job:j4"
    assert 13 * DAY < redis_client.ttl(key) <= 14 * DAY
    redis_client.delete(key)
    assert [state.job.id for state in jobs.list(2)] == ["j3"]
    assert jobs.get("j4") is None
    jobs.open(Job("late", JobKind.SCAN, "drop", "", NOW_MS + 15 * DAY * 1000))
    assert redis_client.zrange("{newsdrop:articles}:jobs", 0, -1) == [b"late"]


def test_job_writes_never_fail_the_work(
    own_server: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """Without Redis, writing logs an error and returns; reading raises."""
    server = own_server()
    jobs = JobStore(connect(server.url), stream=STREAM, keep_days=14)
    server.kill()
    jobs.open(Job("j", JobKind.SCAN, "drop", "", NOW_MS))
    jobs.add_files("j", 1)
    assert [record.message[:24] for record in caplog.records] == ["the job was not recorded"] * 2
    with pytest.raises(StoreUnavailable):
        jobs.get("j")


def test_workers_are_alive_while_they_beat(redis_server: Server, redis_client: redis.Redis) -> None:
    """A worker is alive until it leaves or was silent for a while; the time is the server's."""
    beats = Heartbeats(connect(redis_server.url), stream=STREAM)
    one = WorkerInfo("celery@a", 7, "a", 2, NOW_MS)
    beats.beat(WorkerInfo("celery@b", 8, "b", 2, NOW_MS))
    beats.beat(one)
    [first, second] = beats.list_workers()
    assert (first.name, second.name) == ("celery@a", "celery@b")
    assert first.last_seen_ms > NOW_MS
    beats.remove("celery@b")
    assert beats.list_workers() == [first]
    silent = first.last_seen_ms - (ALIVE_SECONDS + 1) * 1000
    key = "{newsdrop:articles}:workers"
    stored = redis_client.hget(key, "celery@a")
    redis_client.hset(key, "celery@a", stored.replace(b"%d" % first.last_seen_ms, b"%d" % silent))
    assert beats.list_workers() == []
    ahead = first.last_seen_ms + 8 * 3600 * 1000
    redis_client.hset(key, "celery@a", stored.replace(b"%d" % first.last_seen_ms, b"%d" % ahead))
    assert beats.list_workers() == [], "a heartbeat from the future does not count"
    assert redis_client.hlen(key) == 0


def test_the_last_tick(redis_server: Server, redis_client: redis.Redis) -> None:
    """Its age; None before the first."""
    beats = Heartbeats(connect(redis_server.url), stream=STREAM)
    assert beats.tick_age_seconds() is None
    beats.record_tick()
    age = beats.tick_age_seconds()
    assert age is not None
    assert 0 <= age < 60
    seconds, _ = redis_client.time()
    redis_client.set("{newsdrop:articles}:tick", (seconds + 8 * 3600) * 1000)
    assert beats.tick_age_seconds() is None, "it was sent by a clock that was ahead"


def test_wakeups_are_counted_as_kombu_queues_them(redis_server: Server, tmp_path: Path) -> None:
    """So a full queue gets no further one."""
    from celery import Celery

    app = Celery(broker="redis+socket://" + str(redis_server.socket))
    wakeups = open_wakeups(
        load(options={"state_dir": str(tmp_path), "redis.url": redis_server.url})
    )
    assert wakeups.may_notify("newsdrop", 1)
    for _ in range(3):
        app.send_task("newsdrop.ingest", queue="newsdrop", ignore_result=True)
    assert wakeups.count_waiting("newsdrop") == 3
    assert wakeups.may_notify("newsdrop", 4)
    assert not wakeups.may_notify("newsdrop", 3)


def test_what_the_server_is(own_server: Callable[..., Server]) -> None:
    """Kind, version, durability and eviction are read from the server; a restart has a new id."""
    server = own_server(appendonly=True, options=("--maxmemory", "100mb"))
    client = connect(server.url)
    about = get_server_info(client)
    assert about.kind == ("valkey" if "valkey" in server.binary else "redis")
    assert about.version >= (6, 2)
    assert about.redis_version >= (6, 2)
    assert (about.is_append_only, about.appendfsync) == (True, "always")
    assert (about.eviction_policy, about.max_memory) == ("noeviction", 100 * 1024 * 1024)
    assert (about.is_loading, about.role, about.mode) == (False, "master", "standalone")
    assert about.used_memory > 0
    assert get_run_id(client) == about.run_id
    server.stop()
    server.start()
    assert get_run_id(client) != about.run_id


def test_what_the_stream_is(store: ArticleStore, redis_client: redis.Redis) -> None:
    """Length, last id and consumer groups; a stream that does not exist yet is empty."""
    assert (store.get_info().length, store.get_info().last_id, store.get_info().groups) == (
        0,
        "0-0",
        (),
    )
    store.publish("b", [offer(1), offer(2)])
    redis_client.xgroup_create(STREAM, "nlp", id="0")
    redis_client.xreadgroup("nlp", "one", {STREAM: ">"}, count=1)
    about = store.get_info()
    [group] = about.groups
    assert (about.name, about.length, about.last_id) == (
        STREAM,
        2,
        store.read_newest(1)[0].stream_id,
    )
    assert (group.name, group.consumers, group.pending) == ("nlp", 1, 1)
    assert group.lag in (1, None)


def test_unread_entries_are_counted(
    store: ArticleStore, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Redis' number is wrong or missing; above a limit its number is used."""
    for number in range(250):
        redis_client.xadd(STREAM, {"id": str(number)})
    ids = [entry.stream_id for entry in store.read(count=250)]
    for name, at in (("end", 249), ("new", 99), ("all", None)):
        redis_client.xgroup_create(STREAM, name, "0" if at is None else ids[at])

    def lags() -> dict[str, int | None]:
        return {group.name: group.lag for group in store.get_info().groups}

    assert lags() == {"all": 250, "end": 0, "new": 150}
    with monkeypatch.context() as patch:
        patch.setattr(streams, "MAX_COUNTED", 100)
        has_lag = redis_client.info("server")["redis_version"] >= "7"
        assert lags() == {"all": 250 if has_lag else None, "end": 0, "new": None}
    redis_client.xdel(STREAM, ids[200])
    assert lags() == {"all": 249, "end": 0, "new": 149}
    redis_client.xdel(STREAM, ids[150])
    redis_client.xadd(STREAM, {"id": "250"})
    redis_client.xtrim(STREAM, minid=ids[50], approximate=False)
    redis_client.xreadgroup("new", "one", {STREAM: ">"}, count=10)
    assert lags() == {"all": 199, "end": 1, "new": 139}
    if has_lag:
        redis_client.execute_command("XGROUP", "SETID", STREAM, "new", ids[99], "ENTRIESREAD", 1)
        assert lags()["new"] == 149


def test_unread_entries_are_counted_once(store: ArticleStore, redis_client: redis.Redis) -> None:
    """Repeated calls count only new entries; other groups are counted again."""
    for number in range(250):
        redis_client.xadd(STREAM, {"id": str(number)})
    redis_client.xgroup_create(STREAM, "new", "0")
    about = redis_client.xinfo_stream(STREAM)

    def scripts() -> int:
        return sum(
            each["calls"]
            for name, each in redis_client.info("commandstats").items()
            if "evalsha" in name
        )

    def ask() -> tuple[int | None, int]:
        before = scripts()
        [group] = store.get_info().groups
        return group.lag, scripts() - before

    assert ask()[0] == 250
    assert ask()[1] == 0 or "entries-added" not in about
    redis_client.xadd(STREAM, {"id": "250"})
    assert ask()[0] == 251
    redis_client.xtrim(STREAM, maxlen=200, approximate=False)
    assert ask()[0] == 200
    redis_client.delete(STREAM)
    redis_client.xadd(STREAM, {"id": "0"})
    redis_client.xgroup_create(STREAM, "new", "0")
    assert ask()[0] == 1


def test_reading_and_following(store: ArticleStore) -> None:
    """Entries are read from any point, oldest first, and followed from the last one seen."""
    store.publish("b", [offer(n) for n in range(5)])
    entries = store.read(count=3)
    assert [entry.title for entry in entries] == ["标题 0", "标题 1", "标题 2"]
    after = entries[-1].stream_id
    assert [entry.title for entry in store.read("(" + after)] == ["标题 3", "标题 4"]
    assert [entry.title for entry in store.read_newest(2)] == ["标题 3", "标题 4"]
    assert [entry.title for entry in store.follow(after, 1000)] == ["标题 3", "标题 4"]
    assert store.follow(store.get_info().last_id, 20) == []


def test_foreign_entries_are_read(store: ArticleStore, redis_client: redis.Redis) -> None:
    """Entries of other programs have the fields that they have."""
    redis_client.xadd(STREAM, {"x": b"\xff", "revision": "many"})
    [entry] = store.read()
    assert (entry.type, entry.revision, entry.date, entry.data) == ("", 1, None, b"")


def test_what_another_version_wrote_is_read(
    redis_server: Server, redis_client: redis.Redis
) -> None:
    """Heartbeats and refusals with keys that a newer version added do not break the status."""
    beats = Heartbeats(connect(redis_server.url), stream=STREAM)
    beats.beat(WorkerInfo("celery@a", 7, "a", 2, NOW_MS))
    key = "{newsdrop:articles}:workers"
    stored = orjson.loads(redis_client.hget(key, "celery@a"))
    redis_client.hset(key, "celery@a", orjson.dumps({**stored, "mood": "good"}))
    assert [one.pid for one in beats.list_workers()] == [7]
    line = b'{"path": "a", "reason": "empty", "message": "m", "more": 1}'
    redis_client.rpush("{newsdrop:articles}:job:j:refused", line)
    (refused,) = JobStore(connect(redis_server.url), stream=STREAM, keep_days=1).refused("j")
    assert refused.path == "a"
