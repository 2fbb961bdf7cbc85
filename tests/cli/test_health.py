"""`healthcheck`: its exit code, and one line for what fails."""

import socket

import pytest
import redis

from tests.home import Home
from worker.cli.health import _PARTS
from worker.queries.health import ServicePart
from worker.store.workers import Heartbeats, WorkerInfo


def _heard(home: Home, client: redis.Redis) -> None:
    beats = Heartbeats(client, stream=home.settings().stream.name)
    beats.beat(WorkerInfo("newsdrop@here-7", 7, "here", 3, 1))
    beats.record_tick()


def test_the_commands_parts_are_those_of_the_check() -> None:
    """The command lists the names itself, so that its help loads none of the checks."""
    assert tuple(ServicePart) == _PARTS


def test_a_healthy_service_exits_0(home: Home, redis_client: redis.Redis) -> None:
    """One line, and the exit code of success."""
    _heard(home, redis_client)
    done = home.run("healthcheck")
    assert done.exit_code == 0
    assert done.stdout == "healthy: redis, worker, beat, disk, state directory, folder drop\n"
    assert home.json("healthcheck")["ready"] is True


def test_a_warning_is_not_listed_as_healthy(home: Home, redis_client: redis.Redis) -> None:
    """A drop folder that is gone does not fail the check, but is named with what to do."""
    _heard(home, redis_client)
    home.drop.rename(home.drop.with_name("away"))
    done = home.run("healthcheck")
    assert done.exit_code == 0
    warning, healthy = done.stdout.splitlines()
    assert warning.startswith("warning: folder drop: the folder of drop does not exist: create")
    assert healthy == "healthy: redis, worker, beat, disk, state directory"


def test_what_fails_has_a_line_each(home: Home) -> None:
    """No worker and no beat: exit code 1, and a line each with what to do."""
    done = home.run("healthcheck")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["worker", "beat"]
    assert all("newsdrop up" in line for line in lines)
    report = home.json("healthcheck", code=1)
    assert [check["name"] for check in report["checks"] if check["level"] == "fail"] == [
        "worker", "beat",
    ]  # fmt: skip


def test_a_redis_that_is_unavailable_exits_3(lonely: Home) -> None:
    """The exit code of all commands for that, whatever else is checked."""
    for part in ("all", "worker", "beat", "redis"):
        done = lonely.run("healthcheck", "--part", part)
        assert done.exit_code == 3
        assert done.stdout.startswith("redis: Redis cannot be reached")


def test_a_part_checks_only_itself(
    home: Home, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where beat runs alone a missing worker is not a failure; an unknown part is refused."""
    _heard(home, redis_client)
    assert home.run("healthcheck", "--part", "beat").stdout == "healthy: redis, beat\n"
    assert home.run("healthcheck", "--part", "redis").stdout == "healthy: redis\n"
    with socket.socket() as taken:  # and not listening: no other service has its page there
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("NEWSDROP_WEB_PORT", str(taken.getsockname()[1]))
        assert home.run("healthcheck", "--part", "web").exit_code == 1
    wrong = home.run("healthcheck", "--part", "everything")
    assert wrong.exit_code == 2
    assert "choose one of all, worker" in wrong.stderr
