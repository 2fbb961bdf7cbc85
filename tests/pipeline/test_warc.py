"""WARC files in the pipeline: each page is an article of its own."""

import os
import signal
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Server
from tests.warcs import FORMS, gzipped, page, record
from tests.world import World, in_child
from worker.actions.quarantine import retry
from worker.formats import warc as reading
from worker.model import Status
from worker.pipeline.batch import warc
from worker.pipeline.batch.drain import drain
from worker.queries.audit import audit
from worker.queries.explain import explain_recorded_path
from worker.spool.archive import Archive
from worker.store.jobs import Job, JobKind


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    return World(tmp_path, redis_server.url)


def urls(world: World) -> list[str]:
    return [entry["data"]["url"] for entry in world.entries()]


def address(*numbers: int) -> list[str]:
    return [f"https://news.example/{number}" for number in numbers]


@pytest.mark.parametrize("name", FORMS)
def test_each_page_of_a_warc_is_a_record(world: World, name: str) -> None:
    """With address, capture time and WARC as provenance; the WARC itself counts as read."""
    records = [record("warcinfo", b"software: test\r\n", media_type="application/warc-fields")]
    for number in range(3):
        records += [record("request", b"GET / HTTP/1.1\r\n\r\n", *address(number)), page(number)]
    world.put(f"crawl/{name}", FORMS[name](records))
    world.run()
    assert sorted(urls(world)) == address(0, 1, 2)
    origin = world.entries()[0]["data"]["provenance"]
    assert (origin["kind"], origin["source"]) == ("warc", "drop")
    assert origin["url"] == address(0)[0]
    assert origin["fetched_at"] == "2024-05-01T10:00:00.000Z"
    assert origin["path"] == f"crawl/{name}!{address(0)[0]}"
    assert world.entries()[0]["data"]["date"] == "2024-04-30"
    [read] = [line for line in world.journal() if line["status"] == "read"]
    assert read["message"] == (
        "3 pages and 0 damaged records in the WARC; not read: request 3, warcinfo 1"
    )
    explained = explain_recorded_path(world.settings, f"crawl/{name}").articles
    assert {entry.message for one in explained for entry in one.past} >= {read["message"]}
    raws = [raw for one in Archive(world.settings.state_dir).segments() for _, raw in one.raws()]
    assert len(raws) == 3
    assert audit(world.settings).balanced
    assert audit(world.settings).accepted == 4
    totals = world.totals()
    assert (totals.archived, totals.published, totals.quarantined) == (4, 3, 0)


def test_bad_records_are_refused_and_the_others_published(world: World) -> None:
    """Each is in quarantine with its own bytes and advice; a retry refuses it again."""
    bad = page(1).replace(b"storm", b"flood")
    world.put("a.warc.gz", gzipped([page(0), bad, page(2), page(3, length=900), page(4)]))
    world.run()
    assert sorted(urls(world)) == address(0, 2, 4)
    refused = {item.path: item for item in world.context.deps.quarantine}
    assert sorted(refused) == [f"a.warc.gz!{url}" for url in address(1, 3)]
    first = refused[f"a.warc.gz!{address(1)[0]}"]
    assert first.reason == "broken_archive"
    assert "copy the WARC again" in first.message
    raw = world.context.deps.quarantine.raw_path(first.id).read_bytes()
    assert raw == gzipped([bad])
    totals = world.totals()
    assert (totals.archived, totals.published, totals.rejected, totals.quarantined) == (4, 3, 2, 0)
    retry(world.settings, [item.id for item in refused.values()])
    world.drain()
    assert {item.path for item in world.context.deps.quarantine} == set(refused)
    assert sorted(urls(world)) == address(0, 2, 4)


def test_a_warc_without_pages_says_what_it_holds(world: World) -> None:
    """It is refused as a whole, so that a wrong file is noticed."""
    records = [record("conversion", b"text", *address(n), media_type="text/plain") for n in (1, 2)]
    world.put("a.warc.wet.gz", gzipped(records))
    world.run()
    [item] = world.context.deps.quarantine
    assert item.reason == "no_content"
    assert "not read: conversion 2" in item.message


def test_the_kinds_of_records_are_bounded(world: World) -> None:
    """A file of a thousand statuses is summed up in a few kinds; pages have their own."""
    pages = [page(n, b"x", status=f"{n} Odd") for n in range(300, 400)]
    world.put("a.warc.gz", gzipped([*pages, page(1)]))
    world.run()
    world.drain()
    assert urls(world) == address(1)
    (outcome,) = [
        one
        for segment in world.context.deps.archive.segments()
        for one in segment.outcomes()
        if one.status is Status.READ
    ]
    assert outcome.message is not None
    assert "1 pages" in outcome.message
    assert "other 50" in outcome.message
    assert len(outcome.message) < 1_500


