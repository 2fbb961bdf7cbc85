"""A drop folder belongs to one state directory; another takes it over only from a dead owner."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.servers import Server
from tests.world import World, article
from worker.cli.root import app
from worker.errors import ConfigError, SpoolUnavailable
from worker.health.preflight import begin
from worker.queries.audit import Audit, audit
from worker.service.doctor_machine import machine_checks
from worker.spool.layout import Root
from worker.spool.ownership import Ownership, ownership


@contextmanager
def service(state_dir: Path, url: str, drop: Path, *, files: int = 3) -> Iterator[None]:
    """Another service with its own state directory that has claimed files of `drop`; killed at the
    end."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        world = World(state_dir, url, folder={"path": str(drop)}, **{"spool.batch_files": 1})
        for number in range(files):
            (drop / f"a{number}.md").write_bytes(article(f"第{number}篇"))
        world.scan()
        os.write(write, b"x")
        signal.pause()
        os._exit(0)
    os.close(write)
    assert os.read(read, 1) == b"x"
    os.close(read)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    path = tmp_path / "shared"
    path.mkdir()
    return path


def world(state_dir: Path, server: Server, drop: Path) -> World:
    return World(state_dir, server.url, folder={"path": str(drop)})


def balance(found: Audit) -> tuple[int, int, int, int]:
    return found.accepted, found.published, found.waiting, found.unaccounted


def test_a_folder_with_a_living_owner_is_refused(
    tmp_path: Path, redis_server: Server, drop: Path
) -> None:
    """At the start, by doctor and at each scan, in one sentence; its batches are not touched."""
    with service(tmp_path / "one", redis_server.url, drop):
        second = world(tmp_path / "two", redis_server, drop)
        refusal = f"the drop folder {drop} is used by a running service with another state"
        with pytest.raises(ConfigError, match=refusal):
            begin(second.settings, lambda _: None)
        failed = [
            check.message for check in machine_checks(second.settings) if check.level == "fail"
        ]
        assert [message.startswith(refusal) for message in failed] == [True]
        (drop / "b.md").write_bytes(article("另一篇"))
        for _ in range(2):
            with pytest.raises(SpoolUnavailable, match=refusal) as raised:
                second.scan()
            assert f"{tmp_path}/one" in str(raised.value)
        assert second.drain().batch_count == 0
        assert (drop / "b.md").exists()
        assert len(second.waiting()) == 3
        done = CliRunner().invoke(app, ["adopt", str(drop)], env=environment(second))
        assert (done.exit_code, refusal[:20] in done.output.replace("\n", " ")) == (2, True)
    first = world(tmp_path / "one", redis_server, drop)
    first.run()
    assert balance(audit(first.settings)) == (4, 4, 0, 0)


def environment(world: World) -> dict[str, str]:
    settings = world.settings
    return {
        "NEWSDROP_STATE_DIR": str(settings.state_dir),
        "NEWSDROP_REDIS_URL": str(settings.redis.url),
    }


def test_a_dead_owners_folder_is_taken_over(
    tmp_path: Path, redis_server: Server, drop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its waiting batches are adopted and published; both audits balance, and one line is
    logged."""
    with service(tmp_path / "one", redis_server.url, drop):
        pass
    first = world(tmp_path / "one", redis_server, drop)
    assert balance(audit(first.settings)) == (3, 0, 3, 0)
    second = world(tmp_path / "two", redis_server, drop)
    begin(second.settings, lambda _: None)
    assert balance(audit(first.settings)) == (0, 0, 0, 0)
    assert balance(audit(second.settings)) == (3, 0, 3, 0)
    second.run()
    assert caplog.text.count("taken over") == 1
    assert balance(audit(first.settings)) == (0, 0, 0, 0)
    assert balance(audit(second.settings)) == (3, 3, 0, 0)
    assert len(second.entries()) == 3


def test_a_folder_is_taken_back(tmp_path: Path, redis_server: Server, drop: Path) -> None:
    """A batch that was adopted there and back is the first owner's."""
    with service(tmp_path / "one", redis_server.url, drop):
        pass
    first = world(tmp_path / "one", redis_server, drop)
    second = world(tmp_path / "two", redis_server, drop)
    begin(second.settings, lambda _: None)
    ownership.cache_clear()  # the second service ends
    first.run()
    assert balance(audit(first.settings)) == (3, 3, 0, 0)
    assert balance(audit(second.settings)) == (0, 0, 0, 0)


def test_a_moved_state_directory_is_the_same_owner(
    tmp_path: Path, redis_server: Server, drop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its id moves with it: two processes of one state directory are one service."""
    with service(tmp_path / "one", redis_server.url, drop):
        shutil.copytree(tmp_path / "one", tmp_path / "moved")
        moved = world(tmp_path / "moved", redis_server, drop)
        begin(moved.settings, lambda _: None)
        moved.run()
        assert balance(audit(moved.settings)) == (3, 3, 0, 0)
    assert "taken over" not in caplog.text


def test_adopt(tmp_path: Path, redis_server: Server, drop: Path) -> None:
    """A folder that is not configured is taken over; a second call finds nothing."""
    with service(tmp_path / "one", redis_server.url, drop):
        pass
    second = World(tmp_path / "two", redis_server.url)
    command, given = ["adopt", str(drop)], environment(second)
    done = CliRunner().invoke(app, command, env=given)
    assert "3 batches adopted; processed after the next start" in done.output
    done = CliRunner().invoke(app, [*command, "--json"], env=given)
    assert done.exit_code == 0
    assert '"batches": []' in done.output
    again = World(tmp_path / "two", redis_server.url)
    again.drain()
    assert balance(audit(again.settings)) == (3, 3, 0, 0)
    assert balance(audit(world(tmp_path / "one", redis_server, drop).settings)) == (0, 0, 0, 0)
    wrong = CliRunner().invoke(app, ["adopt", str(tmp_path)], env=given)
    assert wrong.exit_code == 2


def test_a_folder_that_is_another_volume_now(tmp_path: Path) -> None:
    """The lock is taken again when another volume is mounted at the path."""
    drop, first, second = tmp_path / "drop", tmp_path / "one", tmp_path / "two"
    for path in (drop, first, second):
        path.mkdir()
    root = Root(drop / ".newsdrop", "drop")
    owner, other = Ownership(first), Ownership(second)
    assert owner.owns(root)
    assert not other.owns(root)
    drop.rename(tmp_path / "away")
    drop.mkdir()
    assert other.owns(root)
    assert not owner.owns(root)


def test_a_child_whose_descriptors_were_closed(tmp_path: Path) -> None:
    """The scheduler of `celery -B` closes inherited descriptors and takes the lock again."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "state").mkdir()
    root = Root(tmp_path / "drop" / ".newsdrop", "drop")
    owner = Ownership(tmp_path / "state")
    assert owner.owns(root)
    for reopened in (False, True):
        child = os.fork()
        if not child:
            status = 1
            try:
                os.closerange(3, 1024)
                pipe = os.pipe()
                count = 20 if reopened else 0
                files = [os.open(os.devnull, os.O_RDONLY) for _ in range(count)]
                is_owner = owner.owns(root)
                for fd in (*pipe, *files):
                    os.fstat(fd)
                status = 0 if is_owner else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
