"""Feeds polled from a real server: records, stored state, and failures."""

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import redis

from tests.http_server import Reply, Request, Web
from tests.newsroom import Make, feed, item, rss, titles
from tests.world import World, article, in_child
from worker.errors import SpoolUnavailable
from worker.feeds.cron import next_cron_time
from worker.pipeline.feeds.poll import fetch, poll
from worker.queries.audit import audit
from worker.queries.feeds import list_polls
from worker.sources import fetch_loop
from worker.store.connection import connect


def test_a_feeds_entries_become_records(world: World, web: Web) -> None:
    """Each entry has its origin; a second poll publishes only what is new."""
    web.pages["/rss"] = feed(1, 2)
    world.add_feed("harbour", web.url("/rss"), tags=["港口"])
    world.poll()
    assert titles(world) == ["港口第1号公告", "港口第2号公告"]
    record = world.entries()[0]["data"]
    assert record["url"] == "https://harbour.example/1.html"
    assert record["tags"] == ["港口"]
    provenance = record["provenance"]
    assert (provenance["source"], provenance["kind"], provenance["path"]) == (
        "harbour",
        "feed",
        None,
    )
    assert provenance["url"] == provenance["feed_url"] == web.url("/rss")
    assert provenance["fetched_at"]
    web.pages["/rss"] = feed(1, 2, 3)
    world.poll("harbour")
    assert titles(world)[2:] == ["港口第3号公告"]
    state = world.feed("harbour")
    assert (state.entries, state.published, state.duplicate, state.gaps) == (3, 3, 0, 0)
    assert world.totals().unchanged == 2
    found = audit(world.settings)
    assert found.balanced
    assert found.articles["published"] == 3


def test_the_last_polls_are_listed(world: World, web: Web) -> None:
    """When, the answer, bytes, new entries and duration of each poll, newest first."""
    web.pages["/rss"] = feed(1, 2)
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    web.pages["/rss"] = feed(1, 2, 3)
    world.poll("harbour")
    world.poll("harbour")
    web.pages["/rss"] = Reply(status=404)
    world.poll("harbour")
    polls = list_polls(world.settings, "harbour")
    assert [(poll.answer, poll.new) for poll in polls] == [
        ("404", 0), ("200", 0), ("200", 1), ("200", 2),
    ]  # fmt: skip
    assert polls[3].size == len(feed(1, 2).body)
    assert [poll.at for poll in polls] == sorted((poll.at for poll in polls), reverse=True)
    assert all(0 <= poll.took_seconds < 20 for poll in polls)


def test_an_answer_304_is_nothing_new(world: World, web: Web) -> None:
    """The validators of the last answer are sent back; a 304 reads nothing and is a success."""

    def answer(request: Request) -> Reply:
        if request.headers.get("if-none-match") == '"1"':
            assert request.headers["if-modified-since"] == "Fri, 26 Nov 2021 12:00:00 GMT"
            return Reply(status=304)
        return feed(1, **{"etag": '"1"', "last-modified": "Fri, 26 Nov 2021 12:00:00 GMT"})

    web.pages["/rss"] = answer
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    assert world.poll("harbour").documents == 0
    state = world.feed("harbour")
    assert (state.status, state.failures, len(world.entries())) == (304, 0, 1)


def test_the_same_bytes_are_not_parsed_again(world: World, web: Web) -> None:
    """A server without validators sends the same again: nothing comes into the spool."""
    web.pages["/rss"] = feed(1)
    world.add_feed("harbour", web.url("/rss"))
    assert world.poll().documents == 1
    assert world.poll("harbour").documents == 0
    assert world.totals().archived == 1


def test_feeds_that_are_added_together_drift_apart(
    world: World, web: Web, redis_client: redis.Redis
) -> None:
    """Each poll has its own jitter."""
    names = [f"harbour-{number}" for number in range(4)]
    for name in names:
        web.pages[f"/{name}"] = feed(1)
        world.add_feed(name, web.url(f"/{name}"))
    world.poll()
    keys = [world.context.feed_store.key(name) for name in names]
    drawn = {redis_client.hget(key, "jitter") for key in keys}
    assert None not in drawn
    assert len(drawn) > 1


