"""Back-fill: lists of addresses and prefixes of buckets as jobs that all hosts share."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.http_server import Reply, Request, Web
from tests.object_store import BUCKET, ObjectStore
from tests.servers import Server
from tests.world import World, article
from worker.actions import backfill
from worker.actions.backfill import enqueue_bucket, enqueue_list, pause_job
from worker.errors import NotThere, UsageError
from worker.pipeline.feeds.poll import fetch_sources
from worker.queries.audit import audit
from worker.queries.jobs import JobView, find_jobs, get_job
from worker.readmodel.filters import Filters
from worker.sources.enqueue import EnqueueOptions
from worker.store import backlog as backlogs
from worker.store.leases import LeaseResult

Make = Callable[..., World]
BY_HAND = EnqueueOptions()


@pytest.fixture(autouse=True)
def no_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are the worker themselves."""
    monkeypatch.setattr(backfill, "notify_poll", lambda _: True)


@pytest.fixture
def make(tmp_path: Path, redis_server: Server, web: Web) -> Make:
    def make(name: str = "one", **options: Any) -> World:
        settings = {
            "fetch.allow_networks": ["127.0.0.0/8"],
            "fetch.allow_ports": [web.port],
            "fetch.host_interval_seconds": 0,
            "worker.tick_seconds": 0.2,
        }
        return World(tmp_path / name, redis_server.url, **(settings | options))

    return make


@pytest.fixture
def world(make: Make) -> World:
    return make()


def page(number: int) -> Reply:
    title = f"第{number}条港口新闻公告"
    html = f"<html><head><title>{title}</title></head><body><article><h1>{title}"
    text = "港口今天公布了新的时刻表,货船将按照新的顺序进港。" * 8
    return Reply(body=f"{html}</h1><p>{text}</p></article></body></html>".encode())


def serve(web: Web, count: int) -> list[str]:
    """Pages on two hosts: 127.0.0.1, and localhost, which is another name of it."""
    for number in range(count):
        web.pages[f"/{number}.html"] = page(number)
    hosts = (web.host, "localhost")
    return [web.url(f"/{number}.html", hosts[number % 2]) for number in range(count)]


def again(world: World) -> None:
    """Fetch everything in the backlog, whatever it waits for."""
    for name in ("address", "object"):
        queue = getattr(world.context, f"{name}_backlog")
        for key in world.context.redis.keys("*:host:*"):
            world.context.redis.delete(key)
        queue.make_due(queue.names())
    world.fetch()
    world.drain()


def finish(world: World, job: str, rounds: int = 30) -> JobView:
    for _ in range(rounds):
        again(world)
        if (view := get_job(world.settings, job)).is_done:
            return view
    pytest.fail(f"the job is not done: {view}")


def fetched(web: Web) -> list[str]:
    return [r.path for r in web.requests if r.path != "/robots.txt"]


def test_a_list_of_addresses(world: World, web: Web) -> None:
    """Each address is fetched once, as a part of one job with the options of the enqueue."""
    urls = serve(web, 6)
    lines = ["# a comment", "", *urls, urls[0]]
    done = enqueue_list(world.settings, lines, EnqueueOptions(source="drop"), "list.txt")
    assert done.addresses == 6
    view = finish(world, done.job)
    assert sorted(fetched(web)) == sorted(f"/{number}.html" for number in range(6))
    assert (view.label, view.source, view.files.accepted) == ("list.txt", "drop", 6)
    assert view.fetching is not None
    assert (view.fetching.listed, view.fetching.unfetched) == (6, 0)
    provenance = world.entries()[0]["data"]["provenance"]
    assert (provenance["source"], provenance["kind"]) == ("drop", "enqueue")
    assert provenance["job"] == done.job
    assert audit(world.settings).balanced


def test_a_line_that_is_no_address(world: World) -> None:
    """It is named, and nothing is enqueued; an empty list neither."""
    with pytest.raises(UsageError, match=r"line 2 is not an address \(ftp://b.example\)"):
        enqueue_list(world.settings, ["https://a.example", "ftp://b.example"], BY_HAND, "x")
    with pytest.raises(UsageError, match="the list has no addresses"):
        enqueue_list(world.settings, ["# nothing"], BY_HAND, "x")
    with pytest.raises(NotThere):
        enqueue_list(world.settings, ["https://a.example"], EnqueueOptions(source="nowhere"), "x")
    assert world.context.address_backlog.count() == 0


