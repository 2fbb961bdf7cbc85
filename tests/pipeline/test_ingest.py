"""From batch to outcomes: each article once, whatever happens in between."""

import io
import os
import signal
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Server
from tests.world import World, article, in_child
from worker.actions.quarantine import retry
from worker.errors import SpoolUnavailable, StoreUnavailable
from worker.model import Article, Decision, Identity, IndexEntry, PublishRequest, RawArticle
from worker.normalize import Normalized
from worker.pipeline import extract
from worker.pipeline.batch import run as batch_run
from worker.pipeline.feeds import documents as feed_documents
from worker.pipeline.recover import recover
from worker.pipeline.replay import replay
from worker.spool import archive as archiving
from worker.spool import batch as batches
from worker.spool import journal as journals
from worker.spool.archive import Archive
from worker.spool.batch import Batch
from worker.spool.journal import Journal
from worker.spool.quarantine import Quarantine
from worker.store.articles import ArticleStore
from worker.store.counters import CounterStore


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    return World(tmp_path, redis_server.url)


def test_a_dropped_file_is_one_record(world: World) -> None:
    """One entry, one segment, one count; under another name it is a duplicate without an entry."""
    world.put("2021/a.md", article())
    world.run()
    [entry] = world.entries()
    assert entry["type"] == "article.published"
    assert entry["data"]["title"] == "一条新闻"
    assert entry["data"]["provenance"]["path"] == "2021/a.md"
    assert entry["data"]["provenance"]["job"].startswith("scan-drop-")
    assert entry["data"]["first_seen_at"] <= entry["data"]["ingested_at"]
    world.put("b.md", article())
    world.put("c.md", article(text="正文第一段。\n"))
    world.run()
    assert len(world.entries()) == 1
    totals = world.totals()
    assert (totals.archived, totals.published, totals.duplicate) == (3, 1, 2)
    assert world.waiting() == []
    assert {line["status"] for line in world.journal()} == {"published", "duplicate"}
    assert not [path for path in world.drop_dir.rglob("*.md") if path.name != ".newsdrop"]


def test_one_bad_article_does_not_hold_up_the_others(world: World) -> None:
    """A refused file is quarantined with its reason; the other files are published."""
    world.put("a.md", article("一"))
    world.put("bad.md", b"")
    world.put("z.md", article("二"))
    world.run()
    assert {entry["data"]["title"] for entry in world.entries()} == {"一", "二"}
    [refused] = world.context.deps.quarantine
    assert refused.reason == "empty"
    assert refused.path == "bad.md"
    assert world.context.deps.quarantine.raw_path(refused.id).read_bytes() == b""
    totals = world.totals()
    assert (totals.archived, totals.quarantined, totals.rejected) == (2, 1, 1)


def test_one_bad_article_of_a_file_is_refused_alone(world: World) -> None:
    """The good articles are published, and the file is kept for the bad one."""
    text = '{"title":"一","content":"x"}\n{broken\n{"title":"二","content":"y"}\n'
    world.put("many.ndjson", text)
    world.run()
    assert [entry["data"]["title"] for entry in world.entries()] == ["一", "二"]
    [refused] = world.context.deps.quarantine
    assert refused.ordinal == 1
    assert world.context.deps.quarantine.raw_path(refused.id).read_text() == text
    totals = world.totals()
    assert (totals.archived, totals.quarantined, totals.published, totals.rejected) == (1, 0, 2, 1)


def test_an_archive_of_bad_members_is_kept_once(world: World) -> None:
    """The quarantine keeps the archive as dropped, once, and it can be retried."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for number in range(5):
            content = article("好") if number == 2 else b"\x00\x01" * 200_000
            info = tarfile.TarInfo(f"{number}.md")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    world.put("many.tar.gz", packed.getvalue())
    world.run()
    assert [entry["data"]["title"] for entry in world.entries()] == ["好"]
    [refused] = world.context.deps.quarantine
    assert world.context.deps.quarantine.raw_path(refused.id).read_bytes() == packed.getvalue()
    assert refused.message.startswith("0.md: ")
    lines = [line for line in world.journal() if line["status"] == "rejected"]
    assert [line["quarantine"] for line in lines] == [refused.id] * 4
    assert lines[3]["message"].startswith("4.md: ")
    retry(world.settings, [refused.id])
    world.drain()
    totals = world.totals()
    assert (totals.published, totals.duplicate, totals.rejected) == (1, 1, 8)
    assert len(world.context.deps.quarantine.ids()) == 1


def test_a_bug_in_reading_refuses_only_its_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error quarantines the input as `internal` and stops nothing else."""
    real = extract.normalize

    def buggy(raw: RawArticle, **rest: Any) -> Any:
        if raw.title == "坏":
            raise ZeroDivisionError
        return real(raw, **rest)

    monkeypatch.setattr(extract, "normalize", buggy)
    world.put("a.md", article("坏"))
    world.put("b.md", article("好"))
    world.run()
    assert [entry["data"]["title"] for entry in world.entries()] == ["好"]
    assert [refused.reason for refused in world.context.deps.quarantine] == ["internal"]


