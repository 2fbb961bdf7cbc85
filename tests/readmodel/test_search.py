"""The read model: searching, building, and working without it."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Server
from tests.world import World, article
from worker.errors import UsageError
from worker.pipeline.search import feed_search, rebuild_search
from worker.queries.articles import ArticleList, search_articles
from worker.readmodel import database, search
from worker.readmodel.database import ReadModelUnavailable, current_file, open_reader, open_writer
from worker.readmodel.filters import Filters
from worker.readmodel.words import fold_parts, index_terms, parse_words, query_terms
from worker.settings.clock import utc_now
from worker.spool.archive import Archive


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    return World(tmp_path, redis_server.url)


def fill(world: World, *titles: str) -> None:
    """Publish one article of each title, and make it searchable."""
    for title in titles:
        world.put(f"{title}.md", article(title, text=f"{title}：正文，Ferry No{len(title)} sails."))
    world.run()
    feed_search(world.context)


def search_titles(
    world: World, count: int = 50, before: str | None = None, **given: Any
) -> list[str]:
    """The titles that pass these filters, newest first."""
    return [row.title for row in listed(world, count, before, **given).articles]


def listed(world: World, count: int = 50, before: str | None = None, **given: Any) -> ArticleList:
    return search_articles(world.settings, Filters(**given), count, before, utc_now())


@pytest.mark.parametrize(
    "words",
    ["港", "港口", "港口扩建", "港口 ferry", "ｎｏ４", "FERRY no4", "ferryno4", "o4", "扩建：正"],
)
def test_words_of_any_length_are_found(world: World, words: str) -> None:
    """One Chinese character, two, a phrase, and parts of Latin words, folded as titles are."""
    fill(world, "港口扩建", "澄湖气象台")
    assert search_titles(world, q=words) == ["港口扩建"]


@pytest.mark.parametrize("words", ["口港", "港口建扩", "港口 气象", "扩建正文9", "no44"])
def test_index_candidates_are_verified(world: World, words: str) -> None:
    """All words must be there, each in one piece."""
    fill(world, "港口扩建口", "澄湖气象台")
    assert search_titles(world, q=words) == []


def test_articles_are_found_by_the_kind_of_a_warning(world: World) -> None:
    """Whatever the warning's text is; an unknown kind is an error."""
    world.put("x.md", article("没有日期", date="Invalid Date"))
    fill(world, "有日期")
    assert search_titles(world, warning="date_unreadable") == search_titles(
        world, warning="date_missing"
    )
    assert search_titles(world, warning="date_missing") == ["没有日期"]
    assert search_titles(world, warning="cut") == []
    with pytest.raises(UsageError, match=r"the kinds are .*date_missing"):
        Filters(warning="Invalid Date")


def test_terms_find_every_text_that_has_the_word() -> None:
    """The index never misses a text that the comparison would accept."""
    text = fold_parts("Étude 3:1, e-mail AI之路", "第一行。\n第二行 zeppelin x")
    terms = set(index_terms(text).split())
    for length in (1, 2, 3, 5, 9):
        for at in range(len(text) - length):
            if (word := text[at : at + length]).isprintable() and "\n" not in word:
                query = query_terms(parse_words(word))
                assert {term.strip('"') for term in query.split(" AND ") if term} <= terms, word


def test_filters_combine(world: World) -> None:
    """Source, tag, language, publisher, date, job and outcome; all that are given."""
    fill(world, "港口扩建", "澄湖气象台")
    world.put("again.md", article("港口扩建", text="另一段。"))
    world.put("empty.md", "")
    world.run()
    feed_search(world.context)
    assert (
        set(search_titles(world, tag="金融"))
        == set(search_titles(world, source="drop"))
        == {"澄湖气象台", "港口扩建"}
    )
    assert search_titles(world, date="2021-11-26") == search_titles(world, date="2021")
    assert search_titles(world, date="2021-12") == search_titles(world, tag="金") == []
    assert search_titles(world, language="zh", publisher="新浪财经", q="港口") == ["港口扩建"]
    (again,) = listed(world, outcome="duplicate").articles
    assert (again.title, again.outcome, again.stream_id) == ("港口扩建", "duplicate", None)
    (refused,) = listed(world, outcome="rejected").articles
    assert (refused.title, refused.id) == ("empty.md", None)
    assert refused.quarantine
    assert len(search_titles(world, outcome="any")) == 4
    job = listed(world, source="drop").articles[0]
    assert job.type == "article.published"