def test_an_etag_is_never_ahead_of_what_is_safe(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the body cannot be claimed, the next poll does not send the answer's ETag."""
    web.pages["/rss"] = feed(1, etag='"1"')
    world.add_feed("harbour", web.url("/rss"))

    def full(*_: object, **__: object) -> None:
        raise SpoolUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("worker.pipeline.feeds.poll.claim_bytes", full)
        with pytest.raises(SpoolUnavailable):
            world.fetch()
    world.poll("harbour")
    assert "if-none-match" not in web.requests[-1].headers
    assert len(world.entries()) == 1


def test_killed_between_claim_and_saving(world: World, web: Web) -> None:
    """Claimed documents are published once, although the poll was not recorded."""
    web.pages["/rss"] = feed(1, 2)
    world.add_feed("harbour", web.url("/rss"))
    poll(world.context, notify=lambda: None)

    def killed() -> None:
        import os

        world.context.feed_store.finish = lambda results: os._exit(9)  # type: ignore[method-assign]
        fetch(world.context, notify=lambda: None)

    assert in_child(killed) == 9
    world.drain()
    assert len(world.entries()) == 2
    world.poll("harbour")
    assert len(world.entries()) == 2


def test_a_dead_worker_gives_its_feeds_back(make: Make, web: Web) -> None:
    """A feed in the hands of a killed poller is due again when the lease has ended."""
    world = make(**{"fetch.deadline_seconds": 1})
    world.add_feed("harbour", web.url("/rss"))
    web.pages["/rss"] = feed(1)
    poll(world.context, notify=lambda: None)
    assert [turn.name for turn in world.context.feed_store.take_leases(1, 4).leases] == ["harbour"]
    assert world.fetch().turns == 0
    deadline = time.monotonic() + 30
    while world.fetch().turns == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    world.drain()
    assert len(world.entries()) == 1


def test_no_feed_is_delayed_beyond_its_longest_interval(world: World, web: Web) -> None:
    """A due time 400 days ahead, from a wrong clock, is brought forward."""
    world.add_feed("harbour", web.url("/rss"))
    world.add_feed("yearly", web.url("/rss"), schedule="0 0 1 1 *")
    poll(world.context, notify=lambda: None)
    store = world.context.feed_store
    now = store.now_ms()
    year = next_cron_time("0 0 1 1 *", ZoneInfo("Asia/Shanghai"), datetime.now(UTC))
    due = {"harbour": now + 400 * 86_400_000, "yearly": int(year.timestamp() * 1000)}
    connect(world.settings.redis.url).zadd("{newsdrop:articles}:feeds", due)
    poll(world.context, notify=lambda: None)
    found = store.get_due_times(["harbour", "yearly"])
    assert found["harbour"] <= store.now_ms() + 86_400_000 * 1.1
    assert found["yearly"] == due["yearly"]


def test_dedupe_meets_across_feeds_and_folders(world: World, web: Web) -> None:
    """The same article from a folder and two feeds is one record."""
    world.put(
        "a.md", article("港口第1号公告", "第1段正文，今日发布。", "Fri, 26 Nov 2021 00:01:04 GMT")
    )
    world.run()
    web.pages["/a"] = web.pages["/b"] = feed(1)
    world.add_feed("a", web.url("/a"))
    world.add_feed("b", web.url("/b"))
    world.poll()
    assert len(world.entries()) == 1
    assert world.feed("a").duplicate == 1
    assert world.totals().duplicate == 2


def test_scope_and_revisions_are_the_feeds_own(world: World, web: Web) -> None:
    """`scope = "source"` keeps feeds apart; `on_change = "revise"` publishes a changed entry."""
    web.pages["/a"] = web.pages["/b"] = feed(1)
    world.add_feed("a", web.url("/a"), scope="source")
    world.add_feed("b", web.url("/b"), scope="source", on_change="revise")
    world.poll()
    assert len(world.entries()) == 2
    web.pages["/b"] = Reply(body=rss([item(1, text="改正过的正文。")]))
    world.poll("b")
    assert [entry["type"] for entry in world.entries()][2:] == ["article.revised"]
    world.poll("b")
    assert len(world.entries()) == 3


def test_credentials_are_sent_and_never_shown(world: World, web: Web) -> None:
    """User and password of an address go to its server, and into no record, state or journal."""
    web.pages["/rss?key=sesam"] = feed(1)
    address = web.url("/rss?key=sesam").replace("http://", "http://amy:geheim@")
    world.add_feed("harbour", address, headers={"X-Token": "verborgen"})
    world.poll()
    assert web.requests[0].headers["authorization"].startswith("Basic ")
    assert web.requests[0].headers["x-token"] == "verborgen"
    web.pages["/rss?key=sesam"] = Reply(status=500)
    world.poll("harbour")
    shown = str(world.entries()) + str(world.feed("harbour")) + str(world.journal())
    for secret in ("geheim", "sesam", "verborgen"):
        assert secret not in shown
        for path in (world.settings.state_dir / "archive").rglob("*.jsonl"):
            assert secret not in path.read_text()


def test_rsshub_addresses(make: Make, web: Web) -> None:
    """`rsshub://route` is a route of the configured RSSHub."""
    web.pages["/sina/finance"] = feed(1)
    world = make(**{"fetch.rsshub_base": web.url("")})
    world.add_feed("sina", "rsshub://sina/finance")
    world.poll()
    assert len(world.entries()) == 1


def test_rsshub_without_a_base(world: World) -> None:
    """The feed's error names the missing setting."""
    world.add_feed("sina", "rsshub://sina/finance")
    world.poll()
    assert "fetch.rsshub_base" in (world.feed("sina").error or "")


def test_a_lost_redis_is_filled_from_the_catalog_and_the_archive(
    world: World, web: Web, redis_client: redis.Redis
) -> None:
    """After FLUSHALL feeds are polled again and replay restores the same ids once."""
    from worker.pipeline.replay import replay

    web.pages["/rss"] = feed(1, 2)
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    before = [entry["id"] for entry in world.entries()]
    redis_client.flushall()
    for segment in world.context.deps.archive.segments():
        replay(segment, world.context.deps)
    world.poll()
    assert [entry["id"] for entry in world.entries()] == before


def test_the_gathering_of_answers(make: Make, web: Web) -> None:
    """Answers of many feeds share a batch: one message and one fsync for all of them."""
    world = make()
    for number in range(30):
        web.pages[f"/{number}"] = feed(number)
        world.add_feed(f"f{number}", web.url(f"/{number}"))
    world.fetch()
    assert fetch_loop.GATHER_SECONDS < 1
    assert len(world.waiting()) < 15
    world.drain()
    assert len(world.entries()) == 30
