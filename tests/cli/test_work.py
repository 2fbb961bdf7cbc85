"""`status`, `jobs`, `audit`, `pause`, `resume`: watching the work."""

import os
import pty
import select
import shutil
import signal
import socket
import sys
import termios
import time
from collections.abc import Callable

import pytest
import redis

from tests.home import Home, article
from worker.errors import SpoolUnavailable
from worker.spool.batch import acquire
from worker.store.workers import Heartbeats, WorkerInfo


def test_status_json_holds_what_is_promised(home: Home, redis_client: redis.Redis) -> None:
    """Every documented key is there, with the counts of three articles, one twice, one refused."""
    home.put("in/a.md", article("甲"))
    home.put("in/b.md", article("乙"))
    home.put("in/c.md", article("甲") + "\n")
    home.put("in/d.md", b"")
    home.json("enqueue", str(home.path / "in"))
    home.work()
    home.json("enqueue", str(home.put("later.md", article("丙"))))
    status = home.json("status")
    counted = {name: status["articles"][name] for name in ("published", "revised", "duplicate")}
    assert counted == {"published": 2, "revised": 0, "duplicate": 1}
    assert status["articles"]["rejected"] == 1
    assert status["files"] == {
        "accepted": 5, "waiting": 1, "working": 0, "archived": 3, "quarantined": 1,
        "elsewhere": 0,
    }  # fmt: skip
    assert status["queue"]["batches"] == 1
    assert status["queue"]["oldest_age_s"] >= 0
    stream = status["stream"]
    assert (stream["name"], stream["length"]) == ("newsdrop:articles", 2)
    assert stream["last_id"] == redis_client.xrevrange("newsdrop:articles", count=1)[0][0].decode()
    assert status["workers"] == []
    sources = {source["name"]: source for source in status["sources"]}
    assert sources["manual"]["waiting"] == 1
    assert sources["manual"]["last_success"]
    assert sources["drop"]["folder"] == str(home.drop)
    assert not sources["drop"]["paused"]


def test_status_lists_skipped_files_with_reasons(home: Home) -> None:
    """A link in the folder is listed with the reason, in JSON and in words."""
    (home.drop / "link.md").symlink_to("/etc/hostname")
    home.scan()
    source = home.json("status")["sources"][0]
    (left,) = source["skipped_files"]
    assert left["path"] == "link.md"
    assert "symbolic link" in left["why"]
    assert "link.md: it is a symbolic link" in home.run("status").stdout


def test_status_says_in_words_that_contents_differed(home: Home) -> None:
    """A person who corrects a file and drops it again reads why nothing changed."""
    for text in ("正文有错别字。", "正文没有错字。"):
        home.json("enqueue", str(home.put("a.md", article("甲", body=text))))
        home.work()
    output = " ".join(home.run("status").stdout.split())
    assert "1 duplicate had the title and date of a known article but different content" in output
    assert "--force" in output
    assert home.json("status")["articles"]["content_differs"] == 1


def test_status_without_redis_shows_the_spool(lonely: Home) -> None:
    """Exit 3 and advice; values that only Redis has are null, not zero."""
    lonely.json("enqueue", str(lonely.put("a.md", article("甲"))))
    status = lonely.json("status", code=3)
    assert status["files"]["waiting"] == 1
    assert status["files"]["archived"] is None
    assert status["articles"] is None
    assert "cannot be reached" in status["problem"]
    shown = lonely.run("status")
    assert shown.exit_code == 3
    assert "does not answer" in shown.stdout
    assert "newsdrop up" in shown.stdout


def test_a_fresh_status_names_the_drop_folder(home: Home) -> None:
    """With no work yet, status prints the next step and that no worker runs."""
    output = home.run("status").stdout
    assert "No articles yet. Drop files into" in output
    assert "No worker is running" in output


