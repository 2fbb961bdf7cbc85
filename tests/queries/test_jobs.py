"""Jobs: who started them, how long they waited and ran, where their files are."""

import os
import time

import pytest

from tests.home import Home, article
from worker.errors import NotThere
from worker.model import BatchMeasures, Stage, Tally
from worker.queries.jobs import find_jobs, get_job, list_jobs
from worker.readmodel.filters import Filters
from worker.spool import manifest
from worker.spool.batch import acquire, batch_names
from worker.spool.layout import manual_root
from worker.store.factory import job_store
from worker.store.jobs import Job, JobKind


def test_what_started_a_job(home: Home) -> None:
    """A person, a scan, a poll, a retry; unknown without Redis."""
    store = job_store(home.settings())
    for kind in JobKind:
        store.open(Job(kind.value, kind, "drop", "x", int(time.time() * 1000)))
    starters = {one.id: one.started_by for one in list_jobs(home.settings(), 10)}
    assert starters == {
        "enqueue": "person",
        "scan": "scan",
        "poll": "feed",
        "retry": "retry",
        "unknown": "unknown",
    }


def test_how_long_it_waited_and_ran(home: Home) -> None:
    """It waits until a worker takes its first batch, and runs until the last is finished."""
    first = home.json("enqueue", str(home.put("a.md", article("甲"))))["job"]
    began = get_job(home.settings(), first)
    assert (began.waited_seconds, began.ran_seconds, began.last_at) == (None, None, None)
    time.sleep(0.4)
    home.work()
    done = get_job(home.settings(), first)
    assert done.waited_seconds is not None
    assert done.ran_seconds is not None
    assert 0.4 <= done.waited_seconds < 60
    assert 0 < done.ran_seconds < 60
    assert done.waited_seconds + done.ran_seconds >= 0.4


def test_a_job_begins_with_its_first_batch(home: Home) -> None:
    """A later batch does not move the beginning; a batch without a time is ignored."""
    counters = home.context().counter_store
    spent = BatchMeasures({Stage.WAIT: 1.0, Stage.WHOLE: 6.0})
    for number, measured in enumerate(
        (None, spent, BatchMeasures({Stage.WAIT: 1, Stage.WHOLE: 1.5}))
    ):
        counters.settle(
            f"b{number}", source="drop", job="j", tally=Tally(archived=1), measured=measured
        )
    ran = get_job(home.settings(), "j").ran_seconds
    assert ran is not None
    assert 5.0 <= ran < 60


def test_an_hours_job_has_no_times(home: Home) -> None:
    """Its files arrive at any time of the hour."""
    home.drop.joinpath("a.md").write_text(article("甲"), "utf-8")
    home.settle_and_work()
    (find_ids,) = list_jobs(home.settings(), 10)
    assert find_ids.started_by == "scan"
    assert (find_ids.waited_seconds, find_ids.ran_seconds) == (None, None)


def test_a_page_of_jobs(home: Home) -> None:
    """Newest first, and on from a cursor."""
    store = job_store(home.settings())
    now = int(time.time() * 1000)
    for number in range(5):
        store.open(Job(f"j{number}", JobKind.ENQUEUE, "drop", "x", now + number))
    assert [one.id for one in list_jobs(home.settings(), 2)] == ["j4", "j3"]
    assert [one.id for one in list_jobs(home.settings(), 2, 2)] == ["j2", "j1"]
    assert [one.id for one in list_jobs(home.settings(), 2, 4)] == ["j0"]


def test_only_held_batches_are_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand waiting batches cost little."""
    for number in range(3):
        home.json("enqueue", str(home.put(f"{number}.md", article(f"第{number}号"))))
    root = manual_root(home.settings())
    held = acquire(root, batch_names(root)[1])
    assert held is not None
    read: list[str] = []
    loads = manifest.load

    def counted(folder: os.PathLike[str]) -> manifest.Manifest:
        read.append(os.path.basename(folder))
        return loads(folder)  # type: ignore[arg-type]

    monkeypatch.setattr(manifest, "load", counted)
    with held:
        find_ids = list_jobs(home.settings(), 10)
        assert [(one.files.waiting, one.files.working) for one in find_ids] == [
            (1, 0),
            (0, 1),
            (1, 0),
        ]
        assert read == [held.name]


def test_an_unknown_job(home: Home) -> None:
    """The error says how to list jobs."""
    with pytest.raises(NotThere, match="no job has the id"):
        get_job(home.settings(), "nosuch\x1b")


def test_jobs_are_filtered(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """By words, source, day and outcome; a page reads a bounded number of jobs."""
    for name in ("甲", "乙", "丙"):
        home.json("enqueue", str(home.put(f"{name}.md", article(name))))
    home.json("enqueue", str(home.put("again.md", article("甲"))))
    home.work()

    def find_ids(count: int = 10, cursor: int = 0, **given: str) -> tuple[list[str], int | None]:
        views, following = find_jobs(home.settings(), Filters(**given), count, cursor)
        return [view.label.rsplit("/", 1)[-1] for view in views], following

    assert find_ids(q="again") == find_ids(outcome="duplicate") == (["again.md"], None)
    assert find_ids(source="manual", outcome="published") == (["丙.md", "乙.md", "甲.md"], None)
    assert find_ids(source="other") == find_ids(date="1999") == ([], None)
    assert find_ids(2, source="manual") == (["again.md", "丙.md"], 2)
    assert find_ids(2, 2, source="manual") == (["乙.md", "甲.md"], None)
    monkeypatch.setattr("worker.queries.jobs._MAX_READ", 2)
    monkeypatch.setattr("worker.queries.jobs._READ_AT_ONCE", 1)
    assert find_ids(q="甲") == ([], 2)
    assert find_ids(10, 2, q="甲") == (["甲.md"], 4)
