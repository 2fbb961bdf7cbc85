"""Copies of the archive in a bucket: each file once, whatever fails, and read from there."""

import os
import signal
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.object_store import BUCKET, ObjectStore
from tests.servers import Server
from tests.world import World, article
from worker.actions.archive_fetch import fetch_journals
from worker.errors import FetchFailed
from worker.pipeline import archive_copy
from worker.pipeline.archive_copy import copy_archive
from worker.pipeline.recover import recover
from worker.pipeline.replay import replay
from worker.pipeline.search import feed_search
from worker.queries.audit import audit
from worker.queries.status.overview import get_overview
from worker.readmodel.database import open_reader
from worker.settings.clock import utc_now
from worker.sources import archive_bucket
from worker.spool import redis_record
from worker.spool.copy_record import is_finished, read_state, write_state
from worker.spool.layout import Removals
from worker.web.metrics import exposition


@pytest.fixture
def world(tmp_path: Path, redis_server: Server, store: ObjectStore) -> World:
    """A world whose archive is copied, with two batches in it."""
    world = World(
        tmp_path / "state",
        redis_server.url,
        **{
            "archive.url": f"s3://{BUCKET}/copies",
            "archive.endpoint": store.url,
            "fetch.allow_networks": ["127.0.0.0/8"],
        },
    )
    for number in range(2):
        world.put(f"{number}.md", article(f"第{number}条新闻"))
        world.run()
    return world


def files(world: World) -> dict[str, bytes]:
    """The archive's files by their keys in the bucket."""
    folder = world.settings.state_dir / "archive"
    return {
        f"copies/{path.relative_to(folder)}": path.read_bytes()
        for path in folder.glob("*/*/*")
        if path.name != ".copied"
    }


def again(world: World) -> None:
    """Copy, after the time that a failing store is left in peace."""
    write_state(world.settings.state_dir, read_state(world.settings.state_dir).__class__())
    copy_archive(world.context)


def problems(world: World, hours: int = 0) -> list[str]:
    found = get_overview(world.settings, utc_now() + timedelta(hours=hours)).problems
    return [f"{one.text} {one.advice}" for one in found if one.name == "archive"]


def test_each_file_is_copied_once(world: World, store: ObjectStore) -> None:
    """Raw files before their journal, one request each; finished folders are not listed again."""
    copy_archive(world.context)
    assert store.objects == files(world)
    assert len(store.objects) == len(store.requests) == 4
    names = [path for _, path in store.requests]
    assert all(
        names.index(name.replace(".jsonl", ".tar.zst")) < names.index(name)
        for name in names
        if name.endswith(".jsonl")
    )
    (folder,) = world.context.deps.archive.folders()
    os.utime(folder, (1e9, 1e9))  # nothing was added for long
    copy_archive(world.context)
    assert is_finished(folder)
    world.put("later.md", article("后来的新闻"))
    world.run()
    assert not is_finished(folder)
    copy_archive(world.context)
    copy_archive(world.context)
    assert store.objects == files(world)
    assert len(store.requests) == 6
    assert problems(world) == []


def test_a_batch_that_is_not_finished(world: World, store: ObjectStore) -> None:
    """Its segment may be written once more, so it is copied when the batch has left the spool."""
    batch = next(world.context.deps.archive.segments()).batch
    folder = world.context.roots[0].work / batch
    folder.mkdir()
    copy_archive(world.context)
    assert len(store.objects) == 2
    assert not any(batch in key for key in store.objects)
    folder.rmdir()
    copy_archive(world.context)
    assert store.objects == files(world)


def test_copies_are_read(world: World, store: ObjectStore) -> None:
    """Local files expire only when they are copied; then replay reads them from the bucket."""
    archive = world.context.deps.archive
    later = utc_now() + timedelta(days=40)
    removals = Removals()
    archive.remove_expired(later, lambda _: 30, 400, removals)
    assert removals.count == 0
    copy_archive(world.context)
    archive.remove_expired(later, lambda _: 30, 400, removals)
    assert removals.count == 2
    assert all(segment.has_raws() for segment in archive.segments())
    records = [entry["data"]["content_text"] for entry in world.entries()]
    world.context.redis.flushall()
    published = sum(replay(segment, world.context.deps) for segment in archive.segments())
    assert published == 2
    assert [entry["data"]["content_text"] for entry in world.entries()] == records
    assert audit(world.settings).balanced
    store.objects.clear()
    assert [list(segment.raws()) for segment in archive.segments()] == [[], []]


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (503, "it answers 503 (SlowDown): it is requested again later"),
        (409, "it answers 409 (SlowDown): it is requested again later"),
        (403, "give its credentials the rights to read and to write"),
        (0, "there is no such bucket"),
    ],
)
def test_a_store_that_refuses(world: World, store: ObjectStore, status: int, says: str) -> None:
    """The reason is shown at once, and the store left in peace for a while; then all is copied."""
    store.is_there = bool(status)
    store.faults.append(lambda method, path: status if len(store.requests) % 2 else None)
    copy_archive(world.context)
    before = len(store.requests)
    copy_archive(world.context)
    assert len(store.requests) == before
    assert says in problems(world)[0]
    assert read_state(world.settings.state_dir).waiting == 2
    assert b"newsdrop_archive_uncopied_batches 2.0" in exposition(world.settings, utc_now())[0]
    store.faults.clear()
    store.is_there = True
    again(world)
    assert store.objects == files(world)
    assert problems(world) == []


