"""Feeds with bad, large or unusual documents."""

import re

import pytest

from tests.http_server import Reply, Web
from tests.newsroom import Make, feed, item, rss, titles
from tests.world import World
from worker.actions.quarantine import retry
from worker.errors import Reason
from worker.formats.feed import xml_feed
from worker.model import Refusal
from worker.queries.audit import audit

BAD = {
    "a page": (Reply(body=b"<!doctype html><html><body><h1>Sign in</h1></body></html>"), "page"),
    "nothing": (Reply(body=b""), "empty"),
    "cut off": (Reply(body=rss([item(1)])[:120]), ""),
    "entities": (
        Reply(body=b'<!DOCTYPE rss [<!ENTITY a SYSTEM "b">]>' + rss([item(1)]).partition(b"?>")[2]),
        "entities",
    ),
    "no text": (Reply(body=bytes(range(256)) * 20), ""),
    "an image": (Reply(body=b"\x89PNG\r\n\x1a\n" + bytes(500)), ""),
}


@pytest.mark.parametrize("name", BAD)
def test_a_document_that_is_no_feed_is_shown_at_its_feed(world: World, web: Web, name: str) -> None:
    """It is refused with a reason and quarantined once; other feeds are not affected."""
    web.pages["/bad"], says = BAD[name]
    web.pages["/good"] = feed(7)
    world.add_feed("bad", web.url("/bad"))
    world.add_feed("good", web.url("/good"))
    world.poll()
    state = world.feed("bad")
    assert state.is_failing
    assert state.bad_reason
    assert says in f"{state.bad_reason} {state.bad_message}".lower()
    assert titles(world) == ["港口第7号公告"]
    items = [one for one in world.context.deps.quarantine if one.source == "bad"]
    assert len(items) == 1
    world.poll("bad")  # the same bytes again
    assert len(list(world.context.deps.quarantine)) == 1
    assert world.feed("bad").is_failing
    web.pages["/bad"] = feed(8)
    world.poll("bad")
    assert not world.feed("bad").is_failing


def test_a_wrong_encoding_is_read_right(world: World, web: Web) -> None:
    """What the server and the prolog declare is not believed against the bytes."""
    body = rss([item(1)]).replace(b"UTF-8", b"GB2312").decode().encode("gb18030")
    web.pages["/rss"] = Reply(body=body, headers={"content-type": "text/xml; charset=iso-8859-1"})
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    assert titles(world) == ["港口第1号公告"]


def test_impossible_dates(world: World, web: Web) -> None:
    """With 31 February the entry is published once, without a date."""
    broken = item(1).replace("Fri, 26 Nov 2021 00:01:04 GMT", "Mon, 31 Feb 2022 99:99:99 XYZ")
    web.pages["/rss"] = Reply(body=rss([broken, item(2)]))
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    web.pages["/rss"] = Reply(body=rss([broken, item(2), item(3)]))
    world.poll("harbour")
    records = [entry["data"] for entry in world.entries()]
    assert [(one["title"], bool(one["date"])) for one in records] == [
        ("港口第1号公告", False),
        ("港口第2号公告", True),
        ("港口第3号公告", True),
    ]


@pytest.mark.parametrize("has_guid", [True, False])
def test_entries_that_are_dated_anew_at_each_poll(world: World, web: Web, has_guid: bool) -> None:
    """An entry with the same guid and text as before is the same article, whatever its date says;
    without a guid only its date tells the notice of today from that of yesterday."""
    world.add_feed("harbour", web.url("/rss"))
    for day in ("24", "25", "26"):
        entry = item(1).replace("Fri, 26 Nov 2021", f"{day} Nov 2021")
        entry = entry if has_guid else re.sub("<guid.*?</guid>", "", entry)
        web.pages["/rss"] = Reply(body=rss([entry, item(2)]))
        world.poll("harbour")
    expected = ["港口第1号公告", "港口第2号公告"] + ["港口第1号公告"] * (0 if has_guid else 2)
    assert titles(world) == expected


def test_one_broken_entry_is_refused_once(world: World, web: Web) -> None:
    """The others are published; at the next poll it is not reported again."""
    nothing = "<item><guid>broken</guid></item>"
    web.pages["/rss"] = Reply(body=rss([item(1), nothing, item(2)]))
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    assert len(world.entries()) == 2
    web.pages["/rss"] = Reply(body=rss([item(1), nothing, item(2), item(3)]))
    world.poll("harbour")
    assert len(world.entries()) == 3
    assert len(list(world.context.deps.quarantine)) == 1
    assert world.feed("harbour").rejected == 1
    assert not world.feed("harbour").is_failing


