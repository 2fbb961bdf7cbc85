"""`enqueue` and `replay`: work added by hand."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import redis

from tests.home import Home, article
from tests.template import Program
from tests.warcs import page
from worker.cli import progress
from worker.errors import UsageError
from worker.model.times import parse_moment
from worker.pipeline.batch.drain import drain


def test_enqueue_copies_by_default_and_moves_with_move(home: Home) -> None:
    """The file stays where it is; with `--move` it is gone once it is accepted."""
    copied, taken = home.put("kept.md", article("甲")), home.put("taken.md", article("乙"))
    assert home.json("enqueue", str(copied))["files"] == 1
    assert home.json("enqueue", "--move", str(taken))["files"] == 1
    assert copied.exists()
    assert not taken.exists()
    home.work()
    assert {record["title"] for record in home.lines("tail", "--from", "0")} == {"甲", "乙"}


def test_enqueue_walks_folders_and_reads_standard_input(home: Home) -> None:
    """A folder with its subfolders, and `-`, are one job."""
    home.put("mirror/2021/a.md", article("甲"))
    home.put("mirror/2022/a.md", article("乙"))
    home.put("mirror/.hidden.md", article("丙"))
    given = article("丁").encode()
    done = home.run("enqueue", str(home.path / "mirror"), "-", "--json", stdin=given)
    assert done.exit_code == 0
    home.work()
    (job,) = home.lines("jobs")
    assert job["files"] == {
        "accepted": 3, "waiting": 0, "working": 0, "archived": 3, "quarantined": 0,
    }  # fmt: skip
    assert job["articles"]["published"] == 3
    home.run("enqueue", "-", stdin=given)
    assert home.lines("jobs")[0]["label"] == "standard input"


def test_wait_follows_the_job_to_its_end(home: Home) -> None:
    """`--wait` returns when all is done, and exits 1 if a file was refused, with the reason."""
    good, bad = home.put("good.md", article("甲")), home.put("bad.md", b"")
    worker = threading.Thread(target=_work_soon, args=(home,))
    worker.start()
    report = home.json("enqueue", "--wait", str(good), str(bad), code=1)
    worker.join()
    assert report["done"]
    assert report["articles"] == {
        "published": 1,
        "revised": 0,
        "withdrawn": 0,
        "duplicate": 0,
        "rejected": 1,
    }
    (refused,) = report["refused"]
    assert (refused["path"], refused["reason"]) == ("bad.md", "empty")
    assert home.run("quarantine", "show", refused["quarantine"]).exit_code == 0


def test_wait_follows_the_pages_of_a_warc(home: Home) -> None:
    """A WARC becomes batches of pages: `--wait` returns when these are published, too."""
    path = home.put("crawl.warc", page(0) + page(1) + page(2))
    worker = threading.Thread(target=_work_soon, args=(home,))
    worker.start()
    report = home.json("enqueue", "--wait", str(path))
    worker.join()
    assert (report["files"], report["articles"]["published"]) == (1, 3)


def test_waiting_reports_progress_in_a_pipe(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--wait` writes progress lines to standard error; standard output is one JSON document."""
    monkeypatch.setenv("NEWSDROP_SPOOL_BATCH_FILES", "1")
    monkeypatch.setattr(progress, "_FIRST_LINE_SECONDS", 0.0)
    for number in range(20):
        home.put(f"in/{number}.md", article(f"第{number}篇") if number else b"")
    worker = threading.Thread(target=_work_slowly, args=(home, 20))
    worker.start()
    result = home.run("enqueue", "--wait", "--json", str(home.path / "in"))
    worker.join()
    report = json.loads(result.stdout)
    assert (report["files"], report["done"], report["stopped"]) == (20, True, False)
    assert report["seconds"] > 0
    progress_line = r"processing: \d+ of 20 files, [\d.]+ files/s, \d+ s left, 1 refused"
    assert re.search(progress_line, result.stderr), result.stderr
    assert "\x1b" not in result.output


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_ends_waiting_but_not_the_work(home: Home, as_json: bool) -> None:
    """It prints how to follow the job and exits 130; accepted files are still processed."""
    path = home.put("a.md", article("甲"))
    call = [sys.executable, "-m", "worker.cli", "enqueue", "--wait", str(path)]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*call, *(["--json"] if as_json else [])],
        stdout=subprocess.PIPE,
        stderr=theirs,
        stdin=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"},
    )
    os.close(theirs)
    try:
        shown = _read_until(ours, b"processing")
        process.send_signal(signal.SIGINT)
        shown += _read_until(ours, b"newsdrop jobs enqueue-")
        assert process.stdout is not None
        printed = process.stdout.read()
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert b"They are processed without this command" in shown.replace(b"\r\n", b" ")
    assert b"Traceback" not in shown
    assert b"Aborted" not in shown
    if as_json:
        assert json.loads(printed)["stopped"] is True
    else:
        assert printed == b""
    home.work()
    assert home.json("audit")["published"] == 1