def test_a_large_warc_is_read_in_parts(tmp_path: Path, redis_server: Server) -> None:
    """Its batches stay below the folder's maximum, others come between, and no page is lost."""
    world = World(
        tmp_path,
        redis_server.url,
        **{"spool.batch_files": 2, "spool.max_waiting": 3, "limits.file_mb": 1},
    )
    records = [record("request", os.urandom(700_000)) for _ in range(3)]
    records += [page(number) for number in range(20)]
    world.put("a.warc", b"".join(records))
    world.scan()
    deps, waiting = world.context.deps, list[int]()

    def claim(*arguments: Any) -> None:
        world.context.deps.claim(*arguments)
        waiting.append(len(world.waiting()))

    drain(world.context.roots, replace(deps, claim=claim), seconds=60)
    assert sorted(urls(world)) == sorted(address(*range(20)))
    assert len(waiting) == 10
    assert max(waiting) <= 3
    assert audit(world.settings).balanced


@pytest.mark.parametrize("step", ["before the claim", "after the claim", "before the end"])
def test_a_kill_loses_no_page_and_counts_none_twice(world: World, step: str) -> None:
    """Killed anywhere while it is divided, each page is one file, published once."""
    object.__setattr__(world.settings.spool, "batch_files", 2)
    world.put("a.warc.gz", gzipped([page(0), page(1, length=9), *(page(n) for n in range(2, 8))]))
    world.scan()

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        deps = world.context.deps
        if step == "before the end":
            warc.WarcDivision._finish = die  # type: ignore[method-assign]
        calls = 0

        def claim(*arguments: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == 2 and step == "before the claim":
                die()
            deps.claim(*arguments)
            if calls == 2 and step == "after the claim":
                die()

        drain(world.context.roots, replace(deps, claim=claim), seconds=60)

    assert in_child(run) == -signal.SIGKILL
    world.drain()
    assert sorted(urls(world)) == address(0, *range(2, 8))
    totals = world.totals()
    assert (totals.published, totals.duplicate, totals.rejected) == (7, 0, 1)
    assert (totals.archived, totals.quarantined) == (8, 0)
    assert len(list(world.context.deps.quarantine)) == 1
    assert audit(world.settings).balanced


def test_a_warc_that_ends_its_process_is_refused(world: World) -> None:
    """After spool.max_attempts without progress; its earlier pages are published."""
    object.__setattr__(world.settings.spool, "batch_files", 2)
    world.put("a.warc.gz", gzipped([page(n) for n in range(8)]))
    world.scan()

    def run(number: int) -> None:
        inner = reading.parse_answer

        def parse(block: bytes) -> Any:
            if b"Harbour %d " % number in block:
                os.kill(os.getpid(), signal.SIGKILL)
            return inner(block)

        reading.parse_answer = parse
        world.drain()

    for number in (2, 4, 6, 7):  # each time two pages more
        assert in_child(lambda number=number: run(number)) == -signal.SIGKILL
    assert in_child(lambda: run(7)) == -signal.SIGKILL
    world.drain()
    assert sorted(urls(world)) == address(*range(6))
    [item] = world.context.deps.quarantine
    assert item.reason == "kills_worker"
    assert audit(world.settings).balanced


def test_a_warc_is_found_in_every_source(tmp_path: Path, redis_server: Server) -> None:
    """In place above limits.file_mb, enqueued as one job; inside an archive it is refused."""
    folder = {"mode": "in-place", "rescan_seconds": 1.0}
    world = World(tmp_path, redis_server.url, folder=folder, **{"limits.file_mb": 1})
    large = record("request", os.urandom(1_500_000))
    world.put("a.warc", large + page(0))
    world.run()
    assert urls(world) == address(0)
    path = tmp_path / "b.warc.gz"
    path.write_bytes(gzipped([page(1), page(2)]))
    world.context.jobs.open(Job("job-1", JobKind.ENQUEUE, "manual", "b", 0))
    world.context.jobs.add_files("job-1", world.enqueue(path))
    world.drain()
    job = world.context.jobs.get("job-1")
    assert job is not None
    assert (job.files, job.open_files, job.tally.published) == (3, 0, 2)
    packed = tmp_path / "c.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("c.warc", page(3))
    world.enqueue(packed)
    world.drain()
    [item] = world.context.deps.quarantine
    assert "file of its own" in item.message