def test_an_entry_that_meets_a_bug_is_refused_alone(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error while one entry is read affects no other entry."""
    from worker.formats.feed.xml_feed import XmlFeed

    real = XmlFeed.read

    def broken(feed: XmlFeed, number: int) -> object:
        if "第2号".encode() in feed.raw(number):
            raise RuntimeError("a bug")
        return real(feed, number)

    monkeypatch.setattr(XmlFeed, "read", broken)
    web.pages["/rss"] = feed(1, 2, 3)
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    assert titles(world) == ["港口第1号公告", "港口第3号公告"]
    (items,) = world.context.deps.quarantine
    assert items.reason == "internal"


def test_the_same_guid_on_all_entries(world: World, web: Web) -> None:
    """Articles are distinguished by their content, not by guid."""
    entries = [item(n).replace(f"guid-{n}", "same") for n in range(1, 4)]
    web.pages["/rss"] = Reply(body=rss(entries[:2]))
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    web.pages["/rss"] = Reply(body=rss(entries))
    world.poll("harbour")
    assert len(world.entries()) == 3


def test_a_feed_of_more_than_100000_entries(world: World, web: Web) -> None:
    """Beyond limits.articles it is refused before an entry is read."""
    small = "<item><title>t%d</title><link>https://harbour.example/%d</link></item>"
    web.pages["/big"] = Reply(body=rss([small % (n, n) for n in range(100_001)]))
    web.pages["/good"] = feed(7)
    world.add_feed("big", web.url("/big"))
    world.add_feed("good", web.url("/good"))
    world.poll()
    assert titles(world) == ["港口第7号公告"]
    assert world.feed("big").bad_reason == "too_many"


def test_a_large_feed_has_a_batch_of_its_own(make: Make, web: Web) -> None:
    """Other documents do not wait for it: other processes may read them."""
    world = make(**{"spool.batch_bytes": 200_000})
    web.pages["/big"] = Reply(body=rss([item(n) for n in range(1000)]))
    web.pages["/good"] = feed(2000)
    world.add_feed("a-big", web.url("/big"))
    world.add_feed("good", web.url("/good"))
    world.fetch()
    assert len(world.waiting()) == 2
    world.drain()
    assert len(world.entries()) == 1001


def test_a_quarantined_feed_can_be_retried(world: World, web: Web) -> None:
    """Its bytes are read again as a document of that feed, and counted with all that is polled."""
    from worker.actions.quarantine import retry

    web.pages["/bad"] = Reply(body=b"<html><body><h1>Sign in</h1><p>please</p></body></html>")
    world.add_feed("bad", web.url("/bad"))
    world.poll()
    (items,) = world.context.deps.quarantine
    assert items.origin is not None
    retry(world.settings, [items.id])
    world.drain()
    assert world.entries() == []
    (again,) = world.context.deps.quarantine
    assert (again.source, again.reason) == ("bad", items.reason)
    assert set(world.context.counter_store.snapshot([]).by_source) == {"feeds"}


CUT_OFF = (
    b"<rss version='2.0'><channel><title>News</title>"
    + item(1).encode()
    + b"<item><title>abc</title><link>http://x.example/2</link>"
)


UNTITLED = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc>http://x.example/1</loc><news:news><news:title>One</news:title></news:news></url>
<url><loc>http://x.example/2</loc><news:news><news:keywords>abc</news:keywords></news:news></url>
</urlset>"""


BAD_ITEM = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": [
{"id": "1", "title": "One", "content_text": "x"},
{"id": "2", "data": [{"title": "abc", "content_text": "y"}]}]}"""


@pytest.mark.parametrize("is_polled", [True, False])
@pytest.mark.parametrize("data", [CUT_OFF, UNTITLED, BAD_ITEM])
def test_a_refused_entry_is_retried_as_part_of_its_feed(
    world: World, web: Web, data: bytes, is_polled: bool
) -> None:
    """It is refused again by the same rules; the feed's other articles are duplicates."""
    if is_polled:
        web.pages["/feed"] = Reply(body=data)
        world.add_feed("news", web.url("/feed"))
        world.poll()
    else:
        world.put("feed.xml", data)
        world.run()
    [before] = world.context.deps.quarantine
    assert len(world.entries()) == 1
    assert retry(world.settings, [before.id]).files == 1
    world.drain()
    [after] = world.context.deps.quarantine
    assert after.id != before.id
    assert (after.reason, after.message, after.origin) == (
        before.reason,
        before.message,
        before.origin,
    )
    assert [entry["data"]["title"] for entry in world.entries()] != ["abc"]
    assert len(world.entries()) == 1
    assert audit(world.settings).unaccounted == 0


def test_a_retried_entry_that_can_be_read_now_is_published(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After what refused it is mended, a retried entry has the parser and the feed it had."""
    with monkeypatch.context() as patch:
        refusal = Refusal(Reason.INTERNAL, "a bug", None)
        patch.setattr(xml_feed.XmlFeed, "read", lambda *_: refusal)
        web.pages["/feed"] = feed(1)
        world.add_feed("news", web.url("/feed"))
        world.poll()
    [refused] = world.context.deps.quarantine
    retry(world.settings, [refused.id])
    world.drain()
    [entry] = world.entries()
    provenance = entry["data"]["provenance"]
    assert (provenance["parser"], provenance["feed_url"]) == ("feed", web.url("/feed"))
    assert provenance["source"] == "news"
