"""A folder read in place, from its tree to the stream: one article each, whatever happens."""

import io
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from tests.servers import Server
from tests.sources.mirror import START, listing
from tests.world import World, article, in_child
from worker.cli.status.report import render_status
from worker.errors import SpoolUnavailable
from worker.pipeline.scan import hourly_job, scan_folders, sources_with_more
from worker.queries.status.overview import get_overview
from worker.service.doctor_machine import machine_checks
from worker.service.listener.listener import Listener
from worker.sources.ledger import Ledger
from worker.sources.registry import pause, resume
from worker.spool.layout import manual_root


class Whole(World):
    """A world whose folder is read in place; each scan is a minute after the last."""

    def __init__(self, state_dir: Path, redis_url: str, **options: object) -> None:
        folder = {"mode": "in-place"} | options.pop("folder", {})  # type: ignore[operator]
        super().__init__(state_dir, redis_url, folder=folder, **options)
        self.now = START

    def scan(self, *hints: str) -> None:
        self.now += timedelta(minutes=1)
        scan_folders(
            self.context,
            source="drop" if hints else None,
            hints=hints,
            now=self.now,
            notify=lambda: None,
        )


Make = Callable[..., Whole]


@pytest.fixture
def make(tmp_path: Path, redis_server: Server) -> Make:
    return lambda **options: Whole(tmp_path, redis_server.url, **options)


def test_a_tree_becomes_articles(make: Make) -> None:
    """Touched and moved files are duplicates by their bytes; the tree is unchanged, without a
    spool."""
    world = make()
    for name in "甲乙丙":
        world.put(f"{name}/a.md", article(name))
    before = listing(world.drop_dir)
    world.run()
    world.run()
    assert listing(world.drop_dir) == before
    assert {entry["data"]["title"] for entry in world.entries()} == set("甲乙丙")
    assert world.entries()[0]["data"]["provenance"]["source"] == "drop"
    assert world.entries()[0]["data"]["provenance"]["kind"] == "folder"
    os.utime(world.drop_dir / "甲" / "a.md", (1, 1))
    (world.drop_dir / "乙" / "a.md").rename(world.drop_dir / "乙" / "b.md")
    world.run()
    totals = world.totals()
    assert (totals.published, totals.duplicate, totals.content_differs) == (3, 2, 0)
    world.run()
    assert world.totals() == totals


def test_a_request_by_name_scans_at_once(make: Make) -> None:
    """The tick waits for `rescan_seconds`."""
    world = make()
    world.scan()
    world.put("a.md", article("甲"))
    soon = world.now + timedelta(seconds=1)
    scan_folders(world.context, now=soon, notify=lambda: None)
    assert world.waiting() == []
    scan_folders(world.context, source="drop", now=soon, notify=lambda: None)
    assert len(world.waiting()) == 1


