"""The commands of docs/operations.md: backup, restore, other servers and machines."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.pages import blocks
from tests.docs.terminal import Terminal
from tests.servers import Server
from tests.world import World, article

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PAGE = "docs/operations.md"
REDIS = "redis://redis.example:6379/0"
"""What the page calls the new server."""

AGE = "find ~/.local/state/newsdrop/archive -name '*.jsonl' -exec touch -d '1 hour ago' {} +"
"""What was archived in the last minutes is offered again by itself (`worker/restart.py`), and not
what `replay` is for."""


@pytest.fixture
def own() -> Iterator[Terminal]:
    """A service that this test may stop."""
    with Terminal.running() as made:
        yield made


def test_back_up_restore_and_another_redis(
    own: Terminal, own_server: Callable[..., Server]
) -> None:
    """Restored, or replayed into another Redis, the stream has the same articles once; audits
    balance."""
    new = own_server(appendonly=True)
    before = records(own)
    assert len(before) == 2
    for block in blocks(PAGE, "sh"):
        moved = REDIS in block.text
        begin, replay, rest = block.text.partition("newsdrop replay")
        own.type(AGE)
        own.type(begin.replace(REDIS, new.url))
        own.environment |= {"NEWSDROP_REDIS_URL": new.url} if moved else {}
        # Recovery may have published again what it found in its ten seconds, and nothing else.
        assert all(one in before for one in records(own)), str(block)
        assert moved or records(own) == before, str(block)
        if replay:
            own.type(replay + rest)
            assert records(own) == before, str(block)
    assert own.ask("audit")[0]["unaccounted"] == 0


def test_two_machines_on_one_redis_publish_an_article_once(
    tmp_path: Path, redis_server: Server
) -> None:
    """Each with its own folders: what both get is one entry, and a duplicate at the second."""
    one, two = (World(tmp_path / name, redis_server.url) for name in ("one", "two"))
    for world in (one, two):
        world.put("a.md", article())
        world.run()
    assert len(one.entries()) == 1
    assert [outcome["status"] for outcome in two.journal()] == ["duplicate"]


def records(terminal: Terminal) -> list[dict[str, object]]:
    """The stream's records, by id."""
    found = terminal.ask("tail", "--from", "0", "--count", "1000")
    return sorted(found, key=lambda record: record["id"])