# ── killed between each two steps ───────────────────────────────────────────────────────────

STEPS: dict[str, tuple[object, str, bool]] = {
    "before reading": (Batch, "read", False),
    "after the lookup": (ArticleStore, "look_up", True),
    "while parsing": (Journal, "start", True),
    "before publishing": (ArticleStore, "publish", False),
    "after publishing, the reply lost": (ArticleStore, "publish", True),
    "after the outcomes are in the journal": (Journal, "add", True),
    "before the refused file is quarantined": (Quarantine, "put", False),
    "after the refused file is quarantined": (Quarantine, "put", True),
    "before archiving": (Archive, "write", False),
    "between raw files and journal": (archiving, "_journal", False),
    "after archiving": (Archive, "write", True),
    "after settling": (CounterStore, "settle", True),
    "while removing": (batches.shutil, "rmtree", False),
    "after removing": (Batch, "remove", True),
}


def dying(real: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    def step(*args: Any, **kwargs: Any) -> Any:
        if after:
            real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    return step


@pytest.mark.parametrize("step", STEPS)
def test_killed_between_two_steps(world: World, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """kill -9 at any step: each article is published once, counted once, no duplicate of itself."""
    for number in range(3):
        world.put(f"{number}.md", article(f"第{number}条"))
    world.put("bad.md", b"")
    world.scan()
    holder, name, after = STEPS[step]
    with monkeypatch.context() as patch:
        patch.setattr(holder, name, dying(getattr(holder, name), after=after))
        assert in_child(world.drain) == -signal.SIGKILL
    world.drain()
    assert sorted(entry["data"]["title"] for entry in world.entries()) == [
        "第0条",
        "第1条",
        "第2条",
    ]
    totals = world.totals()
    assert (totals.published, totals.duplicate, totals.rejected) == (3, 0, 1)
    assert (totals.archived, totals.quarantined) == (3, 1)
    assert len(list(world.context.deps.quarantine)) == 1
    assert world.waiting() == []
    assert len(world.journal()) == 4


def test_a_file_that_kills_its_worker_twice_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried twice, after the others, then quarantined."""
    real = extract.parse_document

    def deadly(document: Any, context: Any) -> Iterator[Any]:
        if "致命".encode() in document.data:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(document, context)

    monkeypatch.setattr(extract, "parse_document", deadly)
    world.put("a.md", article("致命"))
    world.put("b.md", article("无害"))
    world.scan()
    codes = [in_child(world.drain) for _ in range(2)]
    assert len(world.entries()) == 1, "at its second try what is read with it is published first"
    codes.append(in_child(world.drain))
    assert codes == [-signal.SIGKILL] * 2 + [0]
    assert [entry["data"]["title"] for entry in world.entries()] == ["无害"]
    [refused] = world.context.deps.quarantine
    assert refused.reason == "kills_worker"
    assert "2 times" in refused.message


def test_a_slow_batch_is_finished(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It continues in the next slice; a killed worker's results stay, and no file is blamed."""
    for number in range(8):
        world.put(f"{number}.md", article(f"第{number}条"))
    world.scan()
    real = feed_documents.parse_entry

    def slow(*args: Any) -> Iterator[Any]:
        time.sleep(0.2)
        yield from real(*args)

    monkeypatch.setattr(feed_documents, "parse_entry", slow)
    monkeypatch.setattr(batch_run, "JOURNAL_INTERVAL", timedelta(0))

    def ended() -> None:
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
        world.drain()

    assert in_child(ended) == -signal.SIGKILL
    rounds = 0
    while world.waiting() and rounds < 50:
        assert world.drain(seconds=0.1).has_more or not world.waiting()
        rounds += 1
    assert 1 < rounds < 50
    assert len(world.entries()) == world.totals().published == 8
    assert list(world.context.deps.quarantine) == []


def test_as_many_articles_as_are_allowed(tmp_path: Path, redis_server: Server) -> None:
    """A file with exactly `limits.articles` articles is read whole; one more is refused."""
    world = World(tmp_path, redis_server.url, **{"limits.articles": 2})
    lines = [f'{{"title":"第{number}条","content":"正文"}}\n' for number in range(3)]
    world.put("two.ndjson", "".join(lines[:2]))
    world.run()
    assert list(world.context.deps.quarantine) == []
    world.put("three.ndjson", "".join(reversed(lines)))
    world.run()
    assert [one.reason for one in world.context.deps.quarantine] == ["too_many"]


def test_two_workers_at_once(world: World) -> None:
    """Two workers that drain the same spool share its batches: each article once, counted once."""
    for number in range(300):
        world.put(f"{number}.md", article(f"第{number}条"))
    other = World(world.settings.state_dir, world.settings.redis.url, **{"spool.batch_files": 10})
    other.scan()
    reader, writer = os.pipe()
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            os.read(reader, 1)
            World(world.settings.state_dir, world.settings.redis.url).drain()
            os._exit(0)
        children.append(child)
    os.write(writer, b"!!")
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    assert len({entry["id"] for entry in world.entries()}) == len(world.entries()) == 300
    assert world.totals().published == world.totals().archived == 300
    assert world.waiting() == []


# ── the world is bad ────────────────────────────────────────────────────────────────────────


def test_without_redis_work_waits(tmp_path: Path, own_server: Callable[..., Server]) -> None:
    """While Redis is unavailable batches wait, and no attempt is counted; then they continue."""
    server = own_server(appendonly=True)
    world = World(tmp_path, server.url)
    world.put("a.md", article())
    world.scan()
    server.kill()
    for _ in range(4):
        with pytest.raises(StoreUnavailable):
            world.drain()
    assert len(world.waiting()) == 1
    server.start()
    world.drain()
    assert len(world.entries()) == 1
    assert list(world.context.deps.quarantine) == []


def test_a_full_disk_pauses_and_resumes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No room for the archive: the batch stays, is published once, and ends when there is room."""
    world.put("a.md", article())
    world.scan()
    with monkeypatch.context() as patch:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(archiving, "write_durably", full)
        with pytest.raises(SpoolUnavailable, match="No space left"):
            world.drain()
        assert len(world.waiting()) == 1
    world.drain()
    assert len(world.entries()) == 1
    assert world.totals().published == 1


def test_intake_pauses_below_the_least_free_space(tmp_path: Path, redis_server: Server) -> None:
    """With less room than `spool.min_free_mb` nothing is claimed: files stay in the folder."""
    world = World(tmp_path, redis_server.url, **{"spool.min_free_mb": 10**9})
    path = world.put("a.md", article())
    with pytest.raises(SpoolUnavailable, match="intake waits"):
        world.scan()
    assert path.exists()


def test_what_a_restarted_redis_lost_is_published_again(
    tmp_path: Path, own_server: Callable[..., Server]
) -> None:
    """Same ids and times, counted once; if nothing was lost, nothing is repeated."""
    server = own_server()
    world = World(tmp_path, server.url)
    recover(world.context)
    world.put("a.md", article())
    world.run()
    [before] = world.entries()
    server.kill()
    server.start()
    recover(world.context)
    [after] = world.entries()
    assert after["data"] == before["data"]
    assert (world.totals().published, world.totals().archived) == (1, 1)
    recover(world.context)
    assert len(world.entries()) == 1


def test_a_replay_of_what_is_known_changes_nothing(world: World) -> None:
    """Replay publishes nothing unless the index and stream are gone; then all revisions."""
    world = World(
        world.settings.state_dir, world.settings.redis.url, folder={"on_change": "revise"}
    )
    for text in ("原文。", "改正后的原文。", "再次改正后的原文。"):
        world.put("a.md", article(text=text))
        world.run()
    before = world.entries()
    assert [entry["revision"] for entry in before] == [1, 2, 3]
    segments = list(world.context.deps.archive.segments())
    assert [replay(segment, world.context.deps) for segment in segments] == [0, 0, 0]
    assert world.entries() == before
    world.context.redis.flushall()
    assert [replay(segment, world.context.deps) for segment in segments] == [1, 1, 1]
    assert world.entries() == before
    totals = world.totals()
    assert (totals.published, totals.revised, totals.archived) == (1, 2, 3)


# ── what each mechanism is for ──────────────────────────────────────────────────────────────


def test_known_bytes_are_not_parsed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes again are a duplicate without being parsed; forced, they are a revision."""
    path = world.put("a.md", article())
    data = path.read_bytes()
    world.run()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("parsed")

    with monkeypatch.context() as patch:
        patch.setattr(feed_documents, "parse_entry", never)
        world.put("b.md", data)
        world.run()
    assert world.totals().duplicate == 1
    again = world.settings.state_dir / "again.md"
    again.write_bytes(data)
    world.enqueue(again, force=True)
    world.drain()
    assert [entry["type"] for entry in world.entries()] == ["article.published", "article.revised"]
    assert again.exists(), "enqueuing copies"


def test_a_duplicate_makes_no_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other bytes of a known article are read up to its identity only, unless the index forgets
    it."""
    made = []
    real = Normalized.record

    def counted(self: Normalized, ingested_at: str) -> Article:
        made.append(self.title)
        return real(self, ingested_at)

    monkeypatch.setattr(Normalized, "record", counted)
    world.put("a.md", article())
    world.run()
    assert len(made) == 1
    world.put("b.md", article() + b"\n\n")
    world.run()
    assert (len(made), world.totals().duplicate) == (1, 1)
    ask = ArticleStore.exists

    def forgetting(self: ArticleStore, identities: list[Identity]) -> list[bool]:
        known = ask(self, identities)
        assert all(self.forget(identity.id) for identity in identities)
        return known

    monkeypatch.setattr(ArticleStore, "exists", forgetting)
    world.put("c.md", article() + b"\n")
    world.run()
    assert (len(made), world.totals().published, len(world.entries())) == (2, 2, 2)


def test_a_bug_in_making_the_record_refuses_only_its_article(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure after the identity is known quarantines that article alone."""
    real = Normalized.record

    def buggy(self: Normalized, ingested_at: str) -> Article:
        if self.title == "坏":
            raise ZeroDivisionError
        return real(self, ingested_at)

    monkeypatch.setattr(Normalized, "record", buggy)
    world.put("a.md", article("坏"))
    world.put("b.md", article("好"))
    world.run()
    assert [entry["data"]["title"] for entry in world.entries()] == ["好"]
    assert [refused.reason for refused in world.context.deps.quarantine] == ["internal"]
    assert world.totals().quarantined == 1


def test_changed_content_is_reported(world: World) -> None:
    """A duplicate that says so; where the source revises, a revision with the same id."""
    world.put("a.md", article(text="原文。"))
    world.run()
    world.put("a.md", article(text="改正后的原文。"))
    world.run()
    assert world.totals().content_differs == 1
    assert "on_change" in world.journal()[-1]["message"]
    revising = World(
        world.settings.state_dir, world.settings.redis.url, folder={"on_change": "revise"}
    )
    revising.put("a.md", article(text="再次改正后的原文。"))
    revising.run()
    first, second = world.entries()
    assert first["id"] == second["id"]
    assert (second["type"], second["revision"]) == ("article.revised", 2)


def test_articles_are_published_in_bounded_calls(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of many articles is published in its order."""
    sizes = []
    real = ArticleStore.publish

    def publish(
        self: ArticleStore, batch: str, offers: list[PublishRequest]
    ) -> list[Decision | None]:
        sizes.append(len(offers))
        return real(self, batch, offers)

    monkeypatch.setattr(ArticleStore, "publish", publish)
    lines = [f'{{"title":"第{n}条","content":"正文"}}' for n in range(1000)]
    world.put("many.ndjson", "\n".join(lines))
    world.run()
    assert max(sizes) <= 100
    assert [entry["data"]["title"] for entry in world.entries()] == [
        f"第{n}条" for n in range(1000)
    ]


def test_a_second_equal_article_in_one_file_is_a_duplicate(world: World) -> None:
    """Twice the same in one file: one is published, one is a duplicate."""
    line = '{"title":"同一条","date":"2021-11-26","content":"正文"}\n'
    world.put("twice.ndjson", line * 2)
    world.run()
    totals = world.totals()
    assert (totals.published, totals.duplicate, len(world.entries())) == (1, 1, 1)


def test_what_may_have_been_published_is_not_looked_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries of an earlier run are not looked up: they would look like their own duplicates."""
    counts = []
    real = ArticleStore.look_up

    def look_up(self: ArticleStore, raws: list[bytes]) -> list[IndexEntry | None]:
        counts.append(len(raws))
        return real(self, raws)

    monkeypatch.setattr(ArticleStore, "look_up", look_up)
    world.put("a.md", article())
    world.put("b.md", article("另一条"))
    world.scan()
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "start", dying(journals.Journal.start, after=True))
        assert in_child(world.drain) == -signal.SIGKILL
    world.drain()
    assert counts == [1]
    assert world.totals().published == 2
