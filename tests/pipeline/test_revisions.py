"""Revisions: what changed, and articles that are read again under their own ids."""

import os
import re
import signal
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import jsonschema
import pytest

from tests.http_server import Web
from tests.pipeline.test_feed_edits import LONG, MENDED, V1, V2, atom, entry, polls
from tests.servers import Server
from tests.world import World, article, in_child
from worker.actions.retract import retract
from worker.errors import UsageError
from worker.model import Change, ChangeKind
from worker.pipeline.batch.run import BatchRun
from worker.pipeline.reparse.run import reparse
from worker.pipeline.reparse.state import ReparseOrder
from worker.pipeline.replay import replay
from worker.pipeline.search import feed_search
from worker.queries.audit import audit
from worker.queries.explain import explain_id
from worker.queries.records import article_schema
from worker.settings import shipped_config
from worker.sites.load import load_sites
from worker.spool.claim import Incoming, claim_bytes
from worker.spool.layout import manual_root
from worker.spool.manifest import Head, Reread

SEEN = "2021-11-27T08:00:00Z"
MONDAY = "Mon, 29 Nov 2021 03:00:00 GMT"


def read_again(world: World, data: bytes, ids: Sequence[str], reason: str = "reparse") -> None:
    """Claim a file that reads these articles again, and ingest it."""
    context = world.context
    head = Head.new("drop", "folder", context.deps.now())
    incoming = Incoming(data, "a.md", reread=Reread(reason, tuple(enumerate(ids)), SEEN))
    claim_bytes(manual_root(world.settings), head, [incoming], context.accepted)
    world.drain()


@pytest.fixture
def revising(tmp_path: Path, redis_server: Server) -> World:
    """With `on_change = "revise"`, and one article of three paragraphs."""
    found = World(tmp_path, redis_server.url, folder={"on_change": "revise"})
    found.put("a.md", article(text="第一段。</p><p>第二段原来的话。</p><p>第三段。"))
    found.run()
    return found


def test_a_revision_lists_its_changes(revising: World) -> None:
    """The number of the previous one, the fields that differ, and the paragraphs with both
    texts."""
    revising.put(
        "a.md", article(text="第一段。</p><p>第二段改正的话。</p><p>第三段。</p><p>补充。")
    )
    revising.run()
    first, second = revising.entries()
    assert (second["type"], second["id"], second["revision"]) == (
        "article.revised",
        first["id"],
        2,
    )
    revised = second["data"]["revised"]
    assert first["data"]["revised"] is None
    assert (revised["reason"], revised["previous"]) == ("changed", 1)
    assert revising.totals().content_differs == 0, "only duplicates are counted"
    assert {"content_html", "content_text", "word_count"} == set(revised["fields"])
    assert revised["changes"] == [
        asdict(
            Change("content_text", ChangeKind.EDITED, 1, "第二段原来的话。", "第二段改正的话。")
        ),
        asdict(Change("content_text", ChangeKind.ADDED, 3, None, "补充。")),
    ]


def test_a_reread_keeps_id_and_key(revising: World) -> None:
    """With a new title and date it is a revision; afterwards both keys name the same article."""
    (first,) = revising.entries()
    other = article("改过的标题", "第一段。", MONDAY)
    read_again(revising, other, [first["id"]])
    read_again(revising, other, [first["id"]])
    second = revising.entries()[-1]
    assert (second["id"], second["revision"]) == (first["id"], 2)
    assert second["data"]["dedupe"]["key"] == first["data"]["dedupe"]["key"]
    assert (second["data"]["title"], second["data"]["date"]) == ("改过的标题", "2021-11-29")
    assert second["data"]["first_seen_at"] == SEEN
    changed = {one["field"] for one in second["data"]["revised"]["changes"]}
    assert changed == {"title", "date", "date_published", "content_text"}
    for number, text in enumerate(("第一段。", "第一段，又改了。")):
        revising.put(f"{number}.md", article("改过的标题", text, MONDAY))
        revising.run()
    third = revising.entries()[-1]
    assert (third["id"], third["revision"]) == (first["id"], 3)
    assert third["data"]["id"] == first["id"]
    assert [one["field"] for one in third["data"]["revised"]["changes"]] == ["content_text"]
    assert {entry["id"] for entry in revising.entries()} == {first["id"]}
    assert revising.journal()[-1]["id"] == first["id"]


