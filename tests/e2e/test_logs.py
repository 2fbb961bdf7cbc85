"""What a real worker logs while things go wrong: lines of JSON, without secrets, in one piece."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_plain_celery import Worker, until
from tests.http_server import Reply, Web
from tests.newsroom import item, rss
from tests.servers import Server
from tests.world import World, article, in_child
from worker.logs import configure_logging

pytestmark = pytest.mark.e2e

SECRETS = ("redis-pa55", "feed-pa55", "header-pa55", "query-pa55", "web-t0ken")
RAW = ("\x1b", "\u202e", "\u200b", "\x07", "\r")
EVIL = "evil\x1b[2J\x07\r\u202e\u200b"


def lines_of(text: str) -> list[dict[str, Any]]:
    """Each line as its object; fails for an invalid line or a forbidden text."""
    for hidden in (*SECRETS, *RAW):
        assert hidden not in text, f"{hidden!r}: " + next(
            line for line in text.splitlines() if hidden in line
        )
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            pytest.fail(f"no JSON: {line!r}")
        assert {"timestamp", "level", "event", "logger"} <= found[-1].keys(), line
    return found


@pytest.mark.parametrize("level", ["info", "debug"])
def test_a_failing_worker_logs_no_secret(
    tmp_path: Path, own_server: Callable[..., Server], level: str
) -> None:
    """With a changing password, failing feeds with credentials and hostile file names, every line
    is JSON without secrets and control characters."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    options = ("--port", str(port), "--requirepass", SECRETS[0])
    server = own_server(appendonly=True, options=options)
    world = World(tmp_path / "state", f"redis://:{SECRETS[0]}@127.0.0.1:{port}/0")
    log = tmp_path / "worker.log"
    with Web() as web:
        good = web.url("/rss", user=f"me:{SECRETS[1]}")
        web.pages["/rss"] = Reply(body=rss([item(1, title="&#x202e;港口公告")]))
        web.pages["/down"] = Reply(401)  # 503 would stop all requests to its host
        world.add_feed("good", good)
        world.add_feed("down", web.url(f"/down?token={SECRETS[3]}", user=f"me:{SECRETS[1]}"))
        world.add_feed("odd", web.url("/nothing"), headers={"Authorization": f"x {SECRETS[2]}é"})
        worker = Worker(
            world,
            log,
            NEWSDROP_LOG_LEVEL=level,
            NEWSDROP_WEB_TOKEN=SECRETS[4],
            NEWSDROP_FETCH_ALLOW_NETWORKS="127.0.0.0/8",
            NEWSDROP_FETCH_ALLOW_PORTS=str(web.port),
            NEWSDROP_FETCH_HOST_INTERVAL_SECONDS="0.1",
        )
        try:
            worker.start()
            world.put(f"{EVIL}.md", article())
            world.put(f"{EVIL}2.md", b"---\nbroken")
            until(lambda: world.feed("odd").due_ms, "feeds in the store")
            world.context.feed_store.make_due(["good", "down", "odd"])
            until(lambda: len(world.entries()) == 2, "records of a file and a feed")
            until(
                lambda: world.feed("down").failures and world.feed("odd").failures, "two failures"
            )
            until(lambda: log.read_text().count('"batch done"') == 2, "two lines")
            server.kill()
            until(lambda: "Connection to broker lost" in log.read_text(), "loss of the broker")
            server.options = ("--port", str(port), "--requirepass", "another")
            server.start()
            until(lambda: "username-password pair" in log.read_text(), "refusal")
            worker.stop()
        finally:
            worker.kill()
    lines = lines_of(log.read_text())
    done = [line for line in lines if line["event"] == "batch done"]
    for line in done:
        assert {"job", "batch", "source", "published"} <= line.keys() | {"published"}
    assert {line["source"] for line in done} == {"drop", "feeds"}
    assert not [line for line in lines if "DeprecationWarning" in line["event"]]
    assert not [line for line in lines if line["event"] == "task failed"], "no bug was met"
    idle = [line for line in lines if line["logger"].startswith("celery.worker.consumer")]
    assert idle
    assert not [line for line in idle if "batch" in line], "nothing is in hand there"


def test_a_bug_is_logged_with_its_file(
    tmp_path: Path,
    redis_server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """With the file, batch, source and job; the next line has none of them."""
    world = World(tmp_path / "state", redis_server.url, **{"log.format": "json"})

    def broken(read: Any, **_: Any) -> Any:
        raise RuntimeError(f"{EVIL} of {read.title}")

    monkeypatch.setattr("worker.pipeline.extract.normalize", broken)
    world.put(f"{EVIL}.md", article())

    def work() -> None:
        configure_logging(world.settings)
        world.run()
        os.write(2, b"")

    assert in_child(work) == 0
    lines = lines_of(capfd.readouterr().err)
    (bug,) = [line for line in lines if line["event"] == "reading met a bug"]
    assert bug["document"] == "evil\\x1b[2J\\x07\\r\\u202e\\u200b.md"
    assert bug["source"] == "drop"
    assert bug["job"].startswith("scan-")
    assert bug["batch"]
    assert bug["exception"][0]["exc_value"].startswith("evil\\x1b[2J")
    (claimed,) = [line for line in lines if line["event"] == "files claimed"]
    assert "document" not in claimed
