"""Entries of feeds that are edited: one article, whatever title and date they have then."""

import os
import signal
from collections.abc import Sequence

import pytest

from tests.http_server import Reply, Web
from tests.newsroom import Make, page, rss
from tests.world import World, in_child
from worker.normalize import record
from worker.pipeline.batch.run import BatchRun
from worker.pipeline.reparse.run import reparse
from worker.pipeline.reparse.state import ReparseOrder
from worker.pipeline.replay import replay
from worker.queries.audit import audit

LONG = "".join(f"第{n}号泊位的装卸设备今天完成检修，港务局表示夜间作业不受影响。" for n in range(8))
MENDED = LONG.replace("夜间作业", "夜间和清晨的作业")
OTHER = "海事部门发布大风预警，渔船须在傍晚之前回港避风，轮渡停航，跨海大桥限速通行。" * 4
V1, V2 = "2021-11-26T02:00:00Z", "2021-11-28T09:30:00Z"


def entry(text: str, updated: str, *, guid: str = "tag:a", title: str = "泊位检修") -> str:
    guid = guid and f"<id>{guid}</id>"
    return (
        f"<entry>{guid}<title>{title}</title><updated>{updated}</updated>"
        f'<link href="https://a.example/1"/><content>{text}</content></entry>'
    )


def atom(*entries: str) -> bytes:
    xmlns = 'xmlns="http://www.w3.org/2005/Atom"'
    return f"<feed {xmlns}><title>港口</title>{''.join(entries)}</feed>".encode()


def polls(world: World, web: Web, *documents: bytes, **keys: object) -> None:
    """Poll a feed that has one document after the other."""
    world.add_feed("harbour", web.url("/atom"), **keys)
    for document in documents:
        web.pages["/atom"] = Reply(body=document)
        world.poll("harbour")


def revisions(world: World) -> list[tuple[str, int, str, str]]:
    """Of the entries in the stream: a letter for each id, revision, title, and calendar date."""
    found = [(one["id"], one["revision"], one["data"]) for one in world.entries()]
    letters = dict(zip(dict.fromkeys(one[0] for one in found), "ABCDEF", strict=False))
    return [(letters[of], number, data["title"], data["date"]) for of, number, data in found]


FIRST = ("A", 1, "泊位检修", "2021-11-26")


def test_an_edit_is_a_revision(world: World, web: Web) -> None:
    """With `revise` each version is one of the same article, which keeps its first date; a version
    that is polled again, or that another source has, is nothing new."""
    mended, again = entry(MENDED, V2), entry(MENDED + "完。", "2021-12-02T00:00:00Z")
    documents = [atom(entry(LONG, V1)), atom(mended), atom(mended + "<!-- -->"), atom(again)]
    polls(world, web, *documents, on_change="revise")
    assert revisions(world) == [FIRST, ("A", 2, *FIRST[2:]), ("A", 3, *FIRST[2:])]
    second = world.entries()[1]["data"]
    assert (second["date_published"], second["date_modified"]) == (V1, V2)
    assert [one["field"] for one in second["revised"]["changes"]] == ["content_text"]
    streamed = world.context.articles.read()[1]
    assert streamed.date == "2021-11-26"
    world.put("mirror.xml", atom(entry(MENDED, V2, guid="tag:b")))
    world.run()
    assert len(world.entries()) == 3
    assert audit(world.settings).balanced


def test_an_edit_is_a_duplicate_with_other_content(world: World, web: Web) -> None:
    """Where changes are not published: it is counted and listed under the first id, also if that is
    the article of another source, which had it first with other words."""
    world.put("mirror.xml", atom(entry(LONG + "无", V1)))
    world.run()
    polls(world, web, atom(entry(LONG, V1)), atom(entry(MENDED, V2)))
    assert revisions(world) == [FIRST]
    assert world.totals().content_differs == 2
    last = [one for one in world.journal() if str(one["status"]) == "duplicate"][-1]
    assert (last["id"], last["content_differs"]) == (world.entries()[0]["id"], True)
    assert last["date"] == "2021-11-26"


def test_a_corrected_title_is_a_revision(world: World, web: Web) -> None:
    """The text tells that it is the same article; the old title, polled again, changes nothing."""
    old, new = entry(LONG, V1), entry(LONG, V2, title="泊位检修完成")
    polls(world, web, atom(old), atom(new), atom(old), on_change="revise")
    assert revisions(world) == [FIRST, ("A", 2, "泊位检修完成", "2021-11-26")]


SHORT = "三号泊位今天完成检修，夜间作业不受影响。"