def test_a_full_disk_is_reported(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is accepted below spool.min_free_mb, and status says why."""
    path = home.put("a.md", article("甲"))
    monkeypatch.setenv("NEWSDROP_SPOOL_MIN_FREE_MB", "999999999")
    refused = home.run("enqueue", str(path))
    assert refused.exit_code == 3
    assert "spool.min_free_mb" in refused.stderr
    assert "intake waits until there is room" in home.json("status")["intake_problem"]
    assert "Accepted files are still processed" in " ".join(home.run("status").stdout.split())
    dropped = home.drop / "b.md"
    home.drop.mkdir(exist_ok=True)
    dropped.write_text(article("乙"))
    with pytest.raises(SpoolUnavailable, match=r"spool\.min_free_mb"):
        home.settle_and_work()
    assert dropped.exists()
    monkeypatch.setenv("NEWSDROP_SPOOL_MIN_FREE_MB", "0")
    home.settle_and_work()
    assert not dropped.exists(), "intake goes on by itself"


def test_status_prints_problems_first(home: Home) -> None:
    """Above the numbers, each with advice."""
    lines = home.run("status").stdout.splitlines()
    assert lines[0] == "✗ No worker is running: files in the drop folders wait."
    assert "newsdrop up" in lines[1]


def test_status_shows_who_does_what(home: Home, redis_client: redis.Redis) -> None:
    """A line for each process of a worker: its files and job, or that it is idle."""
    me = WorkerInfo("newsdrop@here-1", os.getppid(), socket.gethostname(), 3, 1)
    Heartbeats(redis_client, stream=home.settings().stream.name).beat(me)
    job = home.json("enqueue", str(home.put("a.md", article("甲"))))["job"]
    context = home.context()
    (root,) = [root for root in context.roots if root.source is None]
    batch = acquire(root, next(root.work.iterdir()).name)
    assert batch is not None
    with batch:
        shown = home.run("status").stdout
    assert "1 of 3 processes busy" in shown
    assert f"▸ 1 file from manual  {job}" in shown
    assert shown.count("· idle") == 2


def test_status_shows_the_hour(home: Home) -> None:
    """Articles a minute, the hour as bars, and its sum."""
    home.json("enqueue", str(home.put("a.md", article("甲"))))
    home.work()
    (line,) = [line for line in home.run("status").stdout.splitlines() if line[:5] == "rate "]
    assert "1 article/min " in line
    assert line.count("▁") == 59
    assert line.count("█") == 1
    assert line.endswith("1 in the last hour")


@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_watching_ends_with_a_key(home: Home, key: bytes) -> None:
    """`--watch` redraws on the second screen; q and Ctrl-C end it and restore the terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": "90", "LINES": "40"}
        os.execv(sys.executable, [sys.executable, "-m", "worker.cli", "status", "--watch"])
    seen = bytearray()
    ended = False

    def read_until(enough: Callable[[], bool]) -> None:
        nonlocal ended
        deadline = time.monotonic() + 60
        while not ended and not enough():
            assert time.monotonic() < deadline, bytes(seen)
            if select.select([terminal], [], [], 1)[0]:
                try:
                    seen.extend(os.read(terminal, 65536))
                except OSError:
                    ended = True  # the other end is closed

    try:
        read_until(lambda: seen.count(b"No worker is running") >= 3)  # it renews itself
        before_end = termios.tcgetattr(terminal)[3] & termios.ICANON
        os.write(terminal, key)
        read_until(lambda: False)
        after_end = termios.tcgetattr(terminal)[3] & termios.ICANON
    finally:
        if not ended:
            os.kill(pid, signal.SIGKILL)
        _, code = os.waitpid(pid, 0)
        os.close(terminal)
    assert os.waitstatus_to_exitcode(code) == 0
    assert not before_end, "keys are read as they come"
    assert after_end, "and afterwards as a line, as before"
    assert seen.count(b"\x1b[?1049h") == seen.count(b"\x1b[?1049l") == 1
    assert b"Traceback" not in seen


def test_jobs_are_listed_and_shown(home: Home) -> None:
    """Newest first, one document a line; one job with its counts and refusals."""
    assert "newsdrop enqueue" in home.run("jobs").stdout
    first = home.json("enqueue", str(home.put("a.md", article("甲"))))["job"]
    second = home.json("enqueue", str(home.put("bad.md", b"")))["job"]
    home.work()
    assert [job["id"] for job in home.lines("jobs")] == [second, first]
    job = home.json("jobs", second)
    assert job["files"]["quarantined"] == 1
    assert job["refused"][0]["reason"] == "empty"
    assert "bad.md" in home.run("jobs", second).stdout
    assert second in home.run("jobs").stdout
    unknown = home.run("jobs", "nosuch")
    assert unknown.exit_code == 2
    assert "nosuch" in unknown.stderr


def test_audit_balances_and_misses_what_vanished(home: Home) -> None:
    """Every accepted file has one outcome; a batch whose archive was removed is unaccounted for."""
    home.put("in/a.md", article("甲"))
    home.put("in/b.md", b"")
    home.json("enqueue", str(home.path / "in"))
    home.work()
    home.json("enqueue", str(home.put("c.md", article("丙"))))
    audit = home.json("audit")
    counts = ("accepted", "published", "duplicate", "quarantined", "waiting", "unaccounted")
    assert [audit[name] for name in counts] == [3, 1, 0, 1, 1, 0]
    assert "Every accepted file is accounted for." in home.run("audit").stdout
    home.work()
    assert "Every accepted file has exactly one outcome." in home.run("audit").stdout
    shutil.rmtree(home.state / "archive")
    audit = home.json("audit", code=1)
    assert audit["unaccounted"] == 3
    assert audit["missing"][0]["accepted"] == 2
    assert "0 of 2 files are accounted for" in home.run("audit").stdout


def test_a_paused_source_is_not_scanned(home: Home) -> None:
    """Its files stay in the folder and status says so; after resume they are accepted."""
    (home.drop / "a.md").write_text(article("甲"), "utf-8")
    assert home.json("pause", "drop") == {"source": "drop", "paused": True}
    home.settle_and_work()
    assert (home.drop / "a.md").exists()
    assert home.json("status")["sources"][0]["paused"]
    assert "drop paused" in home.run("status").stdout
    home.run("resume", "drop")
    home.settle_and_work()
    assert not (home.drop / "a.md").exists()
    assert home.json("status")["articles"]["published"] == 1
    assert home.run("pause", "dorp").exit_code == 2