def test_a_reread_that_collides_is_reported(revising: World) -> None:
    """It is published under its own id; the journal names the other article."""
    (first,) = revising.entries()
    revising.put("b.md", article("另一条"))
    revising.run()
    other = revising.entries()[-1]["id"]
    read_again(revising, article("另一条", "相同标题。"), [first["id"]])
    assert [entry["id"] for entry in revising.entries()] == [first["id"], other, first["id"]]
    assert other in revising.journal()[-1]["message"]
    revising.put("c.md", article("另一条", "改正的另一条。"))
    revising.run()
    assert revising.entries()[-1]["id"] == other


def test_a_reread_that_fails_changes_nothing(revising: World) -> None:
    """It is a duplicate with a message, not quarantined, and every file has an outcome."""
    (first,) = revising.entries()
    read_again(revising, b"", [first["id"]])
    read_again(revising, article(text="新。"), ["20211126-" + "0" * 24, first["id"]])
    revising.context.articles.forget(first["id"])
    read_again(revising, article(text="新。"), [first["id"]])
    outcomes = revising.journal()[1:]
    assert [str(one["status"]) for one in outcomes] == ["duplicate"] * 4
    assert all(one["message"] for one in outcomes)
    assert len(revising.entries()) == 1


def test_replay_restores_revisions(revising: World) -> None:
    """And the other key of a re-read article as an alias."""
    (first,) = revising.entries()
    read_again(revising, article("改过的标题", "第一段。", MONDAY), [first["id"]])
    before = revising.entries()
    revising.context.redis.flushall()
    for segment in revising.context.deps.archive.segments():
        replay(segment, revising.context.deps)
    after = revising.entries()
    assert [(one["id"], one["revision"]) for one in after] == [(first["id"], 1), (first["id"], 2)]
    assert after[1]["data"]["revised"] == before[1]["data"]["revised"]
    revising.put("z.md", article("改过的标题", "第一段。", MONDAY))
    revising.run()
    assert len(revising.entries()) == 2


def test_a_withdrawal_is_a_tombstone(revising: World) -> None:
    """One entry with time and reason, also after a replay; the same text is then a duplicate."""
    (first,) = revising.entries()
    settings = revising.settings
    retract(settings, first["id"], "the figures were wrong")
    revising.drain()
    second = revising.entries()[-1]
    assert (second["type"], second["id"], second["revision"]) == (
        "article.withdrawn",
        first["id"],
        2,
    )
    data = second["data"]
    assert (data["reason"], data["detail"]) == ("retracted", "the figures were wrong")
    assert (data["title"], data["date"]) == (first["data"]["title"], first["data"]["date"])
    assert revising.totals().content_differs == 0, "a withdrawal is no duplicate with other content"
    jsonschema.validate(data, article_schema(is_withdrawal=True))
    assert (revising.totals().published, revising.totals().withdrawn) == (1, 1)
    assert sum(minute.withdrawn for minute in revising.context.counter_store.read_minutes(3)) == 1
    feed_search(revising.context)
    (explained,) = explain_id(settings, first["id"]).articles
    assert [str(one.status) for one in explained.past] == ["published", "withdrawn"]
    with pytest.raises(UsageError, match="already"):
        retract(settings, first["id"], "again")
    revising.context.redis.flushall()
    for segment in revising.context.deps.archive.segments():
        replay(segment, revising.context.deps)
    assert [one["type"] for one in revising.entries()] == [first["type"], second["type"]]
    revising.put("b.md", article(text="第一段。</p><p>第二段原来的话。</p><p>第三段。"))
    revising.run()
    assert len(revising.entries()) == 2
    revising.put("c.md", article(text="另外的话。"))
    revising.run()
    third = revising.entries()[-1]
    assert (third["type"], third["revision"]) == ("article.revised", 3)
    audited = audit(settings)
    assert (audited.balanced, audited.articles["withdrawn"]) == (True, 1)


