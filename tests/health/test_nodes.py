"""Starts that are refused because of other nodes, and those that are not."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.queries.test_nodes import report, write
from tests.servers import Server
from tests.world import World
from worker.errors import ConfigError
from worker.health import nodes
from worker.health.data_format import FORMAT
from worker.health.preflight import begin
from worker.store.factory import node_store
from worker.store.server import set_format


@pytest.fixture
def world(tmp_path: Path, redis_server: Server, monkeypatch: pytest.MonkeyPatch) -> World:
    """A node whose workers report each quarter of a second."""
    monkeypatch.setattr(nodes, "BEAT_SECONDS", 0.25)
    monkeypatch.setattr(nodes, "_LOOK_SECONDS", 0.1)
    return World(tmp_path / "state", redis_server.url, node_name="alpha")


@contextmanager
def again_and_again(action: Callable[[], object]) -> Iterator[None]:
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(0.05):
            action()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_a_state_directory_of_two_hosts_is_refused(world: World) -> None:
    """Another machine reports with the id of this directory, again and again: shared, or copied."""
    other = replace(report(world), boot="of another machine", host="there")
    store = node_store(world.settings)
    store.report(other)
    with again_and_again(lambda: store.report(other)), pytest.raises(ConfigError) as refused:
        begin(world.settings, print)
    assert str(refused.value) == (
        f"the state directory {world.settings.state_dir} is used by a service on the host there, "
        "too, or is a copy of the one there: give each host a state directory of its own"
    )


def test_a_machine_that_was_restarted_is_not(world: World) -> None:
    """Its last report is recent, and no other follows. On one machine any number may report."""
    other = replace(report(world), boot="before the restart")
    node_store(world.settings).report(other)
    assert begin(world.settings, print)
    mine = report(world)
    with again_and_again(lambda: node_store(world.settings).report(mine)):
        assert begin(world.settings, print)


def test_a_node_of_an_older_format_delays_the_start(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that would raise the format waits until they have ended."""
    begin(world.settings, print)
    other = World(tmp_path / "other", world.settings.redis.url, node_name="beta")
    report(other)
    assert begin(world.settings, print)
    monkeypatch.setattr(nodes, "FORMAT", FORMAT + 1)
    with pytest.raises(ConfigError) as refused:
        begin(world.settings, print)
    assert str(refused.value) == (
        f"the node beta still writes format {FORMAT}, and this newsdrop writes {FORMAT + 1}: stop "
        "the older services first, then start the new ones"
    )
    report(other, 300)
    assert begin(world.settings, print)


def test_a_newer_format_is_refused(world: World) -> None:
    """An older newsdrop does not start beside a newer one."""
    report(world, data_format=FORMAT + 1)
    set_format(world.context.redis, world.settings.stream.name, FORMAT + 1)
    with pytest.raises(ConfigError, match="of a newer newsdrop"):
        begin(world.settings, print)


def test_a_report_of_another_version_is_read(world: World) -> None:
    """Unknown fields are ignored, and so is an invalid report."""
    stored = report(world)
    key = "{newsdrop:articles}:nodes"
    client = world.context.redis
    text: bytes = client.hget(key, stored.id)  # type: ignore[assignment]
    client.hset(key, stored.id, text.replace(b"{", b'{"unknown":1,', 1).decode())
    client.hset(key, "other", "nonsense")
    [found], _ = node_store(world.settings).list()
    assert found.id == stored.id
    write(world, stored)