@pytest.mark.parametrize(
    "second",
    [
        entry(OTHER, V2, title="大风预警"),  # all is different
        entry(OTHER, V2),  # the report of the day
        entry("", V2, title="大风预警").replace(LONG, ""),
        entry(SHORT.replace("三号", "八号").replace("检修", "扩建"), V2, title="八号泊位"),
        entry(LONG.replace("第", "第1").replace("号", "7号"), V2),  # only the figures
    ],
)
@pytest.mark.parametrize("on_change", ["duplicate", "revise"])
def test_a_guid_of_another_article(world: World, web: Web, second: str, on_change: str) -> None:
    """A feed that has one guid for all of its entries loses none."""
    polls(world, web, atom(entry(LONG, V1)), atom(second), on_change=on_change)
    assert [letter for letter, *_ in revisions(world)] == ["A", "B"]


@pytest.mark.parametrize(
    ("old", "new", "is_one"),
    [
        (SHORT, SHORT + "港务局稍后通报。", True),
        (SHORT, SHORT.replace("夜间", "夜间和清晨"), True),
        ("气温21度，晴。", "气温15度，晴。", False),
        (SHORT, "大风预警，渔船回港。", False),
    ],
)
def test_short_texts(world: World, web: Web, old: str, new: str, is_one: bool) -> None:
    """A summary that was edited is one article; two with other figures, or words, are two."""
    polls(world, web, atom(entry(old, V1)), atom(entry(new, V2)), on_change="revise")
    assert [letter for letter, *_ in revisions(world)] == ["A", "A" if is_one else "B"]


def test_guids_that_identify_nothing(world: World, web: Web) -> None:
    """Missing, or equal in one document: title and date decide, as without guids."""
    two = [atom(entry(LONG, V1)), atom(entry(LONG, V1), entry(MENDED, V2))]
    polls(world, web, *two, on_change="revise")
    bare = [entry(LONG + "无", V1, guid=""), entry(MENDED + "无", "2021-12-05T00:00:00Z", guid="")]
    polls(world, web, *map(atom, bare), on_change="duplicate")
    assert [letter for letter, *_ in revisions(world)] == ["A", "B", "C"]
    world.put("twice.xml", atom(entry(OTHER, V1, title="风"), entry(OTHER + "。", V2, title="风")))
    world.run()
    assert [letter for letter, *_ in revisions(world)] == ["A", "B", "C", "D", "E"]


def test_two_feeds_with_equal_guids(world: World, web: Web) -> None:
    """A guid counts within its feed; also in files of one folder that have their address."""
    polls(world, web, atom(entry(LONG, V1)))
    web.pages["/other"] = Reply(body=atom(entry(MENDED, V2)))
    world.add_feed("other", web.url("/other"))
    world.poll("other")
    assert [letter for letter, *_ in revisions(world)] == ["A", "B"]
    for name, text, date in (("c", OTHER, V1), ("d", OTHER + "。", V2)):
        link = f'<link rel="self" href="https://{name}.example/atom"/>'
        file = atom(link + entry(text, date, title="大风"))
        world.put(f"{name}.xml", file)
        world.run()
    assert [letter for letter, *_ in revisions(world)] == ["A", "B", "C", "D"]


@pytest.mark.parametrize("kind", ["rss", "json"])
def test_files_of_a_drop_folder(make: Make, kind: str) -> None:
    """Feeds that were saved and dropped, also several versions at once, are read alike."""
    world = make(folder={"on_change": "revise"})
    for number, (text, day) in enumerate(((LONG, 26), (MENDED, 28), (MENDED + "完。", 29))):
        item = (
            "<item><guid>7</guid><title>泊位检修</title>"
            f"<pubDate>{day} Nov 2021 02:00 GMT</pubDate><description>{text}</description></item>"
        )
        json = (
            '{"version": "https://jsonfeed.org/version/1.1",'
            '"items": [{"id": 7, "title": "泊位检修",'
            f'"date_published": "2021-11-{day}T02:00:00Z", "content_text": "{text}"}}]}}'
        )
        world.put(f"{number}.xml", rss([item]) if kind == "rss" else json)
    world.run()  # in any order
    assert [one[:2] for one in revisions(world)] == [("A", 1), ("A", 2), ("A", 3)]
    assert len({date for *_, date in revisions(world)}) == 1


def restore(world: World) -> None:
    """Replay the archive into an empty Redis."""
    world.context.redis.flushall()
    for segment in world.context.deps.archive.segments():
        replay(segment, world.context.deps)


def test_replay_restores_ids_revisions_and_guids(world: World, web: Web) -> None:
    """After a loss of Redis every version has its id, date and changes, and the next one is one."""
    versions = [entry(LONG, V1), entry(MENDED, V2), entry(MENDED, V2, title="泊位检修完成")]
    polls(world, web, *map(atom, versions), on_change="revise")
    before = world.entries()
    restore(world)
    assert [one["data"] for one in world.entries()] == [one["data"] for one in before]
    last = entry(MENDED + "完。", "2021-12-03T00:00:00Z", title="泊位检修完成")
    polls(world, web, atom(versions[-1]), atom(last), on_change="revise")
    assert [one[:2] for one in revisions(world)] == [("A", 1), ("A", 2), ("A", 3), ("A", 4)]