@pytest.mark.parametrize("on_change", ["duplicate", "revise"])
def test_an_edit_of_a_withdrawn_article_is_no_new_article(
    world: World, web: Web, on_change: str
) -> None:
    """A feed that edits a retracted entry, and dates it anew, does as one that keeps the date."""
    polls(world, web, atom(entry(LONG, V1)), on_change=on_change)
    (first,) = world.entries()
    retract(world.settings, first["id"], "the figures were wrong")
    world.drain()
    polls(world, web, atom(entry(LONG, V2, title="泊位检修完成")), on_change=on_change)
    assert len(world.entries()) == 2, "the text is what was retracted"
    polls(world, web, atom(entry(MENDED, "2021-12-01T00:00:00Z")), on_change=on_change)
    assert {one["id"] for one in world.entries()} == {first["id"]}
    assert [one["revision"] for one in world.entries()] == [1, 2, 3][: 2 + (on_change == "revise")]


SHIPPED = shipped_config() / "sites"
RULE = re.sub(
    r"(?m)^title_suffixes = .*",
    'title_suffixes = ["（快讯）"]',
    (SHIPPED / "sina.toml").read_text("utf-8"),
)


def test_the_archive_is_read_again_by_other_rules(tmp_path: Path, redis_server: Server) -> None:
    """`reparse` lists, publishes and counts differences, and continues where it was ended."""
    rules = tmp_path / "sites"
    rules.mkdir()
    world = World(tmp_path, redis_server.url, sites_dir=str(rules))
    for number in range(3):
        world.put(f"{number}.md", article(f"消息{number}" + "（快讯）" * (number < 2)))
        world.run()
    before = world.entries()
    rule = tmp_path / "sina.toml"
    rule.write_text(RULE)
    sites = load_sites([SHIPPED], [rule])
    diff = reparse(world.context, ReparseOrder(None, None, publish=False), sites)
    assert (diff.articles, diff.changed, diff.unchanged) == (3, 2, 1)
    assert diff.fields == {"title": 2}
    assert [one.id for one in diff.examples] == [before[0]["id"], before[1]["id"]]
    assert world.entries() == before

    (rules / "sina.toml").write_text(RULE)
    order = ReparseOrder(None, None, publish=True)
    world = World(tmp_path, redis_server.url, sites_dir=str(rules))

    def end(batch_count: int) -> None:
        if batch_count == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reparse(world.context, order, world.context.deps.sites(), on_progress=end)
    done = reparse(world.context, order, world.context.deps.sites())
    assert (done.resumed, done.segments, done.changed) == (1, 3, 2)
    world.drain()
    after = world.entries()[3:]
    assert [(one["id"], one["revision"]) for one in after] == [
        (before[0]["id"], 2),
        (before[1]["id"], 2),
    ]
    assert [one["data"]["title"] for one in after] == ["消息0", "消息1"]
    assert after[0]["data"]["provenance"]["path"] == "0.md"
    assert {one["data"]["revised"]["reason"] for one in after} == {"reparse"}

    for path in (tmp_path / "archive").rglob("*.tar.zst"):
        path.write_bytes(path.read_bytes()[:20])
    again = reparse(world.context, order, world.context.deps.sites())
    assert (again.articles, again.changed, again.expired) == (3, 0, 3)
    assert audit(world.settings).balanced


def test_a_killed_worker_makes_one_revision(
    revising: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the journal is written, a re-read is one revision with its changes."""
    (first,) = revising.entries()
    other = article("改过的标题", "第一段。", MONDAY)

    def die(_run: BatchRun) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(BatchRun, "_write_journal", die)
        assert in_child(lambda: read_again(revising, other, [first["id"]])) == -signal.SIGKILL
    assert len(revising.entries()) == 2
    revising.drain()
    second = revising.entries()[-1]
    assert (len(revising.entries()), second["revision"]) == (2, 2)
    assert second["data"]["revised"]["previous"] == 1
    outcome = revising.journal()[-1]
    assert (outcome["status"], outcome["id"], outcome["revision"]) == ("revised", first["id"], 2)
    assert audit(revising.settings).balanced