def test_credentials_that_are_missing(
    world: World, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence; what waits for an hour is a problem without a failure, too."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    copy_archive(world.context)
    assert "has no credentials: set AWS_ACCESS_KEY_ID" in problems(world)[0]
    state = read_state(world.settings.state_dir)
    write_state(world.settings.state_dir, state.__class__(state.waiting, state.oldest))
    assert problems(world) == []
    assert "not copied to archive.url yet: 2, the oldest for 2 hours" in problems(world, 2)[0]


def test_another_file_under_the_same_name(world: World, store: ObjectStore) -> None:
    """It is not replaced: a problem reports it, the local file stays, the others are copied."""
    first, *others = sorted(files(world))
    store.objects[first] = b"another"
    copy_archive(world.context)
    assert "has another object copies/" in problems(world)[0]
    assert store.objects[first] == b"another"
    archive = world.context.deps.archive
    removals = Removals()
    archive.remove_expired(utc_now() + timedelta(days=40), lambda _: 30, 400, removals)
    assert removals.count == 1
    assert {*others[1:]} <= store.objects.keys()


@pytest.mark.parametrize("moment", ["mark_copied", "write_state"])
def test_a_process_that_is_killed(world: World, store: ObjectStore, moment: str) -> None:
    """Between upload and record: the object is written once and counted as copied."""

    def run() -> None:
        setattr(archive_copy, moment, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        copy_archive(world.context)

    process = get_context("fork").Process(target=run)
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    before = dict(store.objects)
    assert before
    copy_archive(world.context)
    assert store.objects == files(world)
    assert before.items() <= store.objects.items()
    assert read_state(world.settings.state_dir).waiting == 0


def test_a_machine_that_is_lost(
    world: World,
    store: ObjectStore,
    tmp_path: Path,
    redis_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another state directory fetches the journals and publishes everything under the same ids."""
    copy_archive(world.context)
    key = min(key for key in store.objects if key.endswith(".jsonl"))
    store.objects |= {"copies/20211126/drop/notes.jsonl": b"x", "other/a.jsonl": b"x"}
    ids = [entry["id"] for entry in world.entries()]
    world.context.redis.flushall()
    other = other_world(tmp_path, redis_server, world)
    whole = store.objects[key]
    for damaged in (b"", b"x", whole.replace(b'"archived_at":"20', b'"archived_at":"x')):
        store.objects[key] = damaged
        skipped: list[str] = []
        fetch_journals(other.settings, lambda _: None, skipped.append)
        assert [f"the journal {key} in the bucket is damaged" in why for why in skipped] == [True]
    store.objects[key] = whole
    for segment in other.context.deps.archive.segments():
        segment.journal_path.unlink()
    monkeypatch.setattr(archive_bucket, "_PART_BYTES", len(whole) // 2)
    store.ignores_conditions = True  # as some gateways do: parts of two objects are none

    def replace_it(method: str, path: str) -> None:
        is_second = [path for _, path in store.requests].count(path) == 2
        store.objects[key] = whole.swapcase() if path.endswith(key) and is_second else whole

    store.requests.clear()
    store.faults.append(replace_it)
    skipped.clear()
    assert fetch_journals(other.settings, lambda _: None, skipped.append) == 1
    assert [key in why for why in skipped] == [True]
    store.faults.clear()
    store.objects[key] = whole
    store.requests.clear()
    assert fetch_journals(other.settings, lambda _: None) == 1
    assert len([path for _, path in store.requests if path.endswith(key)]) >= 2  # in parts
    assert fetch_journals(other.settings, lambda _: None) == 0
    for segment in other.context.deps.archive.segments():
        archived = datetime.fromisoformat(segment.head().archived_at).timestamp()
        assert segment.journal_path.stat().st_mtime == pytest.approx(archived, abs=0.01)
        replay(segment, other.context.deps)
    assert [entry["id"] for entry in other.entries()] == ids
    before = dict(store.objects)
    copy_archive(other.context)
    assert store.objects == before
    assert read_state(other.settings.state_dir).waiting == 0


def other_world(tmp_path: Path, server: Server, world: World) -> World:
    """Another state directory with the same bucket."""
    options = {
        "archive": world.settings.archive.model_dump(),
        "fetch.allow_networks": ["127.0.0.0/8"],
    }
    return World(tmp_path / "other", server.url, **options)


def test_an_object_that_grows_has_an_end(
    world: World,
    store: ObjectStore,
    tmp_path: Path,
    redis_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A store without ETags, whose journal is longer with each part: it is skipped, not followed,
    and so is its copy of raw files."""
    copy_archive(world.context)
    key = min(key for key in store.objects if key.endswith(".jsonl"))
    monkeypatch.setattr(archive_bucket, "_PART_BYTES", 100)
    monkeypatch.setattr(store, "etag", lambda _: "")
    store.ignores_conditions = True

    def grow(method: str, path: str) -> None:
        for name in store.objects:
            if path.endswith(name):
                store.objects[name] += b"x" * 200

    store.faults.append(grow)
    skipped: list[str] = []
    other = other_world(tmp_path, redis_server, world)
    assert fetch_journals(other.settings, lambda _: None, skipped.append) == 0
    assert any(key in why for why in skipped)
    assert len(store.requests) < 100
    segment = next(world.context.deps.archive.segments())
    segment.raw_path.unlink()
    assert list(segment.raws()) == []


def test_one_object_that_cannot_be_read_stops_no_other(
    world: World, store: ObjectStore, tmp_path: Path, redis_server: Server
) -> None:
    """It is named; a store of which nothing can be read ends the command."""
    copy_archive(world.context)
    key = min(key for key in store.objects if key.endswith(".jsonl"))
    store.faults.append(lambda method, path: 403 if path.endswith(key) else None)
    skipped: list[str] = []
    other = other_world(tmp_path, redis_server, world)
    assert fetch_journals(other.settings, lambda _: None, skipped.append) == 1
    assert ["403" in why for why in skipped] == [True]
    for number in range(2, 6):
        world.put(f"{number}.md", article(f"第{number}条新闻"))
        world.run()
    again(world)
    store.faults[:] = [lambda method, path: 403 if path.endswith(".jsonl") else None]
    with pytest.raises(FetchFailed, match="403"):
        fetch_journals(other.settings, lambda _: None, skipped.append)


def test_a_list_without_end_ends(
    world: World,
    store: ObjectStore,
    tmp_path: Path,
    redis_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Journals of days to come are not fetched; keys that repeat or have no order are an error."""
    copy_archive(world.context)
    other = other_world(tmp_path, redis_server, world)
    first = min(key for key in store.objects if key.endswith(".jsonl"))
    days = iter(range(1, 10_000))

    def grow(prefix: str, after: str, count: int) -> tuple[list[str], bool]:
        day = f"{utc_now() + timedelta(days=next(days)):%Y%m%d}"
        key = f"copies/{day}/drop/{day}T000000.000000-0011aabb-drop.jsonl"
        store.objects[key] = store.objects[first]
        return [key], True

    monkeypatch.setattr(store, "keys", grow)
    skipped: list[str] = []
    fetch_journals(other.settings, lambda _: None, skipped.append)
    assert "days to come" in skipped[-1]
    assert next(days) < 10
    for keys, why in (([first], "does not continue"), ([first, "copies/0"], "not in the order")):
        monkeypatch.setattr(store, "keys", lambda *_, keys=keys: (keys, True))
        store.objects |= dict.fromkeys(keys, store.objects[first])
        with pytest.raises(FetchFailed, match=why):
            fetch_journals(other.settings, lambda _: None)


def test_a_bucket_that_is_unavailable_stops_no_work(world: World, store: ObjectStore) -> None:
    """After a loss of Redis, segments that only the bucket has are reported and skipped."""
    copy_archive(world.context)
    archive, state_dir = world.context.deps.archive, world.settings.state_dir
    archive.remove_expired(utc_now() + timedelta(days=40), lambda _: 30, 400, Removals())
    for segment in archive.segments():
        os.utime(segment.journal_path, (1e9, 1e9))
    world.context.redis.flushall()
    redis_record.write(state_dir, redis_record.RedisRecord("another", "1-1"))
    store.is_there = False
    recover(world.context)
    assert (redis_record.replay_command(state_dir) or "").startswith("newsdrop replay --since 2001")
    assert feed_search(world.context) == 0
    with open_reader(state_dir) as db:
        assert db.execute("SELECT count(*) FROM decision").fetchone()[0] == 2
    with pytest.raises(FetchFailed, match="no such bucket"):
        replay(next(archive.segments()), world.context.deps)
