"""Articles as they are shown: pages of the newest, and one with its history."""

import time
from itertools import chain
from pathlib import Path

import pytest

from tests.home import Home, article
from worker.errors import NotThere, StoreUnavailable, UsageError
from worker.pipeline.batch.drain import drain
from worker.queries.article import get_article as one_article
from worker.queries.articles import ArticleList, list_articles
from worker.queries.history import find_by_article
from worker.readmodel.database import search_dir


def published(home: Home, count: int = 5) -> list[str]:
    """The ids of so many articles, oldest first."""
    paths = [
        home.put(f"{n}.md", article(f"港口第{n}号公告", body=f"Ferry No{n} sails."))
        for n in range(count)
    ]
    home.json("enqueue", *map(str, paths))
    home.work()
    return [one["id"] for one in home.lines("tail", "--from", "0")]


def test_pages_of_the_newest(home: Home) -> None:
    """Newest first; each page names where the next one begins, the last one nothing."""
    ids = published(home)
    first = list_articles(home.settings(), 2)
    second = list_articles(home.settings(), 2, first.next)
    third = list_articles(home.settings(), 2, second.next)
    pages = [[row.id for row in page.articles] for page in (first, second, third)]
    assert list(chain(*pages)) == ids[::-1]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert third.next is None
    row = first.articles[0]
    assert (row.title, row.source, row.revision) == ("港口第4号公告", "manual", 1)
    assert (row.date, row.type) == ("2022-03-04", "article.published")
    assert row.ingested_at.endswith("Z")


def test_an_empty_stream(home: Home) -> None:
    """No articles, no next page."""
    assert list_articles(home.settings(), 10) == ArticleList((), None)


@pytest.mark.parametrize("before", ["", "x", "1-2-3", "-1", "(5", "99999999999999999999999", "１"])
def test_an_invalid_stream_id(home: Home, before: str) -> None:
    """A page begins at a stream id and nothing else; Redis is not called for it."""
    with pytest.raises(UsageError, match="not a stream ID"):
        list_articles(home.settings(), 10, before)


def test_entries_of_other_programs(home: Home) -> None:
    """An entry without a record is listed with what it has."""
    client = home.context().redis
    client.xadd("newsdrop:articles", {"data": "{[", "title": "甲"}, id="18446744073709551615-1")
    (row,) = list_articles(home.settings(), 10).articles
    assert (row.title, row.id, row.word_count) == ("甲", "", None)


def test_one_article_with_its_history(home: Home) -> None:
    """The record in the stream, and every file that was the article."""
    first, *_ = published(home)
    home.json(
        "enqueue", str(home.put("again.md", article("港口第0号公告", body="Ferry No0 sails.")))
    )
    home.work()
    found = one_article(home.settings(), first)
    assert found.record is not None
    assert (found.record["id"], found.record_from) == (first, "stream")
    assert [one.status for one in found.explained.past] == ["published", "duplicate"]
    assert found.problem is None


def test_a_trimmed_article_is_read_again_from_the_archive(home: Home) -> None:
    """The same record, but for what only its offering knew; nothing once the raw files are gone."""
    first, *_ = published(home)
    before = one_article(home.settings(), first).record
    home.context().redis.xtrim("newsdrop:articles", maxlen=0)
    after = one_article(home.settings(), first)
    assert (after.record, after.record_from) == (before, "archive")
    for raw in (home.state / "archive").rglob("*.tar.zst"):
        raw.unlink()
    trimmed = one_article(home.settings(), first)
    assert (trimmed.record, trimmed.record_from) == (None, None)
    assert trimmed.explained.past[0].title == "港口第0号公告"


def test_the_archive_answers_where_redis_does_not(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Archived articles are shown with the problem; others raise StoreUnavailable."""
    first, *_ = published(home)
    monkeypatch.setenv("NEWSDROP_REDIS_URL", f"unix://{home.path}/nobody.sock")
    found = one_article(home.settings(), first)
    assert found.record_from == "archive"
    assert found.problem is not None
    with pytest.raises(StoreUnavailable):
        one_article(home.settings(), "20220304-" + "0" * 24)


@pytest.mark.parametrize("wanted", ["", "x", "20220304-" + "0" * 24, "../../etc/passwd", "é" * 900])
def test_an_unknown_article(home: Home, wanted: str) -> None:
    """Invalid and unknown ids raise NotThere."""
    with pytest.raises(NotThere, match="no article has the id"):
        one_article(home.settings(), wanted)


def test_what_each_consumer_group_did_with_it(home: Home) -> None:
    """Not read, pending at a consumer since a time, or acknowledged; groups by name."""
    first, second = published(home, 2)
    client = home.context().redis
    for group in ("c-unread", "b-pending", "a-done"):
        client.xgroup_create("newsdrop:articles", group, "0")
    client.xreadgroup("b-pending", "desk", {"newsdrop:articles": ">"}, count=1)
    client.xreadgroup("a-done", "desk", {"newsdrop:articles": ">"}, count=1)
    in_stream = one_article(home.settings(), first).explained.in_stream
    assert in_stream is not None
    client.xack("newsdrop:articles", "a-done", in_stream.stream_id)
    done, pending, unread = one_article(home.settings(), first).deliveries
    assert (done.group, done.state, done.consumer) == ("a-done", "acknowledged", None)
    assert (pending.state, pending.consumer, pending.count) == ("pending", "desk", 1)
    assert pending.delivered_ms is not None
    assert abs(pending.delivered_ms / 1000 - time.time()) < 60
    assert (unread.group, unread.state) == ("c-unread", "unread")
    assert {one.state for one in one_article(home.settings(), second).deliveries} == {"unread"}


def test_the_history_of_an_article_reads_few_journals(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Journals that the read model assigns to other articles only are not read."""
    for name in ("一", "二", "三"):
        home.run("enqueue", str(home.put(f"{name}.md", article(name))))
        home.work()
    settings = home.settings()
    (wanted,) = list_articles(settings, 1).articles
    home.run("enqueue", str(home.put("again.md", article("三") + "\n")))
    context = home.context()
    drain(context.roots, context.deps, seconds=60)  # the read model does not have it
    read: list[str] = []
    read_bytes = Path.read_bytes

    def count(path: Path) -> bytes:
        read.append(path.name)
        return read_bytes(path)

    assert wanted.id is not None
    monkeypatch.setattr(Path, "read_bytes", count)
    past = list(find_by_article(settings, wanted.id))
    monkeypatch.undo()
    assert [entry.status for entry in past] == ["published", "duplicate"]
    assert len(read) == 2
    for file in search_dir(home.state).iterdir():
        file.unlink()
    assert len(list(find_by_article(settings, wanted.id))) == 2
