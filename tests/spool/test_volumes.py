"""An unmounted volume of a drop folder: nothing is created in its place, and it is reported."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.mounts import volume
from tests.servers import Server
from tests.world import World, article
from worker.errors import SpoolUnavailable
from worker.health.preflight import begin
from worker.queries.health import check_health
from worker.queries.status.overview import get_overview
from worker.service.doctor_machine import machine_checks
from worker.spool.layout import SPOOL

NOW = datetime(2021, 11, 26, tzinfo=UTC)


@pytest.fixture
def world(redis_server: Server, tmp_path: Path) -> World:
    (tmp_path / "drop").mkdir()
    return World(tmp_path / "state", redis_server.url, folder={"path": str(tmp_path / "drop")})


def test_a_volume_that_is_unavailable(world: World, tmp_path: Path) -> None:
    """Its folder stays untouched and health fails; mounted again, its files are claimed."""
    drop = tmp_path / "drop"
    with volume(drop):
        (drop / "a.md").write_bytes(article("甲"))
        world.scan()
        world.drain()
        assert (drop / SPOOL).is_dir()
    (drop / "written-below.md").write_bytes(article("乙"))
    with pytest.raises(SpoolUnavailable, match="volume of folder drop is not mounted"):
        world.scan()
    begin(world.settings, lambda _: None)
    failing = {check.name for check in check_health(world.settings, NOW).failing}
    assert "volume drop" in failing
    (problem,) = (p for p in get_overview(world.settings, NOW).problems if p.name == "folder drop")
    assert problem.text.startswith("The volume of folder drop is not mounted at")
    found = {check.name: check for check in machine_checks(world.settings)}
    assert found["folder drop"].level == "fail"
    assert sorted(os.listdir(drop)) == ["written-below.md"]
    (drop / SPOOL).mkdir()  # what the advice says, for a folder that shall be used as it is
    world.scan()
    assert not (drop / "written-below.md").exists()


def test_it_resumes_by_itself(world: World, tmp_path: Path) -> None:
    """Without a restart or a command."""
    drop = tmp_path / "drop"
    with volume(drop):
        world.scan()
        with volume(drop):  # another one over it, which is empty
            with pytest.raises(SpoolUnavailable):
                world.scan()
            assert os.listdir(drop) == []
        (drop / "a.md").write_bytes(article("甲"))
        world.scan()
        assert not (drop / "a.md").exists()


def test_a_folder_that_moves_to_a_volume(world: World, tmp_path: Path) -> None:
    """A new volume mounted over a used folder is used."""
    drop = tmp_path / "drop"
    world.scan()
    with volume(drop):
        (drop / "a.md").write_bytes(article("甲"))
        world.scan()
        assert (drop / SPOOL).is_dir()


def test_a_spool_that_was_deleted_is_made_again(world: World, tmp_path: Path) -> None:
    """On the same device a missing spool is not a missing volume."""
    world.scan()
    for path in sorted((tmp_path / "drop" / SPOOL).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "drop" / SPOOL).rmdir()
    world.scan()
    assert (tmp_path / "drop" / SPOOL).is_dir()
