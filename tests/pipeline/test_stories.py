"""Near-duplicates from files and feeds: marked in the stream and the journal, never dropped."""

from pathlib import Path

import pytest

from tests.http_server import Reply, Web
from tests.newsroom import item, newsroom, rss
from tests.servers import Server
from tests.store.test_stories import OTHER, TEXT
from tests.world import World, article
from worker.actions.retract import retract
from worker.errors import ConfigError
from worker.model import Story
from worker.pipeline.replay import replay
from worker.pipeline.retention import feed_past
from worker.pipeline.stories import rebuild_stories
from worker.settings import load

MARK = {"dedupe.near": "mark"}


def stories(world: World) -> list[Story | None]:
    """The story of each entry, oldest first."""
    return [entry.story for entry in world.context.articles.read(count=1000)]


def put(world: World, name: str, text: str, **options: str) -> None:
    world.put(name, article(title=name, text=text, **options))
    world.run()


def test_copies_are_marked(tmp_path: Path, redis_server: Server) -> None:
    """A copy names the first article in record and journal; short texts have no story."""
    world = World(tmp_path, redis_server.url, **MARK)
    for name, text in (("甲", TEXT), ("乙", TEXT[:400] + OTHER[:60]), ("丙", "短讯。"), ("丁", "")):
        put(world, name, text + f"<img src='https://x.example/{name}.png'>")
    first, copy, *short = stories(world)
    ids = [entry["id"] for entry in world.entries()]
    assert first == Story(ids[0])
    assert copy is not None
    assert (copy.id, copy.near_duplicate_of) == (ids[0], ids[0])
    assert short == [None, None]
    assert [line["story"] for line in world.journal()] == stories(world)


def test_traditional_characters(tmp_path: Path, redis_server: Server) -> None:
    """The same text in traditional characters, with a paragraph of its own, is a copy."""
    world = World(tmp_path, redis_server.url, **MARK)
    simple = (
        "记者从发展改革部门获悉，这条铁路将于年内开工，沿线设置车站，连接两岸三座城市的机场与码头。"
        * 2
    )
    other = (
        "記者從發展改革部門獲悉，這條鐵路將於年內開工，沿線設置車站，連接兩岸三座城市的機場與碼頭。"
        * 2
    )
    put(world, "简", simple)
    put(world, "繁", other + "本报补充：" + TEXT[:40])
    copy = stories(world)[1]
    assert copy is not None
    assert copy.near_duplicate_of == world.entries()[0]["id"]


def test_off_and_on_by_source(tmp_path: Path, redis_server: Server, web: Web) -> None:
    """Off by default; single sources can differ from `dedupe.near`."""
    plain = World(tmp_path / "a", redis_server.url)
    put(plain, "甲", TEXT)
    assert stories(plain) == [None]
    assert redis_server.client().keys("*:n:*") == []
    out = World(tmp_path / "b", redis_server.url, folder={"near": "off"}, **MARK)
    put(out, "乙", TEXT)
    assert stories(out)[1:] == [None]
    world = newsroom(tmp_path / "c", redis_server, web)
    web.pages["/a"] = Reply(body=rss([item(1, text=TEXT), item(2, text="导语。" + TEXT)]))
    world.add_feed("harbour", web.url("/a"), near="mark")
    world.poll()
    found = stories(world)[2:]
    assert [story and story.near_duplicate_of is None for story in found] == [True, False]


def test_a_revision_and_a_withdrawal_keep_the_story(tmp_path: Path, redis_server: Server) -> None:
    """After a tombstone the next copy is the first valid article."""
    world = World(tmp_path, redis_server.url, folder={"on_change": "revise"}, **MARK)
    put(world, "甲", TEXT)
    put(world, "乙", TEXT)
    put(world, "乙", OTHER)
    first = world.entries()[0]["id"]
    assert stories(world)[2] == stories(world)[1] == Story(first, first, 1.0)
    retract(world.settings, first, "wrong")
    world.drain()
    put(world, "丙", TEXT)
    put(world, "丁", TEXT)
    assert [entry["type"] for entry in world.entries()[3:4]] == ["article.withdrawn"]
    third = world.entries()[4]["id"]
    assert stories(world)[3:] == [Story(first), Story(first), Story(first, third, 1.0)]


