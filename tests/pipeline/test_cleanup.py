"""Cleanup: everything expires after its own days; leftovers of crashes are removed."""

import os
from datetime import timedelta

import pytest

from tests.servers import Server
from tests.world import World, article
from worker.pipeline.cleanup import clean_up
from worker.settings.clock import utc_now
from worker.spool.batch import acquire
from worker.spool.layout import batch_name


@pytest.fixture
def world(redis_server: Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A folder whose raw files go after 5 days; everything else by the settings."""
    options = {
        "folder": {"keep_days": 5},
        "archive.keep_days": 30,
        "quarantine.keep_days": 20,
        "dedupe.keep_days": 50,
    }
    return World(tmp_path_factory.mktemp("world"), redis_server.url, **options)


def remaining(world: World) -> tuple[list[bool], list[bool], int, int]:
    """(raw files, journals, quarantined inputs, batches on the list of accepted ones)."""
    segments = list(world.context.deps.archive.segments())
    return (
        [segment.raw_path.exists() for segment in segments],
        [segment.journal_path.exists() for segment in segments],
        len(world.context.deps.quarantine.ids()),
        len(list(world.context.accepted)),
    )


def test_each_thing_has_its_own_days(world: World) -> None:
    """Raw files by their folder's days, else the archive's; quarantine by its own; the journals
    and the list of accepted batches as long as the index."""
    world.put("a.md", article("甲"))
    world.put("bad.md", b"")
    world.run()
    by_hand = world.settings.state_dir / "by-hand.md"
    by_hand.write_bytes(article("乙"))
    world.enqueue(by_hand)
    world.drain()
    now = utc_now()
    assert remaining(world) == ([True, True], [True, True], 1, 2)
    clean_up(world.context, now=now + timedelta(days=6))
    assert remaining(world) == ([False, True], [True, True], 1, 2)
    clean_up(world.context, now=now + timedelta(days=21))
    assert remaining(world) == ([False, True], [True, True], 0, 2)
    clean_up(world.context, now=now + timedelta(days=31))
    assert remaining(world) == ([False, False], [True, True], 0, 2)
    clean_up(world.context, now=now + timedelta(days=52))
    assert remaining(world) == ([], [], 0, 0)


def test_what_a_crash_left_goes_after_an_hour(world: World) -> None:
    """A half-made batch in `staging/` is removed if it is old and no process holds it."""
    root = world.context.root("drop")
    root.prepare()
    now = utc_now()
    old, young = (batch_name(now - timedelta(hours=hours), "drop") for hours in (2, 0))
    for name in (old, young):
        (root.staging / name).mkdir()
        (root.staging / name / "0").write_bytes(b"half")
    (root.staging / f"{old}.in").write_bytes(b"standard input, half read")
    (root.staging / "somebody-else's").mkdir()
    clean_up(world.context, now=now)
    assert sorted(os.listdir(root.staging)) == sorted([young, "somebody-else's"])


def test_what_is_held_stays(world: World) -> None:
    """A batch that a slow claim still fills is not removed."""
    world.put("a.md", article("甲"))
    world.scan()
    root = world.context.root("drop")
    (name,) = world.waiting()
    batch = acquire(root, name)
    assert batch is not None
    with batch:
        (root.work / name).rename(root.staging / name)
        clean_up(world.context, now=utc_now() + timedelta(hours=2))
        assert (root.staging / name / "0").exists()