def test_addresses_that_cannot_be_fetched(world: World, web: Web) -> None:
    """They are listed with the job, as are those that robots.txt forbids; the others are there."""
    urls = serve(web, 2)
    web.pages["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /secret\n")
    lines = [*urls, web.url("/gone.html"), web.url("/secret.html"), "https://10.0.0.1/private"]
    job = enqueue_list(world.settings, lines, BY_HAND, "list").job
    view = finish(world, job)
    assert view.fetching is not None
    assert (view.fetching.listed, view.fetching.unfetched, view.fetching.unfetchable) == (5, 0, 3)
    assert view.fetching.fetched == 2
    assert find_jobs(world.settings, Filters(outcome="rejected"), 10)[0] == (
        replace(view, refused=()),
    )
    assert {each.reason for each in view.refused} == {"404", "robots", "address"}
    assert len(world.entries()) == 2
    assert "/secret.html" not in fetched(web)


def test_a_busy_server_is_tried_again(world: World, web: Web) -> None:
    """Nothing is lost by 503: the address waits, and is fetched later."""
    (url,) = serve(web, 1)
    answers = [Reply(503), Reply(503), page(0)]
    web.pages["/0.html"] = lambda _: answers.pop(0)
    view = finish(world, enqueue_list(world.settings, [url], BY_HAND, "list").job)
    assert view.articles.published == 1


def test_it_is_polite_to_each_host(make: Make, web: Web) -> None:
    """The pace of a host holds for all hosts of newsdrop together, and for each name by itself."""
    worlds = [make(name, **{"fetch.host_interval_seconds": 0.8}) for name in ("one", "other")]
    urls = serve(web, 6)
    times: dict[str, list[float]] = {}

    def answer(request: Request) -> Reply:
        times.setdefault(request.host, []).append(time.monotonic())
        return page(int(request.path[1:].partition(".")[0]))

    for number in range(6):
        web.pages[f"/{number}.html"] = answer
    job = enqueue_list(worlds[0].settings, urls, BY_HAND, "list").job
    end = time.monotonic() + 60
    while not get_job(worlds[0].settings, job).is_done:
        assert time.monotonic() < end
        for world in worlds:
            world.fetch()
            world.drain()
        time.sleep(0.02)
    assert {len(each) for each in times.values()} == {3}
    for each in times.values():
        assert min(after - before for before, after in pairwise(each)) > 0.4


def test_a_job_is_paused_and_resumed(world: World, make: Make, web: Web) -> None:
    """On all hosts; fetched files are processed, and nothing is fetched again."""
    other = make("other")
    urls = serve(web, 5)
    job = enqueue_list(world.settings, urls, BY_HAND, "list").job
    pause_job(world.settings, job, is_paused=True)
    for each in (world, other):
        again(each)
    assert fetched(web) == []
    view = get_job(world.settings, job)
    assert view.fetching is not None
    assert view.fetching.is_paused
    assert not view.is_done
    pause_job(other.settings, job, is_paused=False)
    assert finish(other, job).articles.published == 5
    assert len(fetched(web)) == 5
    world.put("a.md", article("一条新闻"))
    world.run()
    scan = next(job.job.id for job in world.context.jobs.list() if job.job.kind == "scan")
    with pytest.raises(UsageError, match="nothing is fetched for the job"):
        pause_job(world.settings, scan, is_paused=True)


def test_a_host_that_dies_in_the_middle(world: World, make: Make, web: Web) -> None:
    """Its leases go to another host; its claimed files wait for it. Nothing is lost or doubled."""
    other = make("other")
    urls = serve(web, 8)
    job = enqueue_list(world.settings, urls, BY_HAND, "list").job
    list_next(world, job)
    backlog = world.context.address_backlog
    lost = backlog.take_leases(3, 60).leases
    assert len(lost) == 3
    view = finish(other, job)
    assert {entry["data"]["title"] for entry in world.entries()} == {
        f"第{number}条港口新闻公告" for number in range(8)
    }
    assert view.fetching is not None
    assert view.fetching.unfetched == 0
    assert len(world.entries()) == 8
    assert backlog.finish([LeaseResult(each, None) for each in lost]) == [False for _ in lost]


