"""A Redis user with exactly the documented rights does all the work; one without them is
refused."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.test_plain_celery import Worker, until
from tests.http_server import Web
from tests.newsroom import feed, newsroom
from tests.servers import Server
from tests.world import World, article
from worker.errors import ConfigError, StoreRefused
from worker.health.preflight import begin
from worker.pipeline.recover import recover
from worker.pipeline.replay import replay
from worker.queries.health import check_health
from worker.queries.jobs import list_jobs
from worker.queries.status.overview import get_overview
from worker.service import doctor
from worker.settings.clock import utc_now
from worker.spool import redis_record
from worker.store.factory import group_store
from worker.store.rights import grant_line, required_rights

pytestmark = pytest.mark.e2e

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
USER = "newsdrop"


@pytest.fixture
def server(own_server: Callable[..., Server]) -> Server:
    server = own_server()
    if server.client().info("server")["redis_version"] < "7":
        pytest.skip("this server cannot tell a script which rights its user has")
    return server


def documented_rule() -> list[str]:
    """The words of the ACL command in the documents."""
    found = re.search(r"^ACL SETUSER newsdrop .*?(?=^```)", OPERATIONS.read_text(), re.S | re.M)
    assert found is not None
    return found[0].replace("PASSWORD", "secret").split()


def group_rule() -> list[str]:
    """The words of the ACL command for the actions on consumer groups."""
    found = re.findall(r"^ACL SETUSER newsdrop .*?(?=^```)", OPERATIONS.read_text(), re.S | re.M)
    return str(found[1]).split()


def url_of(server: Server) -> str:
    return f"unix://{USER}:secret@{server.socket}"


def test_the_documented_rights_are_those_required() -> None:
    """The documents' rule grants what the check requires, and nothing else."""
    line = grant_line(USER, required_rights("newsdrop:articles")).split()
    rule = documented_rule()
    assert rule[:8] == [*line[:3], "on", ">secret", "resetkeys", "resetchannels", "nocommands"]
    assert rule[8:] == line[3:]
    groups = "xgroup|create xgroup|setid xgroup|destroy xgroup|delconsumer xinfo|consumers xclaim"
    commands = [f"+{command}" for command in f"{groups} xack xlen xdel".split()]
    keys = ["~newsdrop:articles", "~{newsdrop:articles}:*"]
    assert group_rule() == ["ACL", "SETUSER", USER, *keys, *commands]


def test_all_work_is_done_with_the_documented_rights(
    tmp_path: Path, server: Server, web: Web
) -> None:
    """All tasks and commands run, and the server's log has no refused command."""
    client = server.client()
    client.execute_command(*documented_rule())
    web.pages["/feed"] = feed(1, 2)
    world = newsroom(tmp_path, server, web, **{"redis.url": url_of(server)})
    assert begin(world.settings, pytest.fail)
    recover(world.context)
    world.put("a.md", article())
    world.put("bad.md", b"")
    world.run()
    world.add_feed("news", web.url("/feed"))
    world.poll()
    world.poll("news")
    (tmp_path / redis_record.NAME).write_text("another")
    recover(world.context)
    assert [replay(each, world.context.deps) for each in world.context.deps.archive.segments()]
    world.context.feed_store.reset_errors(["news"])
    world.context.articles.follow("0", block_ms=1)
    world.context.articles.forget(world.entries()[0]["id"])
    overview = get_overview(world.settings, utc_now())
    assert overview.status.articles is not None
    list_jobs(world.settings, 10)
    check_health(world.settings, utc_now())
    assert {check.level for check in doctor.checks(world.settings) if check.name == "rights"} == {
        "ok"
    }
    assert len(world.entries()) == 3
    denied = client.execute_command("ACL", "LOG")
    assert denied == []


def test_groups_need_rights_of_their_own(tmp_path: Path, server: Server) -> None:
    """Without them articles are published, and group actions name the missing right."""
    client = server.client()
    client.execute_command(*documented_rule())
    world = World(tmp_path, url_of(server))
    world.put("a.md", article())
    world.run()
    assert len(world.entries()) == 1
    store = group_store(world.settings)
    with pytest.raises(StoreRefused, match=r"xgroup.*docs/operations.md"):
        store.create("nlp", "0")
    client.execute_command("ACL", "LOG", "RESET")
    client.execute_command(*group_rule())
    store.create("nlp", "0")
    client.xreadgroup("nlp", "one", {"newsdrop:articles": ">"})
    assert store.claim("nlp", store.list_pending("nlp", 1), "two") == 1
    assert store.move_to_dead_letters("nlp", store.list_pending("nlp", 1, "two"), "bad") == 1
    assert store.requeue("nlp", list(store.dead_letters("nlp"))) == []
    assert store.acknowledge("nlp", store.list_pending("nlp", 1)) == 1
    store.remove_consumer("nlp", "one")
    store.reset("nlp", "$")
    assert store.get_group("nlp").dead_letters == store.delete("nlp") == 0
    assert client.execute_command("ACL", "LOG") == []


def test_celery_works_with_the_documented_rights(tmp_path: Path, server: Server) -> None:
    """A worker with its beat, under plain Celery: a file is published, and nothing is refused."""
    client = server.client()
    client.execute_command(*documented_rule())
    world = World(tmp_path / "state", url_of(server))
    worker = Worker(world, tmp_path / "worker.log").start()
    try:
        world.put("a.md", article())
        until(world.entries, "entry")
        time.sleep(3)  # its heartbeats and ticks
    finally:
        worker.stop()
    assert client.execute_command("ACL", "LOG") == []


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        (("~*", "+@all"), "PUBLISH on /0.celery.pidbox"),
        (("~*", "&*", "+@all", "-brpop"), "BRPOP on newsdrop"),
        (("~*", "&*", "+@all", "-eval", "-evalsha"), "EVAL"),
        (("~*", "&*", "+@all", "-info"), "INFO"),
        (("~newsdrop*", "~{newsdrop:*", "&*", "+@all"), "LPUSH on any.celery.pidbox"),
    ],
)
def test_a_missing_right_is_named_with_the_line_that_grants_it(
    tmp_path: Path, server: Server, rule: tuple[str, ...], named: str
) -> None:
    """After the printed ACL command the worker starts."""
    client = server.client()
    client.execute_command("ACL", "SETUSER", USER, "on", ">secret", "resetchannels", *rule)
    world = World(tmp_path, url_of(server))
    with pytest.raises(ConfigError, match="may not run") as refused:
        begin(world.settings, pytest.fail)
    assert named in str(refused.value)
    client.execute_command(*str(refused.value).partition("grant what is missing: ")[2].split())
    assert begin(world.settings, pytest.fail)


def test_celery_without_channels_does_not_start(tmp_path: Path, server: Server) -> None:
    """A worker of a user without channels ends with one sentence; otherwise it would hang."""
    server.client().execute_command("ACL", "SETUSER", USER, "on", ">secret", "~*", "+@all")
    world = World(tmp_path / "state", url_of(server))
    log = tmp_path / "worker.log"
    with pytest.raises(AssertionError, match="may not run PUBLISH"):
        Worker(world, log).start()
