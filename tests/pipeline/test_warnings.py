"""Warnings: counted by kind, once; and what strict sources refuse, and how that is accepted."""

from pathlib import Path

import pytest

from tests.http_server import Reply, Web
from tests.newsroom import item, newsroom, rss
from tests.servers import Server
from tests.world import World, article
from worker.actions.quarantine import retry
from worker.pipeline.replay import replay
from worker.queries.jobs import get_job
from worker.store.counters import CounterStore

UNDATED = article("没有日期", date="Invalid Date")


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    return World(tmp_path, redis_server.url)


def warnings(world: World) -> dict[str, dict[str, int]]:
    return {
        source: counts
        for source, counts in world.context.counter_store.snapshot([]).warnings.items()
        if counts
    }


def test_published_articles_are_counted_by_kind(world: World) -> None:
    """Each kind of an article counts once, a duplicate's not at all; a job has its own counts."""
    world.put("a.md", UNDATED)
    world.put("b.md", article("有日期"))
    world.run()
    assert warnings(world) == {"drop": {"date_missing": 1, "date_unreadable": 1}}
    world.put("again.md", UNDATED + b" ")
    world.run()
    assert warnings(world)["drop"]["date_missing"] == 1
    [job] = world.context.jobs.list(1)
    assert job.warnings == {"date_missing": 1, "date_unreadable": 1}
    assert get_job(world.settings, job.job.id).warnings == job.warnings


def test_a_batch_that_is_settled_twice_is_counted_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warnings are added by the script that settles a batch, with the other counts."""
    settle = CounterStore.settle
    monkeypatch.setattr(
        CounterStore, "settle", lambda *args, **kw: (settle(*args, **kw), settle(*args, **kw))[0]
    )
    world.put("a.md", UNDATED)
    world.run()
    assert warnings(world) == {"drop": {"date_missing": 1, "date_unreadable": 1}}


@pytest.fixture
def strict(tmp_path: Path, redis_server: Server) -> World:
    return World(tmp_path / "strict", redis_server.url, folder={"strict": True})


def test_a_strict_source_refuses_what_has_a_warning(strict: World) -> None:
    """The reason names the warning and the command that publishes it; only that publishes it."""
    strict.put("a.md", UNDATED)
    strict.put("b.md", article("有日期"))
    strict.run()
    [refused] = strict.context.deps.quarantine
    assert refused.reason == "warning"
    assert "date_unreadable: date not understood: Invalid Date" in refused.message
    assert "retry --accept-warnings" in refused.message
    assert [entry["data"]["title"] for entry in strict.entries()] == ["有日期"]
    assert warnings(strict) == {}

    retry(strict.settings, [refused.id])
    strict.drain()
    [again] = strict.context.deps.quarantine
    retry(strict.settings, [again.id], accept_warnings=True)
    strict.drain()
    assert not list(strict.context.deps.quarantine)
    assert [entry["data"]["title"] for entry in strict.entries()] == ["有日期", "没有日期"]
    assert warnings(strict) == {"drop": {"date_missing": 1, "date_unreadable": 1}}


def test_a_strict_enqueue_stays_strict_in_a_retry(world: World) -> None:
    """`enqueue --strict` holds for its files alone, and for a retry of them, too."""
    file = world.settings.state_dir / "a.md"
    file.write_bytes(UNDATED)
    world.enqueue(file, strict=True)
    world.drain()
    [refused] = world.context.deps.quarantine
    retry(world.settings, [refused.id])
    world.drain()
    [again] = world.context.deps.quarantine
    assert (again.reason, again.strict) == ("warning", True)
    retry(world.settings, [again.id], accept_warnings=True)
    world.drain()
    assert len(world.entries()) == 1


def test_what_was_published_is_replayed_whatever_is_strict_now(
    world: World, redis_server: Server
) -> None:
    """A source that became strict loses no article that it published before."""
    world.put("a.md", UNDATED)
    world.run()
    world.context.redis.flushall()
    strict = World(world.settings.state_dir, redis_server.url, folder={"strict": True})
    for segment in strict.context.deps.archive.segments():
        replay(segment, strict.context.deps)
    assert len(strict.entries()) == 1


def test_a_strict_feed_reports_an_entry_once(
    tmp_path: Path, redis_server: Server, web: Web
) -> None:
    """It is refused at its first poll; with full text the check is made with its page."""
    world = newsroom(tmp_path, redis_server, web)
    bad = item(2).replace("Fri, 26 Nov 2021", "someday")
    web.pages["/rss"] = Reply(body=rss([item(1), bad]))
    world.add_feed("f", web.url("/rss"), strict=True)
    world.poll()
    web.pages["/rss"] = Reply(body=rss([item(3), bad]))
    world.poll("f")
    assert [refused.reason for refused in world.context.deps.quarantine] == ["warning"]
    titles = [entry["data"]["title"] for entry in world.entries()]
    assert titles == ["港口第1号公告", "港口第3号公告"]
    world.add_feed("f", web.url("/rss"), strict=True, full_text=True)
    web.pages["/rss"] = Reply(body=rss([bad.replace("https://harbour.example", web.url())]))
    world.poll("f")
    assert len(list(world.context.deps.wanted.names())) == 1