def test_force_publishes_a_known_article_as_a_revision(home: Home) -> None:
    """Without `--force` the same file is a duplicate; with it there is revision 2, same id."""
    path = str(home.put("a.md", article("甲")))
    for options in ([], [], ["--force"]):
        home.json("enqueue", *options, path)
        home.work()
    articles = home.json("status")["articles"]
    assert (articles["published"], articles["duplicate"], articles["revised"]) == (1, 1, 1)
    first, second = home.lines("tail", "--from", "0")
    assert first["id"] == second["id"]


def test_enqueue_accepts_while_redis_is_unavailable(lonely: Home) -> None:
    """Files are accepted and reported as waiting; standard output is only JSON."""
    path = lonely.put("a.md", article("甲"))
    report = lonely.json("enqueue", str(path))
    assert report["files"] == 1
    assert "newsdrop up" in report["problems"][0]
    assert lonely.json("audit")["waiting"] == 1
    waited = lonely.run("enqueue", "--wait", str(path))
    assert waited.exit_code == 3
    assert "articles:" not in waited.stdout, "not known yet"
    assert lonely.json("enqueue", "--wait", str(path), code=3)["articles"] == {}


def test_enqueue_refuses_before_it_accepts_anything(home: Home) -> None:
    """A missing path or an unknown source is named, and no other path is accepted."""
    path = home.put("a.md", article("甲"))
    missing = home.run("enqueue", str(path), str(home.path / "b.md"))
    assert missing.exit_code == 2
    assert "b.md cannot be enqueued" in missing.stderr
    source = home.run("enqueue", "--source", "dorp", str(path))
    assert source.exit_code == 2
    assert "did you mean drop?" in source.stderr
    assert home.json("audit")["accepted"] == 0


def test_an_empty_folder_is_a_failure(home: Home) -> None:
    """Exit 1 and a message: a script's wrong path must be noticed."""
    (home.path / "empty").mkdir()
    result = home.run("enqueue", str(home.path / "empty"))
    assert result.exit_code == 1
    assert "Nothing to enqueue" in result.stdout


def test_enqueue_waits_while_too_many_batches_wait(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`spool.max_waiting` bounds what is copied before the workers process it."""
    monkeypatch.setenv("NEWSDROP_SPOOL_BATCH_FILES", "1")
    monkeypatch.setenv("NEWSDROP_SPOOL_MAX_WAITING", "2")
    for number in range(5):
        home.put(f"many/{number}.md", article(f"第{number}篇"))
    call = [sys.executable, "-m", "worker.cli", "enqueue", str(home.path / "many")]
    process = Program(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: home.json("audit")["waiting"] == 2)
        time.sleep(0.5)  # time to do wrong
        assert home.json("audit")["waiting"] == 2
        assert process.poll() is None
        while process.poll() is None:
            home.work()
        home.work()
    finally:
        process.kill()
        process.wait()
    assert home.json("audit")["published"] == 5


def test_replay_publishes_what_redis_lost_under_the_same_ids(
    home: Home, redis_client: redis.Redis
) -> None:
    """After a flush the stream is restored from the archive; a second replay adds nothing."""
    for number in range(3):
        home.json("enqueue", str(home.put(f"{number}.md", article(f"第{number}篇"))))
    home.work()
    before = sorted(record["id"] for record in home.lines("tail", "--from", "0"))
    redis_client.flushall()
    assert home.json("replay")["lost"] == 3
    assert sorted(record["id"] for record in home.lines("tail", "--from", "0")) == before
    assert home.json("replay")["lost"] == 0
    assert home.json("replay", "--since", "2099-01-01")["segments"] == 0


def test_since_reads_spans_and_dates() -> None:
    """`90m`, `12h`, `3d` and ISO dates are read; anything else is named in the error."""
    now = datetime(2022, 3, 4, 12, 0, tzinfo=UTC)
    assert parse_moment("90m", now) == datetime(2022, 3, 4, 10, 30, tzinfo=UTC)
    assert parse_moment("3d", now) == datetime(2022, 3, 1, 12, 0, tzinfo=UTC)
    assert parse_moment("2022-03-04T11:00:00Z", now) == datetime(2022, 3, 4, 11, 0, tzinfo=UTC)
    for text in ("yesterday", "999999d", "0001-01-01"):
        with pytest.raises(UsageError, match=f"{text} is not a time"):
            parse_moment(text, now)


def _work_soon(home: Home) -> None:
    _until((home.state / "spool" / "work").is_dir)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not list((home.state / "archive").glob("*/*/*.jsonl")):
        home.work()
        time.sleep(0.05)


def _work_slowly(home: Home, batches: int) -> None:
    """Ingest one batch at a time, with pauses in which the test can check."""
    context = home.context()
    _until((home.state / "spool" / "work").is_dir)
    done = 0
    while done < batches:
        done += drain(context.roots, context.deps, seconds=0).batch_count
        time.sleep(0.15)


def _read_until(terminal: int, what: bytes) -> bytes:
    read = b""
    while what not in read:
        ready, *_ = select.select([terminal], [], [], 30)
        assert ready, read
        try:
            read += os.read(terminal, 65536)
        except OSError:  # the other end is closed
            pytest.fail(f"not shown: {what!r}, but {read!r}")
    return read


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it did not happen within 30 s"
        time.sleep(0.05)
