"""The snapshot: its equations hold at every moment."""

import threading
import time

import pytest

from tests.home import Home, article
from worker.pipeline.batch.ingest import ingest
from worker.pipeline.replay import settle
from worker.queries.audit import audit
from worker.queries.status.overview import Status, get_overview
from worker.settings.clock import utc_now
from worker.spool.batch import acquire


def _holds(seen: Status, accepted: int) -> None:
    """The equations, and that no file is counted twice or not at all."""
    files, articles = seen.files, seen.articles
    assert files.archived is not None
    assert files.quarantined is not None
    assert articles is not None
    parts = files.waiting + files.working + files.archived + files.quarantined
    assert files.accepted == parts == accepted
    decided = articles.decision_count
    assert decided == files.archived + files.quarantined  # every file here is one article


def test_the_equations_hold_during_work(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots and audits add up at any time while 60 batches are drained."""
    for number in range(300):
        text = article(f"第{number % 200}篇") if number % 10 else ""
        home.put(f"in/{number}.md", text)
    monkeypatch.setenv("NEWSDROP_SPOOL_BATCH_FILES", "5")
    home.json("enqueue", str(home.path / "in"))
    settings = home.settings()
    seen: list[Status] = []
    worker = threading.Thread(target=home.work)
    worker.start()
    while worker.is_alive():
        seen.append(get_overview(settings, utc_now()).status)
        _holds(seen[-1], 300)
        assert audit(settings).unaccounted == 0
    worker.join()
    last = get_overview(settings, utc_now()).status
    _holds(last, 300)
    assert last.files.quarantined == 30
    assert last.queue.batches == 0
    assert any(0 < one.files.waiting < 300 for one in seen)


def test_a_settled_batch_that_still_lies_in_the_spool_counts_once(home: Home) -> None:
    """A worker that dies between counting a batch and removing it leaves no file counted twice."""
    home.put("a.md", article("甲"))
    home.json("enqueue", str(home.path / "a.md"))
    context = home.context()
    (root,) = [root for root in context.roots if root.source is None]
    (name,) = (path.name for path in root.work.iterdir())
    batch = acquire(root, name)
    assert batch is not None
    with batch:
        batch.remove = lambda: None  # type: ignore[method-assign]  # it dies here
        ingest(batch, context.deps)
    seen = get_overview(home.settings(), utc_now()).status
    _holds(seen, 1)
    assert (seen.files.waiting, seen.files.archived) == (0, 1)
    assert audit(home.settings()).waiting == 0
    home.work()
    _holds(get_overview(home.settings(), utc_now()).status, 1)


def test_an_archived_batch_that_is_not_counted_yet_still_waits(home: Home) -> None:
    """Between archive and counters a batch is in the spool's part of the sum, and only there."""
    home.json("enqueue", str(home.put("a.md", article("甲"))))
    context = home.context()
    (root,) = [root for root in context.roots if root.source is None]
    (name,) = (path.name for path in root.work.iterdir())
    batch = acquire(root, name)
    assert batch is not None
    with batch:
        batch.remove = lambda: None  # type: ignore[method-assign]
        deps = context.deps
        object.__setattr__(deps, "settle", lambda *_: None)
        ingest(batch, deps)
        held = get_overview(home.settings(), utc_now()).status
        assert (held.files.working, held.files.accepted) == (1, 1)
    seen = get_overview(home.settings(), utc_now()).status
    assert (seen.files.waiting, seen.files.archived) == (1, 0)
    segment = context.deps.archive.find(name)
    assert segment is not None
    settle(segment, home.context().deps)
    _holds(get_overview(home.settings(), utc_now()).status, 1)


def test_a_batch_being_worked_on_is_working(home: Home) -> None:
    """Files of a batch that a process holds are `working`, not `waiting`; the oldest has an age."""
    home.json("enqueue", str(home.put("a.md", article("甲"))))
    context = home.context()
    (root,) = [root for root in context.roots if root.source is None]
    (name,) = (path.name for path in root.work.iterdir())
    time.sleep(0.01)
    batch = acquire(root, name)
    assert batch is not None
    with batch:
        seen = get_overview(home.settings(), utc_now()).status
    assert (seen.files.waiting, seen.files.working) == (0, 1)
    assert seen.queue.oldest_age_s is not None
    assert seen.queue.oldest_age_s > 0