@pytest.mark.parametrize("given", [{"date": "26/11"}, {"outcome": "lost"}, {"q": " \u200b "}])
def test_filters_that_cannot_be_used(world: World, given: dict[str, Any]) -> None:
    """They are refused with what to write instead."""
    fill(world, "港口扩建")
    with pytest.raises(UsageError):
        search_titles(world, **given)
    with pytest.raises(UsageError, match="next"):
        search_titles(world, before="1-0", source="drop")


def test_pages_continue_over_full_text_tables(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the time of a search was over before."""
    monkeypatch.setattr(database, "PART", 3)
    monkeypatch.setattr("worker.readmodel.search.PART", 3)
    monkeypatch.setattr("worker.readmodel.writer.PART", 3)
    titles = [f"港口第{number}号" for number in range(8)]
    for title in titles:
        fill(world, title)
    for seconds, few in ((2.0, 0), (-1.0, 0), (-1.0, 2_000)):
        monkeypatch.setattr(search, "SEARCH_SECONDS", seconds)
        monkeypatch.setattr(search, "_FEW", few)
        seen, before = [], None
        while True:
            page = listed(world, 2, before, q="港口")
            seen += [row.title for row in page.articles]
            if (before := page.next) is None:
                break
        assert seen == titles[::-1]
    assert search_titles(world, q="第0号") == (["港口第0号"] if search.SEARCH_SECONDS > 0 else [])


def test_a_rebuilt_index_is_the_same(world: World) -> None:
    """From the archive alone, after the stream was trimmed; the old one is used until then."""
    fill(world, "港口扩建", "澄湖气象台")
    before = listed(world, q="正文")
    world.context.redis.xtrim("newsdrop:articles", maxlen=0)
    old = current_file(world.settings.state_dir)
    for _ in rebuild_search(world.context):
        assert current_file(world.settings.state_dir) == old
    assert current_file(world.settings.state_dir) != old
    assert listed(world, q="正文") == before
    assert set(search_titles(world, tag="金融", language="zh")) == {"澄湖气象台", "港口扩建"}
    folder = database.search_dir(world.settings.state_dir)
    files = [path.name for path in folder.iterdir() if not path.name.endswith(("-wal", "-shm"))]
    assert sorted(files) == ["2.sqlite", "lock"]


def test_a_damaged_journal_hides_its_own_articles_only(world: World) -> None:
    """The others are found, and it is not tried again."""
    for name in ("港口扩建", "澄湖气象台"):
        world.put("a.md", article(name))
        world.run()
    first = next(iter(Archive(world.settings.state_dir).segments()))
    first.journal_path.write_text("{}\n")
    for _ in rebuild_search(world.context):
        pass
    assert feed_search(world.context) == 0
    assert search_titles(world, q="正文") == ["澄湖气象台"]


def test_raw_files_are_parsed_once(world: World) -> None:
    """What ended the process while it was parsed again is listed without its record."""
    fill(world)
    world.put("a.md", article("港口扩建"))
    world.run()
    world.context.redis.xtrim("newsdrop:articles", maxlen=0)
    (segment,) = Archive(world.settings.state_dir).segments()
    with open_writer(world.settings.state_dir) as db:
        assert db is not None
        db.execute("INSERT INTO state VALUES ('tried', ?)", (segment.batch,))
    feed_search(world.context)
    assert (search_titles(world, q="港口"), search_titles(world, tag="金融")) == (["港口扩建"], [])


def test_the_work_comes_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a batch waits, one segment is added at a time, with long pauses."""
    clock = [1_000_000_000.0]
    monkeypatch.setattr("worker.pipeline.search.time.time", lambda: clock[0])
    fill(world)
    for title in ("甲", "乙", "丙"):
        world.put(f"{title}.md", article(title))
        world.run()
    world.put("丁.md", article("丁"))
    world.scan()
    assert feed_search(world.context) == 2
    assert "2 finished batches are not in the search index" in str(listed(world, q="正文").problem)
    with open_writer(world.settings.state_dir) as db:
        assert db is not None
        db.execute("UPDATE state SET value = ? WHERE name = 'rest_until'", (clock[0] + 5,))
    assert feed_search(world.context) == 0
    assert len(search_titles(world, q="正文")) == 1
    clock[0] += 6
    feed_search(world.context)
    assert len(search_titles(world, q="正文")) == 2
    world.drain()
    assert feed_search(world.context) == 0
    assert len(search_titles(world, q="正文")) == 4


def test_what_the_archive_lost_is_removed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions go with their journals, and a full-text table with its last decision."""
    monkeypatch.setattr(database, "PART", 2)
    monkeypatch.setattr("worker.readmodel.search.PART", 2)
    monkeypatch.setattr("worker.readmodel.writer.PART", 2)
    fill(world)
    for title in ("港口一", "港口二", "港口三", "港口四"):
        fill(world, title)
    for segment in list(Archive(world.settings.state_dir).segments())[:3]:
        segment.journal_path.unlink()
    feed_search(world.context)
    assert search_titles(world, q="港口") == search_titles(world, tag="金融") == ["港口四"]
    with open_reader(world.settings.state_dir) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master")]
        assert [name for name in tables if name in ("words_0", "words_1", "words_2")] == ["words_2"]
        assert db.execute("SELECT count(*) FROM body").fetchone() == (1,)


def test_a_broken_read_model_stops_no_work(world: World) -> None:
    """Absent, broken, locked or of another version: a search has advice, and it is rebuilt."""
    with pytest.raises(ReadModelUnavailable, match="newsdrop reindex"):
        search_titles(world, q="港口")
    fill(world, "港口扩建")
    path = current_file(world.settings.state_dir)
    assert path is not None
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(ReadModelUnavailable, match="another version"):
        search_titles(world, q="港口")
    with pytest.raises(ReadModelUnavailable):
        feed_search(world.context)
    feed_search(world.context)
    assert search_titles(world, q="港口") == ["港口扩建"]
    assert current_file(world.settings.state_dir) == path
    path.write_bytes(b"no database at all" * 300)
    with pytest.raises(ReadModelUnavailable, match="newsdrop reindex"):
        search_titles(world, q="港口")
    with pytest.raises(ReadModelUnavailable):
        feed_search(world.context)
    feed_search(world.context)
    assert search_titles(world, q="港口") == ["港口扩建"]
    with open_writer(world.settings.state_dir) as held:
        assert held is not None
        held.execute("BEGIN EXCLUSIVE")
        assert feed_search(world.context) == 0
        assert search_titles(world, q="港口") == ["港口扩建"]
        held.execute("ROLLBACK")


def test_without_fts5_texts_are_compared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An SQLite without the module finds the same, more slowly."""
    monkeypatch.setattr("worker.readmodel.writer.make_words_table", lambda db, table: False)
    fill(world, "港口扩建", "澄湖气象台")
    assert search_titles(world, q="港口") == ["港口扩建"]


def test_a_late_index_says_so(world: World) -> None:
    """Where no worker updates it, the page shows since when."""
    fill(world, "港口扩建")
    assert listed(world, q="港口").problem is None
    with open_writer(world.settings.state_dir) as db:
        assert db is not None
        db.execute("UPDATE state SET value = 1000000000 WHERE name = 'at'")
    assert "2001-09-09T01:46:40" in str(listed(world, q="港口").problem)
