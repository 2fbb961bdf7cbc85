"""examples/readers: the readers in Node and in a shell get every record, also after a crash."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from bench.place import wait_until
from tests.examples.test_sinks import is_finished
from tests.newsdrop.stream import STREAM, publish
from tests.servers import Server

READERS = Path(__file__).parents[2] / "examples" / "readers"
CLI = os.environ.get("REDIS_CLI") or shutil.which("redis-cli") or shutil.which("valkey-cli")
NODE = shutil.which("node")


def command(name: str, server: Server) -> list[str]:
    if name == "node":
        if NODE is None:
            pytest.skip("node is not installed")
        return [NODE, str(READERS / "read.mjs"), str(server.socket)]
    if CLI is None:
        pytest.skip("redis-cli is not installed")
    return ["bash", str(READERS / "read.sh"), "-s", str(server.socket)]


@contextmanager
def reading(line: list[str], output: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The reader, killed at the end; an invalid record makes it end before."""
    with output.open("ab") as file:
        environment = os.environ | {"REDIS_CLI": CLI or ""}
        process = subprocess.Popen(line, stdout=file, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", ["read.mjs", "read.sh"])
def test_readers_are_short(name: str) -> None:
    """Each is under 80 lines: a page to read and change."""
    assert len((READERS / name).read_text("utf-8").splitlines()) < 80


@pytest.mark.parametrize("name", ["node", "shell"])
def test_every_record_is_read(
    name: str, redis_server: Server, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """Unacknowledged records first, then new ones; it ends with an error when the group is
    deleted."""
    line, group, output = command(name, redis_server), f"{name}-reader", tmp_path / "out"
    publish(redis_client, 0, 1, 2, date="")
    redis_client.xgroup_create(STREAM, group, "0")
    redis_client.xreadgroup(group, f"{name}-1", {STREAM: ">"}, count=2)
    with reading(line, output) as process:
        wait_until(is_finished(redis_client, group, 3), within=60)
        publish(redis_client, 3)
        wait_until(is_finished(redis_client, group, 4), within=60)
        text = output.read_text("utf-8")
        assert [number for number in range(4) if f"第{number}条" in decoded(text)] == [0, 1, 2, 3]
        assert len(text.splitlines()) == 4
        redis_client.xgroup_destroy(STREAM, group)
        assert process.wait(60) != 0


def decoded(text: str) -> str:
    """`text` with the escapes of JSON as characters."""
    return text.encode().decode("unicode_escape") if "\\u" in text else text
