"""Files that were sent, and addresses, accepted as a job by a caller that cannot wait."""

import shutil
import threading
from collections.abc import Callable

import pytest

from tests.home import Home, article
from tests.http_server import Web
from tests.newsroom import page
from worker import settings as loading
from worker.actions import enqueue as acting
from worker.actions import intake as intaking
from worker.actions.enqueue import Upload, enqueue_addresses, enqueue_files
from worker.actions.feeds import add
from worker.errors import Busy, FetchFailed, NotThere, SpoolUnavailable, UsageError
from worker.queries.jobs import get_job
from worker.sources.enqueue import EnqueueOptions
from worker.spool.batch import batch_names
from worker.spool.layout import manual_root

Loader = Callable[[], loading.Settings]


def sent(home: Home, *named: tuple[str, str]) -> list[Upload]:
    """Files as an upload leaves them: bytes in the state directory, under names of no meaning."""
    folder = home.state / "uploads" / "x"
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, (name, text) in enumerate(named):
        (folder / str(number)).write_text(text, "utf-8")
        files.append(Upload(name, folder / str(number)))
    return files


def test_files_become_articles(home: Home) -> None:
    """Large and small files are published under the sender's names; large ones are renamed, not
    copied."""
    large = article("乙", body="正文。" * 200_000)
    files = sent(home, ("a.md", article("甲")), ("子/b.md", large))
    job_id = enqueue_files(home.settings(), files, EnqueueOptions("drop"))
    assert [one.path.exists() for one in files] == [True, False]
    shutil.rmtree(files[0].path.parent)
    home.work()
    done = get_job(home.settings(), job_id)
    assert (done.articles.published, done.files.accepted, done.source) == (2, 2, "drop")
    provenances = [one["provenance"] for one in home.lines("tail")]
    assert sorted(one["path"] for one in provenances) == ["a.md", "子/b.md"]
    assert home.json("audit")["unaccounted"] == 0


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "a\0b.md", "\x1b[2J.md", "n" * 5000, "", "."]
)
def test_a_name_is_only_text(home: Home, name: str) -> None:
    """A file name is never used as a path; it is shown escaped."""
    enqueue_files(home.settings(), sent(home, (name, article("甲"))))
    home.work()
    (record,) = home.lines("tail")
    assert record["title"] == "甲"
    provenances = record["provenance"]["path"] or ""
    assert provenances.isprintable()