def test_a_lost_server_gets_the_same_stories(tmp_path: Path, redis_server: Server) -> None:
    """Replay restores the archived stories in any order, and the window."""
    world = World(tmp_path, redis_server.url, **MARK)
    for name, text in (("甲", TEXT), ("乙", TEXT), ("丙", OTHER), ("丁", OTHER[:300])):
        put(world, name, text)
    before = {entry.id: entry.story for entry in world.context.articles.read()}
    redis_server.client().flushall()
    for segment in reversed(list(world.context.deps.archive.segments())):
        assert replay(segment, world.context.deps) == 1
    assert {entry.id: entry.story for entry in world.context.articles.read()} == before
    put(world, "戊", TEXT)
    story = stories(world)[-1]
    assert story is not None
    assert story.near_duplicate_of == next(iter(before))


def test_a_group_gets_the_stories_of_its_past(tmp_path: Path, redis_server: Server) -> None:
    """A group that begins in the past reads the stories from the archive."""
    world = World(tmp_path, redis_server.url, **MARK)
    put(world, "甲", TEXT)
    put(world, "乙", TEXT)
    found = stories(world)
    client = redis_server.client()
    client.xtrim("newsdrop:articles", maxlen=0)
    from worker.spool.ownership import read_id
    from worker.store.groups.past import Past

    owner = read_id(world.settings.state_dir)
    world.context.past.create(Past("nlp", owner, 0, "2999-01-01T00:00:00Z"))
    feed_past(world.context)
    entries = [fields for _, fields in client.xrange("{newsdrop:articles}:past:nlp")]
    assert [entry[b"story"].decode() for entry in entries] == [s.id for s in found if s]
    assert b"near_duplicate_of" not in entries[0]
    assert entries[1][b"near_duplicate_of"] == entries[0][b"id"]


def test_rebuild(tmp_path: Path, redis_server: Server) -> None:
    """After `near` is set new articles join archived ones; a run can be repeated and
    interrupted."""
    before = World(tmp_path, redis_server.url)
    for name, text in (("甲", TEXT), ("乙", TEXT), ("丙", OTHER)):
        put(before, name, text)
    world = World(tmp_path, redis_server.url, **MARK)

    class Stop(Exception):
        pass

    def stop(batch_count: int) -> None:
        if batch_count == 1:
            raise Stop

    with pytest.raises(Stop):
        rebuild_stories(world.context, on_progress=stop, pause=lambda _: None)
    done = rebuild_stories(world.context, pause=lambda _: None)
    assert (done.articles, done.firsts, done.segments, done.resumed) == (3, 2, 3, 1)
    assert rebuild_stories(world.context, pause=lambda _: None).firsts == 0
    put(world, "丁", OTHER)
    story = stories(world)[-1]
    assert story is not None
    assert story.near_duplicate_of == world.entries()[2]["id"]


def test_impossible_settings(tmp_path: Path) -> None:
    """A window longer than keys are kept is refused with advice."""
    options = {"state_dir": str(tmp_path), "dedupe.keep_days": 2, "dedupe.near_days": 5}
    with pytest.raises(ConfigError, match="near_days is above keep_days: lower it"):
        load(options=options)
    with pytest.raises(ConfigError, match="near"):
        load(options={"state_dir": str(tmp_path), "dedupe.near": "drop"})


def test_a_long_text(tmp_path: Path, redis_server: Server) -> None:
    """Of a text of 10 MB only the beginning is read."""
    world = World(tmp_path, redis_server.url, **MARK)
    long = "".join(f"<p>{TEXT[n * 7 % 500 :][:300]}{n}</p>" for n in range(11_000))
    put(world, "甲", long)
    put(world, "乙", long[:-1000])
    copy = stories(world)[1]
    assert copy is not None
    assert copy.near_duplicate_of
