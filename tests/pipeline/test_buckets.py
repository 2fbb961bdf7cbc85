"""Buckets as sources: listing, reading, the ledger, and failing stores."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.object_store import BUCKET, KEY, ObjectStore
from tests.servers import Server
from tests.warcs import html, page
from tests.world import World, article
from worker.fetch import Fetcher
from worker.pipeline.feeds.poll import fetch_sources, poll
from worker.queries.audit import audit
from worker.queries.status.overview import get_overview
from worker.settings.clock import utc_now
from worker.sources import large_objects
from worker.sources.fetch_loop import Result
from worker.sources.objects import ObjectSource
from worker.sources.registry import pause, resume
from worker.store.leases import Lease, LeaseResult

Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path, redis_server: Server, store: ObjectStore) -> Make:
    """A world with the bucket `archive`."""

    def make(name: str = "state", keys: dict[str, Any] | None = None, **options: Any) -> World:
        bucket = {"name": "archive", "url": f"s3://{BUCKET}/2021/", "endpoint": store.url}
        settings = {"buckets": [bucket | (keys or {})], "fetch.allow_networks": ["127.0.0.0/8"]}
        settings["worker.tick_seconds"] = 0.2  # nothing waits long for what is due soon
        return World(tmp_path / name, redis_server.url, **(settings | options))

    return make


@pytest.fixture
def world(make: Make) -> World:
    return make()


def put(store: ObjectStore, *numbers: int, text: str = "正文第一段。") -> None:
    for number in numbers:
        store.objects[f"2021/{number:04}.md"] = article(f"第{number}条新闻", text)


def collect(world: World, rounds: int = 1) -> None:
    """List the bucket so many times from the beginning, and ingest what is new."""
    for _ in range(rounds):
        world.context.object_backlog.make_due(["archive"])
        while world.fetch().turns:
            pass
        world.drain()


def titles(world: World) -> list[str]:
    return sorted(entry["data"]["title"] for entry in world.entries())


def test_objects_become_records(make: Make, store: ObjectStore) -> None:
    """Each object is read once with its source's profile; the next listing reads only new and
    changed ones."""
    world = make(keys={"tags": ["档案"], "pattern": "*.md", "on_change": "revise"})
    put(store, 1, 2)
    store.objects |= {"2020/0.md": article("其他"), "2021/notes.txt": b"x", "2021/": b""}
    collect(world)
    assert titles(world) == ["第1条新闻", "第2条新闻"]
    record = world.entries()[0]["data"]
    assert "档案" in record["tags"]
    assert record["url"] is None
    provenance = record["provenance"]
    assert (provenance["source"], provenance["kind"]) == ("archive", "bucket")
    assert provenance["path"].startswith("s3://news/2021/000")
    assert sorted(store.reads()) == ["2021/0001.md", "2021/0002.md"]
    put(store, 3)
    put(store, 1, text="正文第一段,已经修改。")
    store.requests.clear()
    collect(world, 2)
    assert sorted(store.reads()) == ["2021/0001.md", "2021/0003.md"]
    assert [entry["revision"] for entry in world.entries()].count(2) == 1
    found = audit(world.settings)
    assert found.balanced
    assert found.articles["published"] == 3


def again(world: World) -> None:
    """Let the time pass that the backlog waits for: backoffs and leases are over."""
    backlog = world.context.object_backlog
    for key in world.context.redis.keys("*:host:bucket*"):
        world.context.redis.delete(key)
    backlog.make_due(backlog.names())
    while world.fetch().turns:
        pass
    world.drain()


def problem(world: World) -> str:
    return world.context.object_backlog.read_listings(["archive"])["archive"].problem


def test_an_object_replaced_while_it_is_read(world: World, store: ObjectStore) -> None:
    """It is listed again and read as it is now; one that is gone is skipped."""
    put(store, 1, 2, 3)

    def replace(method: str, path: str) -> None:
        """Before the first object is read, whichever that is."""
        if store.reads() and "2021/0003.md" in store.objects:
            put(store, 1, text="另一个正文。")
            store.objects.pop("2021/0003.md", None)

    store.faults.append(replace)
    collect(world)
    texts = {entry["data"]["title"]: entry["data"]["content_text"] for entry in world.entries()}
    assert texts == {"第1条新闻": "另一个正文。", "第2条新闻": "正文第一段。"}
    collect(world)
    assert len(world.entries()) == 2


def test_wrong_credentials(
    world: World,
    store: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """One sentence says what to do; no secret is logged, and everything is read afterwards."""
    put(store, 1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHER")
    collect(world)
    assert problem(world) == (
        "the bucket archive: it answers 403 (InvalidAccessKeyId): the store does not know this "
        "access key: correct the credentials"
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    again(world)
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in problem(world)
    assert "a-secret-key" not in "".join(capfd.readouterr())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    again(world)
    assert problem(world) == ""
    assert titles(world) == ["第1条新闻"]


def test_a_bucket_that_vanishes(world: World, store: ObjectStore) -> None:
    """Nothing is forgotten or read again when it is back."""
    put(store, 1, 2)
    collect(world)
    store.is_there = False
    collect(world)
    assert "there is no such bucket" in problem(world)
    store.is_there = True
    put(store, 3)
    store.requests.clear()
    again(world)
    assert store.reads() == ["2021/0003.md"]
    assert len(world.entries()) == 3


def test_a_store_that_is_overloaded(world: World, store: ObjectStore) -> None:
    """503 puts off all requests to this store by a common backoff; nothing is lost or given up."""
    put(store, *range(20))
    store.faults.append(lambda method, path: 503 if len(store.requests) % 3 else None)
    collect(world)
    before = len(store.requests)
    backlog = world.context.object_backlog
    backlog.make_due(backlog.names())
    world.fetch()
    assert len(store.requests) == before  # it is left in peace
    for _ in range(40):
        again(world)
    assert len(titles(world)) == 20
    state = world.context.object_backlog.read_listings(["archive"])["archive"]
    assert (state.unfetched, state.unfetchable) == (0, 0)


def test_credentials_that_end_while_objects_are_read(world: World, store: ObjectStore) -> None:
    """The store refuses everything: nothing is given up, however often it is tried."""
    put(store, 1, 2)
    store.faults.append(lambda method, path: 403 if store.requests[1:] else None)
    collect(world)
    for _ in range(5):
        again(world)
    store.faults.clear()
    again(world)
    assert titles(world) == ["第1条新闻", "第2条新闻"]
    assert world.context.object_backlog.read_listings(["archive"])["archive"].unfetchable == 0


def test_an_object_that_cannot_be_read(world: World, store: ObjectStore) -> None:
    """It alone is given up after some attempts, and counted; the others are read."""
    put(store, 1, 2)
    store.faults.append(lambda method, path: 403 if path.endswith("0001.md") else None)
    collect(world)
    for _ in range(3):
        again(world)
    assert titles(world) == ["第2条新闻"]
    state = world.context.object_backlog.read_listings(["archive"])["archive"]
    assert state.unfetchable >= 1


def test_a_process_dies_after_its_claim(
    world: World, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its claimed files are ingested; the objects are read once more, and published once."""
    put(store, 1, 2)
    with monkeypatch.context() as patched:
        patched.setattr(type(world.context.object_backlog), "remember", _die)
        with pytest.raises(KeyboardInterrupt):
            collect(world)
    again(world)
    assert titles(world) == ["第1条新闻", "第2条新闻"]
    assert sorted(store.reads()) == ["2021/0001.md", "2021/0001.md", "2021/0002.md", "2021/0002.md"]
    assert audit(world.settings).balanced


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_process_dies_while_it_lists(
    world: World, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same page is listed again: nothing is left out or counted twice."""
    put(store, *range(5))
    with monkeypatch.context() as patched:
        patched.setattr(type(world.context.object_backlog), "extend", _die)
        with pytest.raises(KeyboardInterrupt):
            collect(world)
    again(world)
    assert len(titles(world)) == len(store.reads()) == 5
    state = world.context.object_backlog.read_listings(["archive"])["archive"]
    assert (state.listed, state.unfetched) == (5, 0)


def test_hosts_share_a_bucket(make: Make, store: ObjectStore) -> None:
    """Leases keep two hosts from reading the same objects; those of a dead host expire."""
    one, other = make("one", **{"spool.batch_files": 1}), make("other", **{"spool.batch_files": 1})
    put(store, *range(6))
    one.context.object_backlog.make_due(["archive"])
    one.fetch()  # opens the listing
    for world in (one, other, one, other):
        world.fetch()
        world.drain()
    assert len(store.reads()) == len(set(store.reads())) == 6
    put(store, 10, 11)
    one.context.object_backlog.make_due(["archive"])
    _, _, _, objects, _ = fetch_sources(one.context)
    (listing,) = objects.take_leases(1).leases
    asyncio.run(_step(one, objects, listing))
    lost = objects.take_leases(2).leases
    assert len(lost) == 2
    again(other)
    assert len(titles(one)) == 8
    # The late answer of the first host changes nothing.
    assert one.context.object_backlog.finish([LeaseResult(each, None) for each in lost]) == [
        False,
        False,
    ]


async def _step(world: World, source: ObjectSource, lease: Lease) -> None:
    async with Fetcher(world.settings.fetch) as fetcher:
        source.save([await source.fetch(lease, fetcher)])


def test_the_guard_holds(make: Make, store: ObjectStore) -> None:
    """A store in a network that the operator has not listed is not contacted."""
    world = make(**{"fetch.allow_networks": []})
    put(store, 1)
    collect(world)
    assert "is not public: list its network in fetch.allow_networks" in problem(world)
    assert store.requests == []


def test_a_redirect_is_not_followed(world: World, store: ObjectStore) -> None:
    """A store cannot send requests, and their signatures, elsewhere."""
    store.headers["location"] = f"{store.url}/elsewhere"
    store.faults.append(lambda method, path: 307)
    collect(world)
    assert problem(world)
    assert not [path for _, path in store.requests if "elsewhere" in path]


def test_a_paused_bucket(world: World, store: ObjectStore) -> None:
    """Nothing is read while it is paused."""
    put(store, 1)
    pause(world.settings.state_dir, "archive")
    collect(world)
    assert store.requests == []
    resume(world.settings.state_dir, "archive")
    collect(world)
    assert titles(world) == ["第1条新闻"]


async def _retry_later(work: Any, *_: object) -> Result:
    return Result(LeaseResult(work.lease, 60))


def test_the_backlog_is_bounded(
    world: World, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many objects there are, Redis holds some groups of them, and the listing waits."""
    store.objects |= {f"2021/{number:06}": b"x" for number in range(9_000)}
    monkeypatch.setattr("worker.sources.objects.read_objects", _retry_later)
    collect(world)
    for _ in range(3):
        again(world)
    state = world.context.object_backlog.read_listings(["archive"])["archive"]
    assert 6_400 <= state.listed == state.unfetched <= 7_500
    assert world.context.object_backlog.count() <= 76


def skipped(world: World) -> dict[str, int]:
    return dict(world.context.object_backlog.read_listings(["archive"])["archive"].skipped)


def test_objects_that_are_not_read(
    make: Make, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is counted once by its reason, and tried again only when it changes."""
    world = make(**{"limits.file_mb": 1})
    put(store, 1, 2)
    store.objects |= {"2021/large": b"x" * 1_000_001, "2021/zz-bad": article("其他")}
    right = store._list

    def list_bad_key(query: Mapping[str, list[str]]) -> bytes:
        return right(query).replace(b"zz-bad", b"zz-%ff" if "encoding-type" in query else b"\xff")

    monkeypatch.setattr(store, "_list", list_bad_key)
    store.faults.append(lambda method, path: 403 if path.endswith("/0001.md") else None)
    collect(world)
    for _ in range(3):
        again(world)
    assert skipped(world) == {"too_large": 1, "bad_key": 1, "unreadable": 1}
    state = world.context.object_backlog.read_listings(["archive"])["archive"]
    assert (state.listed, state.unfetched, state.unfetchable) == (4, 0, 3)
    problems = get_overview(world.settings, utc_now()).problems
    (problem,) = [one for one in problems if one.name == "left"]
    assert "too_large 1, bad_key 1, unreadable 1" in problem.text
    store.requests.clear()
    collect(world, 3)
    assert store.reads() == []
    store.faults.clear()
    put(store, 1, text="修改后的正文。")
    collect(world)
    assert store.reads() == ["2021/0001.md"]
    assert titles(world) == ["第1条新闻", "第2条新闻"]


def test_a_page_of_keys_that_are_not_utf8(
    world: World, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The listing continues after such keys, byte for byte."""
    after: list[str] = []

    def list_bad_keys(query: Mapping[str, list[str]]) -> bytes:
        if "encoding-type" not in query:
            return b"\xff"
        after.append(store.requests[-1][1].partition("start-after=")[2])
        key, more = ("2021/%fe%FF", "true") if not after[-1] else ("2021/%ff%ff", "false")
        found = f"<Contents><Key>{key}</Key><ETag>e</ETag><Size>5</Size></Contents>"
        found = f"<IsTruncated>{more}</IsTruncated>{found}"
        return f"<ListBucketResult>{found}</ListBucketResult>".encode()

    monkeypatch.setattr(store, "_list", list_bad_keys)
    collect(world)
    assert after == ["", "2021%2F%FE%FF"]
    assert skipped(world) == {"bad_key": 2}


def test_a_large_warc(make: Make, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A WARC of any size is read in parts by one host, which continues after failures."""
    world, other = make(**{"limits.file_mb": 1}), make("other", **{"limits.file_mb": 1})
    monkeypatch.setattr(large_objects, "PART_BYTES", 200_000)
    monkeypatch.setattr(large_objects, "SLICE_SECONDS", 0.0)  # a part at a time
    data = b"".join(page(number, html(number, 250_000)) for number in range(5))
    store.objects["2021/all.warc"] = data
    starts: list[str] = []

    def fail(method: str, path: str) -> int | None:
        if path.endswith("all.warc"):
            starts.append(path)
        return 503 if len(starts) == 3 and path.endswith("all.warc") else None

    store.faults.append(fail)
    for each in (world, world, other, world, other):
        poll(each.context, notify=lambda: None)
        asyncio.run(_steps(each))
    assert not any((other.settings.state_dir / "spool").glob("partial/*"))
    for _ in range(20):
        again(world)
    assert len(starts) == len(data) // 200_000 + 3
    assert len(titles(world)) == 5
    assert audit(world.settings).balanced
    assert not any((world.settings.state_dir / "spool").glob("partial/*"))
    assert skipped(world) == {}


async def _steps(world: World) -> None:
    _, _, _, objects, _ = fetch_sources(world.context)
    world.context.object_backlog.make_due(world.context.object_backlog.names() - {"archive"})
    for lease in objects.take_leases(1).leases:
        await _step(world, objects, lease)


def test_keys_of_any_characters(world: World, store: ObjectStore) -> None:
    """Keys are requested byte for byte as they are listed."""
    keys = ["2021/a b+c&d=é中.md", "2021/..%2f..%2fx", "2021//x/../y", "2021/<&>\"'", "2021/~*()!"]
    store.objects |= {key: article(f"标题{number}") for number, key in enumerate(keys)}
    collect(world)
    assert sorted(store.reads()) == sorted(keys)
    assert len(titles(world)) == len(keys)


def test_an_object_that_is_never_as_it_was_listed(world: World, store: ObjectStore) -> None:
    """A store whose If-Match never matches: the object is given up."""
    put(store, 1, 2)
    store.faults.append(lambda method, path: 412 if path.endswith("/0001.md") else None)
    collect(world)
    assert store.reads().count("2021/0001.md") == 2
    again(world)
    assert store.reads().count("2021/0001.md") == 3
    assert titles(world) == ["第2条新闻"]
    state = world.context.object_backlog.read_listings(["archive"])["archive"]
    assert (state.unfetched, state.unfetchable) == (0, 1)


def test_a_list_that_begins_again_and_again(
    world: World, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that ignores `start-after` repeats the same page: that is an error."""
    put(store, 1, 2)
    monkeypatch.setattr(store, "keys", lambda *_: (["2021/0001.md", "2021/0002.md"], True))
    collect(world)
    assert "its list does not continue" in problem(world)
    assert sum("list-type" in path for _, path in store.requests) == 2


@pytest.mark.parametrize("part", [("<Size>", "<Size>-"), ("<Key>2021/0001.md", "<Key>")])
def test_a_list_without_sense(
    world: World, store: ObjectStore, monkeypatch: pytest.MonkeyPatch, part: tuple[str, str]
) -> None:
    """An object without a name or of less than no bytes: the list cannot be read."""
    put(store, 1)
    right = store._list
    old, new = map(str.encode, part)
    monkeypatch.setattr(store, "_list", lambda query: right(query).replace(old, new))
    collect(world)
    assert "its list cannot be read" in problem(world)


@pytest.mark.parametrize("etag", ["W/&quot;{}&quot;", "&#10;x: y", "é中", "{}" * 50])
def test_etags_of_any_kind(
    world: World, store: ObjectStore, monkeypatch: pytest.MonkeyPatch, etag: str
) -> None:
    """A weak ETag is that of the same object; one that no header can carry costs its object."""
    put(store, 1)
    right = store._list
    digest = store.etag("2021/0001.md")
    listed = f"<ETag>{etag.replace('{}', digest)}</ETag>".encode()
    old = f"<ETag>&quot;{digest}&quot;</ETag>".encode()
    monkeypatch.setattr(store, "_list", lambda query: right(query).replace(old, listed))
    collect(world)
    for _ in range(3):
        again(world)
    assert len(world.entries()) == etag.startswith("W/")
    state = world.context.object_backlog.read_listings(["archive"])["archive"]
    assert bool(state.unfetchable) != etag.startswith("W/")
    assert state.problem == ""


def test_a_store_that_is_unavailable_for_a_week(world: World, store: ObjectStore) -> None:
    """However often a listing has failed, it is tried again in ten minutes."""
    put(store, 1)
    collect(world)
    backlog = world.context.object_backlog
    world.context.redis.hset(backlog.key("archive"), "failures", 5000)
    store.is_there = False
    again(world)
    due_ms = backlog.read_listings(["archive"])["archive"].due_ms
    assert due_ms is not None
    assert 0 < due_ms - world.context.redis.time()[0] * 1000 <= 601_000