@pytest.mark.parametrize("title", ["泊位检修", "泊位检修完成"])
@pytest.mark.parametrize("text", [LONG, MENDED])
def test_a_killed_worker(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch, title: str, text: str
) -> None:
    """Killed after publishing, before the journal is written: each version is published once."""
    versions: Sequence[str] = [entry(LONG, V1), entry(text, V2, title=title)]

    def die(_run: BatchRun) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    world.add_feed("harbour", web.url("/atom"), on_change="revise")
    for version in versions:
        web.pages["/atom"] = Reply(body=atom(version))
        world.context.feed_store.make_due(["harbour"])
        world.fetch()
        with monkeypatch.context() as patch:
            patch.setattr(BatchRun, "_write_journal", die)
            assert in_child(world.drain) == -signal.SIGKILL
        world.drain()
    is_other = (title, text) == ("泊位检修完成", MENDED)
    expected = [("A", 1), ("B", 1) if is_other else ("A", 2)]
    is_same = (title, text) == ("泊位检修", LONG)
    assert [one[:2] for one in revisions(world)] == (expected[:1] if is_same else expected)
    assert audit(world.settings).balanced


def test_an_edit_that_meets_a_bug_is_refused_alone(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error while the record of one edit is made affects no other entry."""
    real = record.word_count

    def broken(text: str) -> int:
        if text == MENDED:
            raise RuntimeError("a bug")
        return real(text)

    monkeypatch.setattr(record, "word_count", broken)
    other = entry(OTHER, V2, guid="tag:b", title="大风预警")
    polls(world, web, atom(entry(LONG, V1)), atom(entry(MENDED, V2), other), on_change="revise")
    assert [one[:2] for one in revisions(world)] == [("A", 1), ("B", 1)]
    assert [one.reason for one in world.context.deps.quarantine] == ["internal"]


def test_with_full_text_the_page_tells(world: World, web: Web) -> None:
    """The feed's summary says nothing of the page: with a new date the page is fetched again."""
    link = web.url("/1")
    web.pages["/robots.txt"] = Reply(status=404)

    def document(updated: str) -> bytes:
        return atom(entry("摘要。", updated).replace("https://a.example/1", link))

    web.pages["/1"] = page("泊位检修", "三号泊位今天完成检修。")
    polls(world, web, document(V1), full_text=True, on_change="revise")
    world.poll()
    web.pages["/1"] = page("泊位检修", "三号泊位今天完成全部检修。")
    polls(world, web, document(V2), full_text=True, on_change="revise")
    world.poll()
    assert revisions(world) == [FIRST, ("A", 2, *FIRST[2:])]


@pytest.mark.parametrize(("title", "text"), [("泊位检修", LONG + "完。"), ("大风预警", LONG)])
def test_the_article_of_another_source_gets_no_alias(
    world: World, web: Web, title: str, text: str
) -> None:
    """A copy of its text under a guid, then an entry with that guid and the title and date that a
    third source's article has later: that one is published, and the copied one stays as it is."""
    world.put("copied.xml", atom(entry(LONG, V1)))
    world.run()
    polls(world, web, atom(entry(LONG, V1)), atom(entry(text, V2, title=title)))
    web.pages["/third"] = Reply(body=atom(entry(OTHER, V2, title=title)))
    world.add_feed("third", web.url("/third"), on_change="revise")
    world.poll("third")
    found = revisions(world)
    assert found[0] == FIRST
    assert [one for one in found if one[0] == "A"] == [FIRST]
    assert found[-1][2:] == (title, "2021-11-28")
    assert world.entries()[-1]["data"]["content_text"] == OTHER


@pytest.mark.parametrize("way", ["edited again", "restored", "parsed again"])
def test_revisions_of_another_sources_article_give_it_no_alias(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Neither the second one by a feed that copied it, nor the first one replayed or parsed again:
    the article that a third source has under its title and date is published."""
    world.put("copied.xml", atom(entry(LONG, V1)))
    world.run()
    polls(world, web, atom(entry(LONG, V1)), atom(entry(MENDED, V2)), on_change="revise")
    date = V2
    if way == "restored":
        restore(world)
    elif way == "parsed again":
        monkeypatch.setattr(record, "word_count", lambda _: 7)
        order = ReparseOrder(None, None, publish=True)
        assert reparse(world.context, order, world.context.deps.sites()).changed
        world.drain()
    else:
        date = "2021-12-02T00:00:00Z"
        polls(world, web, atom(entry(MENDED + "完。", date)), on_change="revise")
    world.put("third.xml", atom(entry(OTHER, date, guid="tag:c")))
    world.run()
    assert revisions(world)[-1] == ("B", 1, "泊位检修", date[:10])