def test_the_backlog_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long list some addresses are in the backlog, the rest is stored compressed; hosts take
    turns."""
    urls = [
        f"https://h{n // 300}.example/{n:06}/some-news-about-the-harbour" for n in range(30_000)
    ]
    before = int(world.context.redis.info("memory")["used_memory"])  # type: ignore[index,arg-type]
    job = enqueue_list(world.settings, urls, BY_HAND, "list").job
    stored = int(world.context.redis.info("memory")["used_memory"]) - before  # type: ignore[index,arg-type]
    assert stored < 30 * len(urls)
    backlog = world.context.address_backlog
    for _ in range(12):
        list_next(world, job)
    assert backlogs.WINDOW - backlogs.LIST_LENGTH < backlog.count() <= backlogs.WINDOW + 1
    first = backlog.read_addresses(job, "20")
    assert first is not None
    assert len({url.split("/")[2] for url in first}) == 100


def list_next(world: World, job: str) -> None:
    """Add the next addresses of a job to the backlog, and fetch none."""
    backlog, source = world.context.address_backlog, fetch_sources(world.context)[4]
    backlog.make_due([job])
    lease = next(each for each in backlog.take_leases(500, 60).leases if each.name == job)
    source.save([source._list(lease, backlogs.get_owner(lease))])
    for key in world.context.redis.keys("*:host:*"):  # the other leases are over
        world.context.redis.delete(key)
    backlog.make_due(backlog.names())


# ── a bucket ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def store(store: ObjectStore) -> ObjectStore:
    for number in range(6):
        store.objects[f"2021/{number}.md"] = article(f"第{number}条新闻")
        store.objects[f"2022/{number}.md"] = article(f"后来第{number}条新闻")
    return store


def bucket(store: ObjectStore) -> dict[str, Any]:
    table = {"name": "archive", "url": f"s3://{BUCKET}", "endpoint": store.url}
    return {"buckets": [table | {"interval_seconds": 0}], "spool.batch_files": 2}


def test_a_prefix_of_a_bucket(make: Make, store: ObjectStore) -> None:
    """All objects below it are read, once, by whichever host is free; the bucket is not watched."""
    one, other = make("one", **bucket(store)), make("other", **bucket(store))
    one.fetch()
    assert store.requests == []
    done = enqueue_bucket(one.settings, f"s3://{BUCKET}/2021/", BY_HAND)
    assert (done.source, done.addresses) == ("archive", None)
    again(other)
    view = finish(one, done.job)
    other.drain()
    assert sorted(store.reads()) == [f"2021/{number}.md" for number in range(6)]
    assert view.fetching is not None
    assert (view.fetching.listed, view.fetching.unfetched) == (6, 0)
    assert len(one.entries()) == 6
    again_done = enqueue_bucket(one.settings, f"s3://{BUCKET}/2021/", EnqueueOptions(force=True))
    finish(one, again_done.job)
    assert one.totals().revised == 6


def test_a_bucket_without_settings(world: World) -> None:
    """The error says which table of the settings to write."""
    with pytest.raises(UsageError, match=r"no \[\[buckets\]\] table .* has the bucket other: add"):
        enqueue_bucket(world.settings, "s3://other/2021/", BY_HAND)


def test_the_rate_and_the_time_left(world: World) -> None:
    """They are those of the last half minute or more, of all hosts; unknown before, and again where
    nothing was fetched for minutes: then only retries wait."""
    job = enqueue_list(world.settings, [f"https://h{n}.example/" for n in range(100)], BY_HAND, "l")
    key = world.context.address_backlog._layout.job(job.job)
    seconds, _ = world.context.redis.time()
    now_ms = int(seconds) * 1000
    marks = {"earlier_mark_ms": now_ms - 30_000, "mark_ms": now_ms}
    world.context.redis.hdel(key, "listing")
    view = get_job(world.settings, job.job)
    assert view.seconds_left is None
    world.context.redis.hset(key, mapping={**marks, "earlier_marked": 10, "marked": 40})
    view = get_job(world.settings, job.job)
    assert view.fetching is not None
    assert (view.fetching.per_second, view.seconds_left) == (1.0, 100.0)
    earlier = {name: value - 600_000 for name, value in marks.items()}
    world.context.redis.hset(key, mapping=earlier)
    assert get_job(world.settings, job.job).seconds_left is None