def test_nothing_is_accepted_while_too_many_batches_wait(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At spool.max_waiting the whole request is refused at once, in one sentence."""
    monkeypatch.setenv("NEWSDROP_SPOOL_MAX_WAITING", "1")
    enqueue_files(home.settings(), sent(home, ("a.md", article("甲"))))
    late = sent(home, ("b.md", article("乙")), ("c.md", article("丙")))
    with pytest.raises(Busy, match=r"max_waiting = 1.*try again"):
        enqueue_files(home.settings(), late)
    assert all(one.path.exists() for one in late)
    with pytest.raises(Busy):
        enqueue_addresses(home.settings(), ["http://127.0.0.1:1/"])  # and nothing is fetched
    home.work()
    enqueue_files(home.settings(), late)
    home.work()
    assert len(home.lines("tail")) == 3


def test_many_files_are_many_batches(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call may exceed the limit: it is accepted as a whole, in batches of the usual size."""
    monkeypatch.setenv("NEWSDROP_SPOOL_MAX_WAITING", "1")
    monkeypatch.setenv("NEWSDROP_SPOOL_BATCH_FILES", "2")
    files = sent(home, *((f"{n}.md", article(f"第{n}号")) for n in range(5)))
    job_id = enqueue_files(home.settings(), files)
    assert len(batch_names(manual_root(home.settings()))) == 3
    home.work()
    assert get_job(home.settings(), job_id).articles.published == 5


def test_a_disk_failure_reports_how_many_files_were_accepted(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files accepted before the failure stay accepted, and the error gives their number."""
    monkeypatch.setenv("NEWSDROP_SPOOL_BATCH_FILES", "1")
    files = sent(home, ("a.md", article("甲")), ("b.md", article("乙")))
    taken = acting.Intake.accept_files

    def fails_second(intake: acting.Intake, group: list[acting.Candidate], *, copy: bool) -> object:
        if intake.files:
            raise SpoolUnavailable("the disk is full")
        return taken(intake, group, copy=copy)

    monkeypatch.setattr(acting.Intake, "accept_files", fails_second)
    with pytest.raises(SpoolUnavailable, match=r"1 files were accepted.*the disk is full"):
        enqueue_files(home.settings(), files)
    assert files[1].path.exists()


def test_files_are_accepted_without_redis(lonely: Home) -> None:
    """They wait in the spool until Redis answers."""
    enqueue_files(lonely.settings(), sent(lonely, ("a.md", article("甲"))))
    assert len(batch_names(manual_root(lonely.settings()))) == 1


def test_what_cannot_be_is_refused_before_anything(home: Home) -> None:
    """No files, no addresses, an unknown source, a path for an address, too many addresses."""
    files = sent(home, ("a.md", article("甲")))
    with pytest.raises(UsageError, match="at least one"):
        enqueue_files(home.settings(), [])
    with pytest.raises(NotThere, match="no source"):
        enqueue_files(home.settings(), files, EnqueueOptions("nosuch"))
    with pytest.raises(UsageError, match="at least one"):
        enqueue_addresses(home.settings(), [])
    with pytest.raises(UsageError, match="not an address"):
        enqueue_addresses(home.settings(), ["/etc/passwd"])
    with pytest.raises(UsageError, match="21 addresses"):
        enqueue_addresses(home.settings(), [f"http://a.example/{n}" for n in range(21)])
    assert files[0].path.exists()


@pytest.fixture
def allowed(home: Home, web: Web, monkeypatch: pytest.MonkeyPatch) -> Loader:
    monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_PORTS", str(web.port))
    monkeypatch.setenv("NEWSDROP_FETCH_HOST_INTERVAL_SECONDS", "0")
    return home.settings


def test_an_address_is_fetched_and_published(home: Home, web: Web, allowed: Loader) -> None:
    """Its document becomes an article whose record has the address."""
    web.pages["/a.html"] = page("港口夜航", "第一段。")
    job_id = enqueue_addresses(allowed(), [web.url("/a.html")])
    home.work()
    assert get_job(home.settings(), job_id).articles.published == 1
    (record,) = home.lines("tail")
    assert record["provenance"]["url"] == web.url("/a.html")


def test_one_address_that_fails_takes_none(home: Home, web: Web, allowed: Loader) -> None:
    """Nothing is accepted of the others."""
    web.pages["/a.html"] = page("港口夜航", "第一段。")
    with pytest.raises(FetchFailed, match="404"):
        enqueue_addresses(allowed(), [web.url("/a.html"), web.url("/gone")])
    assert not batch_names(manual_root(home.settings()))


def test_concurrent_fetches_are_limited(
    home: Home, web: Web, allowed: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond AT_ONCE callers get Busy at once; a slot is free again after success and after an
    error."""
    monkeypatch.setattr(intaking, "_fetch_slots", threading.BoundedSemaphore(1))
    web.pages["/a.html"] = page("港口夜航", "第一段。")
    with intaking.fetch_slot():
        with pytest.raises(Busy, match="try again"):
            enqueue_addresses(allowed(), [web.url("/a.html")])
        with pytest.raises(Busy, match="try again"):
            add(allowed(), {"url": web.url("/rss")}, check=True)
    assert not batch_names(manual_root(home.settings()))
    with pytest.raises(FetchFailed):
        enqueue_addresses(allowed(), [web.url("/gone")])
    enqueue_addresses(allowed(), [web.url("/a.html")])


def test_fetching_ends(
    home: Home, web: Web, allowed: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses that take too long in all are given up, and nothing is accepted."""
    web.pages["/a.html"] = page("港口夜航", "第一段。")
    monkeypatch.setattr(acting, "FETCH_SECONDS", -1.0)
    with pytest.raises(UsageError, match="fewer addresses"):
        enqueue_addresses(allowed(), [web.url("/a.html")])
    assert not batch_names(manual_root(home.settings()))
