"""Cleanup: everything expires after its own days; leftovers of crashes are removed."""

import os
from datetime import datetime, timedelta

import pytest

from tests.servers import Server
from tests.world import World, article
from worker.errors import SpoolUnavailable
from worker.pipeline.cleanup import clean_up
from worker.settings.clock import ClockReading, read_clocks, utc_now
from worker.spool.batch import acquire
from worker.spool.layout import batch_name, partial_dir


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


def reading(now: datetime, uptime: float = 0.0, boot: str = "one") -> ClockReading:
    return ClockReading(now.timestamp(), uptime, boot)


def clean_up_steadily(world: World, now: datetime) -> None:
    """The cleanups of a little more than an hour, the last of them a tick after `now`."""
    for step in range(-6, 2):
        passed = step * 600.0
        clean_up(world.context, reading(now + timedelta(seconds=passed), 10_000 + passed))


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
    """Raw files, quarantine, journals and the list of accepted batches expire by their own
    settings."""
    world.put("a.md", article("甲"))
    world.put("bad.md", b"")
    world.run()
    by_hand = world.settings.state_dir / "by-hand.md"
    by_hand.write_bytes(article("乙"))
    world.enqueue(by_hand)
    world.drain()
    now = utc_now()
    assert remaining(world) == ([True, True], [True, True], 1, 2)
    clean_up_steadily(world, now + timedelta(days=6))
    assert remaining(world) == ([False, True], [True, True], 1, 2)
    clean_up_steadily(world, now + timedelta(days=21))
    assert remaining(world) == ([False, True], [True, True], 0, 2)
    clean_up_steadily(world, now + timedelta(days=31))
    assert remaining(world) == ([False, False], [True, True], 0, 2)
    clean_up_steadily(world, now + timedelta(days=52))
    assert remaining(world) == ([], [], 0, 0)


def test_leftovers_of_a_crash_are_removed(world: World) -> None:
    """A half-made batch after an hour, a part of a large object after a day."""
    parts = partial_dir(world.settings)
    parts.mkdir(parents=True)
    for name, hours in (("old", 25), ("new", 23)):
        (parts / name).write_bytes(b"x")
        at = utc_now().timestamp() - hours * 3600
        os.utime(parts / name, (at, at))
    root = world.context.root("drop")
    root.prepare()
    now = utc_now()
    old, young = (batch_name(now - timedelta(hours=hours), "drop") for hours in (2, 0))
    for name in (old, young):
        (root.staging / name).mkdir()
        (root.staging / name / "0").write_bytes(b"half")
    (root.staging / f"{old}.in").write_bytes(b"standard input, half read")
    (root.staging / "somebody-else's").mkdir()
    clean_up_steadily(world, now)
    assert sorted(os.listdir(root.staging)) == sorted([young, "somebody-else's"])
    assert [path.name for path in parts.iterdir()] == ["new"]


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
        clean_up_steadily(world, utc_now() + timedelta(hours=2))
        assert (root.staging / name / "0").exists()


def accepted_world(world: World) -> tuple[list[bool], list[bool], int, int]:
    """One archived and one quarantined file; what there is of them."""
    world.put("a.md", article("甲"))
    world.put("bad.md", b"")
    world.run()
    return remaining(world)


def test_a_jump_forward_deletes_nothing(world: World) -> None:
    """A clock 400 days ahead for 20 s, with cleanups before, in and after it."""
    batch_time = accepted_world(world)
    assert batch_time == ([True], [True], 1, 1)
    now, ahead = utc_now(), timedelta(days=400)
    for passed in range(0, 6000, 600):
        clean_up(world.context, reading(now + timedelta(seconds=passed), passed))
        for glitch in (550, 560, 570):
            time = now + ahead + timedelta(seconds=passed + glitch)
            clean_up(world.context, reading(time, passed + glitch))
    assert remaining(world) == batch_time
    later = now + timedelta(days=10)
    for passed in (0, 600):  # the clock is right again
        clean_up(world.context, reading(later + timedelta(seconds=passed), 864_000.0 + passed))
    assert remaining(world)[0] == [False], "what has expired goes as ever"


def test_after_a_boot_nothing_expires_until_time_is_steady(world: World) -> None:
    """One tick for most files, an hour for the quarantine, which has the only copy."""
    batch_time = accepted_world(world)
    now = utc_now()
    clean_up(world.context, reading(now, 50_000))
    wrong = now + timedelta(days=400)
    clean_up(world.context, reading(wrong, 20, "two"))
    clean_up(world.context, reading(now + timedelta(seconds=700), 720, "two"))
    assert remaining(world) == batch_time
    for passed in range(0, 3600, 600):
        later = wrong + timedelta(seconds=passed)
        clean_up(world.context, reading(later, 1000 + passed, "three"))
        if passed == 0:
            assert remaining(world) == batch_time
    assert remaining(world) == ([], [], 1, 0)
    clean_up(world.context, reading(wrong + timedelta(seconds=3600), 4600, "three"))
    assert remaining(world)[2] == 0


def test_two_machines_share_a_state_directory(world: World) -> None:
    """Each has its own clocks, and cleanups alternate: expired files are removed."""
    accepted_world(world)
    later = utc_now() + timedelta(days=10)
    for passed in range(0, 3000, 600):
        boot = "one" if passed % 1200 else "two"
        time = later + timedelta(seconds=passed)
        clean_up(world.context, reading(time, passed + len(boot), boot))
    assert remaining(world)[0] == [False]


def test_the_clocks_of_this_machine() -> None:
    """Both move on, and the boot has an ID."""
    first, second = read_clocks(), read_clocks()
    assert first.boot == second.boot != ""
    assert first.uptime <= second.uptime
    assert abs(first.time - utc_now()) < timedelta(minutes=1)


def test_what_cannot_be_removed_stops_no_other(world: World) -> None:
    """A folder in the place of raw files is reported, and what has expired beside it is removed."""
    for number in range(3):
        world.put(f"{number}.md", article(f"第{number}篇"))
        world.put(f"{number}-empty.md")
        world.run()
    first, *others = world.context.deps.archive.segments()
    first.raw_path.unlink()
    first.raw_path.mkdir()
    item = world.settings.state_dir / "quarantine" / world.context.deps.quarantine.ids()[0]
    (item / "raw").unlink()
    (item / "raw").mkdir()
    failures = set()
    for step in range(20):
        now = utc_now() + timedelta(days=31, seconds=600 * step)
        try:
            clean_up(world.context, reading(now, 10_000 + 600 * step))
        except SpoolUnavailable as error:
            failures.add(str(error))
    (failure,) = failures
    assert failure.startswith(f"{first.raw_path} cannot be used: Is a directory")
    assert not any(segment.raw_path.exists() for segment in others)
    assert world.context.deps.quarantine.ids() == []