def test_killed_between_claim_and_ledger(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accepted files that are not in the ledger are copied again as duplicates."""
    world = make()
    world.put("a.md", article("甲"))

    def dies() -> None:
        monkeypatch.setattr(Ledger, "add", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        world.scan()

    assert in_child(dies) == -signal.SIGKILL
    assert len(world.waiting()) == 1
    world.scan()
    assert len(world.waiting()) == 2
    world.drain()
    assert len(world.entries()) == 1
    assert (world.totals().published, world.totals().duplicate) == (1, 1)
    world.scan()
    assert world.waiting() == []


def test_a_failed_ledger_still_wakes_the_workers(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is reported, and the error raised."""
    world = make()
    world.put("a.md", article("甲"))

    def full(*_: object) -> None:
        raise SpoolUnavailable("the disk is full")

    monkeypatch.setattr(Ledger, "add", full)
    wakeups: list[int] = []
    with pytest.raises(SpoolUnavailable, match="the disk is full"):
        scan_folders(world.context, now=START, notify=lambda: wakeups.append(len(world.waiting())))
    assert wakeups[0] == 1
    job = world.context.jobs.get(hourly_job("drop", START).id)
    assert job is not None
    assert job.files == 1


def test_a_job_begins_with_its_first_file(make: Make) -> None:
    """Not at the full hour; later files of the hour do not move it."""
    world = make()
    first = START.replace(minute=20, second=5)
    world.put("a.md", article("甲"))
    scan_folders(world.context, now=first, notify=lambda: None)
    world.put("b.md", article("乙"))
    scan_folders(world.context, now=first.replace(minute=50), notify=lambda: None)
    job = world.context.jobs.get(hourly_job("drop", START).id)
    assert job is not None
    assert (job.files, job.job.created_ms) == (2, int(first.timestamp() * 1000))


def test_more_than_may_wait(make: Make) -> None:
    """Beyond the limit files stay in the folder until most batches are done."""
    world = make(**{"spool.batch_files": 1, "spool.max_waiting": 4})
    for number in range(9):
        world.put(f"{number}/a.md", article(f"第{number}篇"))
    world.scan()
    assert len(world.waiting()) == 4
    assert list(sources_with_more(world.context)) == []
    while list(sources_with_more(world.context)) == [] and world.waiting():
        world.drain(seconds=0)
    assert list(sources_with_more(world.context)) == ["drop"]
    for _ in range(9):
        world.run()
    assert len(world.entries()) == 9
    assert list(sources_with_more(world.context)) == []


def test_pausing_and_status(make: Make) -> None:
    """It is paused, counted and shown as any other source; `status` names its mode."""
    world = make()
    world.put("a.md", article("甲"))
    (world.drop_dir / "link.md").symlink_to(world.drop_dir / "a.md")
    pause(world.settings.state_dir, "drop")
    world.scan()
    assert world.waiting() == []
    resume(world.settings.state_dir, "drop")
    world.scan()
    result = get_overview(world.settings, world.now)
    shown = Console(width=200, file=io.StringIO())
    shown.print(render_status(result))
    assert "drop  in place" in shown.file.getvalue().replace("\n", "")  # type: ignore[attr-defined]
    (source,) = result.status.sources
    assert (source.in_place, source.has_folder, source.waiting) == (True, True, 1)
    assert [left.path for left in source.skipped_files] == ["link.md"]
    world.drain()
    shutil.rmtree(world.drop_dir)
    (source,) = get_overview(world.settings, world.now).status.sources
    assert (source.has_folder, source.waiting) == (False, 0)
    with pytest.raises(SpoolUnavailable, match="does not exist"):
        world.scan()


def test_doctor_only_reads_it(make: Make) -> None:
    """Neither free space nor write permission is needed in it, and nothing is made."""
    world = make()
    world.put("a.md")
    before = listing(world.drop_dir)
    (check,) = (one for one in machine_checks(world.settings) if one.name == "folder drop")
    assert (check.level, "is read in place" in check.message) == ("ok", True)
    assert listing(world.drop_dir) == before
    shutil.rmtree(world.drop_dir)
    (check,) = (one for one in machine_checks(world.settings) if one.name == "folder drop")
    assert (check.level, check.advice) == ("warn", "mount it")


def test_a_folder_without_room_is_read(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only mount is always full: that pauses nothing, only a full state directory does."""
    world = make()
    world.put("a.md", article("甲"))
    checked: list[Path] = []
    monkeypatch.setattr("worker.pipeline.scan.check_free", lambda path, _: checked.append(path))
    monkeypatch.setattr("worker.spool.filesystem.check_free", lambda path, _: checked.append(path))
    world.scan()
    get_overview(world.settings, world.now)
    assert set(checked) == {world.settings.state_dir}


def test_what_was_accepted_before_is_worked_on(tmp_path: Path, redis_server: Server) -> None:
    """A folder that was a drop folder keeps the spool it had until that is empty; it makes none."""
    before = World(tmp_path, redis_server.url)
    before.put("a.md", article("甲"))
    before.scan()
    world = Whole(tmp_path, redis_server.url)
    assert world.context.roots[-1] == manual_root(world.settings)
    assert [root.source for root in world.context.roots] == [None, None]
    world.put("b.md", article("乙"))
    world.run()
    assert {entry["data"]["title"] for entry in world.entries()} == {"甲", "乙"}


def test_file_events_scan_it_at_once(make: Make) -> None:
    """Hints of the listener are followed without a walk."""
    world = make()
    world.scan()
    result: list[str] = []

    def notify(source: str, hints: list[str]) -> bool:
        assert source == "drop"
        result.extend(hints)
        return True

    listener = Listener(world.settings.all_folders(), notify, is_paused=lambda _: False)
    thread = threading.Thread(target=listener.run)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not result and time.monotonic() < deadline:
            world.put("新/a.md", article("甲"))
            time.sleep(0.05)
    finally:
        listener.stop()
        thread.join(60)
    assert "moved:新/a.md" in result
    world.scan(*result)
    world.drain()
    assert len(world.entries()) == 1
