"""examples/sinks: each sink stores every record in its real target, whatever is delivered again."""

import hashlib
import hmac
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from bench.place import wait_until
from tests.http_server import Reply, Request, Web
from tests.newsdrop.stream import STREAM, publish
from tests.servers import Server

TOMBSTONE = json.dumps({"id": f"20230418-{3:024x}", "title": "第3条", "reason": "retracted"})
"""Of the third article of `publish`."""

ROOT = Path(__file__).parents[2]
SINKS = ROOT / "examples" / "sinks"


@contextmanager
def sink(name: str, *arguments: str, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A running sink; if it still runs at the end, Ctrl-C ends it without an error."""
    process = subprocess.Popen(
        [sys.executable, str(SINKS / f"{name}.py"), *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )
    try:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def is_finished(client: redis.Redis, group: str, count: int) -> Callable[[], bool]:
    """Whether the group has acknowledged `count` entries."""

    def check() -> bool:
        if not client.exists(STREAM) or not client.xinfo_groups(STREAM):
            return False
        info = client.xinfo_groups(STREAM)[0]
        seen = len(client.xrange(STREAM, "-", info["last-delivered-id"]))
        return bool(info["name"] == group.encode() and not info["pending"] and seen >= count)

    return check


def withdraw(client: redis.Redis) -> None:
    """The third article is revised, then withdrawn."""
    publish(client, 3, revision=2, type="article.revised")
    publish(client, 3, revision=3, type="article.withdrawn", data=TOMBSTONE)


@pytest.mark.parametrize("name", [path.stem for path in SINKS.glob("*.py")])
def test_sinks_are_short(name: str) -> None:
    """Each is under 80 lines: a page to read and change."""
    assert len((SINKS / f"{name}.py").read_text("utf-8").splitlines()) < 80


def test_json_lines(redis_server: Server, redis_client: redis.Redis, tmp_path: Path) -> None:
    """Every record is a line; files rotate; a torn line is removed; a second sink is refused."""
    publish(redis_client, *range(300))
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "articles.part").write_bytes(b'{"id": "torn')
    with sink("jsonl", redis_server.url, str(folder), "10000"):
        wait_until(is_finished(redis_client, "jsonl", 300), within=60)
        with sink("jsonl", redis_server.url, str(folder), "10000") as second:
            assert second.wait(30) != 0
        publish(redis_client, 300)
        withdraw(redis_client)
        wait_until(is_finished(redis_client, "jsonl", 303), within=60)
    files = sorted(folder.glob("articles-*.jsonl"))
    assert len(files) == 3
    lines = b"".join(file.read_bytes() for file in [*files, folder / "articles.part"])
    read = [json.loads(line) for line in lines.splitlines()]
    assert [one["title"] for one in read] == [f"第{number}条" for number in (*range(301), 3, 3)]
    third = [one for one in read if one["id"] == read[3]["id"]]
    assert [(one["type"], one["revision"], one.get("reason")) for one in third] == [
        ("article.published", 1, None),
        ("article.revised", 2, None),
        ("article.withdrawn", 3, "retracted"),
    ]


def test_parquet(redis_server: Server, redis_client: redis.Redis, tmp_path: Path) -> None:
    """One folder a day, complete files only, every record once; a tombstone is a row, too."""
    dataset = pytest.importorskip("pyarrow.dataset")
    publish(redis_client, *range(30))
    publish(redis_client, *range(30, 40), date="2023-04-19")
    withdraw(redis_client)
    with sink("parquet", redis_server.url, str(tmp_path)):
        wait_until(is_finished(redis_client, "parquet", 42), within=60)
    rows = dataset.dataset(tmp_path, partitioning="hive").to_table().to_pylist()
    last = max((row for row in rows if row["title"] == "第3条"), key=lambda row: row["revision"])
    assert (last["type"], last["content_text"]) == ("article.withdrawn", "")
    assert json.loads(last["data"])["reason"] == "retracted"
    table = [row for row in rows if row["revision"] == 1]
    assert sorted(row["title"] for row in table) == sorted(f"第{n}条" for n in range(40))
    assert {str(row["date"]) for row in table} == {"2023-04-18", "2023-04-19"}
    assert table[0]["tickers"] == ["605999.SH"]
    assert list(tmp_path.rglob("*.part")) == []


@pytest.fixture
def postgres() -> Iterator[str]:
    """The DSN of a PostgreSQL server of the test's own, on a Unix socket."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("no PostgreSQL is installed")
    folder = Path(tempfile.mkdtemp(prefix="nd-pg-", dir="/tmp"))
    folder.chmod(0o777)
    data = folder / "data"

    def run(*command: object) -> None:
        run_as: dict[str, str] = {"user": "nobody"} if os.getuid() == 0 else {}
        quiet = subprocess.DEVNULL
        subprocess.run([*map(str, command)], check=True, stdout=quiet, cwd=folder, **run_as)  # type: ignore[call-overload]

    run(programs[-1] / "initdb", "-D", data, "-U", "test", "-A", "trust", "--no-sync")
    control = (programs[-1] / "pg_ctl", "-D", data, "-l", folder / "log", "-w")
    run(*control, "-o", f"-k {folder} -c listen_addresses=''", "start")
    yield f"host={folder} user=test dbname=postgres"
    run(*control, "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def test_postgres(redis_server: Server, redis_client: redis.Redis, postgres: str) -> None:
    """The newest revision or tombstone of each article, once, with two sinks and redelivery in any
    order."""
    psycopg = pytest.importorskip("psycopg")
    publish(redis_client, *range(50), data='{"content_text": "a\\u0000b"}')
    publish(redis_client, *range(10), revision=2, type="article.revised")
    publish(redis_client, 3, 4, revision=3, type="article.withdrawn", data=TOMBSTONE)
    publish(redis_client, 4, revision=4, type="article.revised")
    with sink("postgres", redis_server.url, postgres), sink("postgres", redis_server.url, postgres):
        wait_until(is_finished(redis_client, "postgres", 63), within=60)
        redis_client.xgroup_setid(STREAM, "postgres", "0")
        wait_until(is_finished(redis_client, "postgres", 63), within=60)
        publish(redis_client, 3, 4)  # a batch of their own: their first revisions come late
        wait_until(is_finished(redis_client, "postgres", 65), within=60)
    with psycopg.connect(postgres) as connection:
        query = "SELECT revision, type, record FROM articles ORDER BY id"
        rows = connection.execute(query).fetchall()
    assert [row[0] for row in rows] == [2] * 3 + [3, 4] + [2] * 5 + [1] * 40
    assert rows[3] == (3, "article.withdrawn", json.loads(TOMBSTONE))
    assert rows[4][1] == "article.revised"


def test_webhook(redis_server: Server, redis_client: redis.Redis, web: Web) -> None:
    """Signed and retried in order while the receiver is unavailable; what it refuses is a dead
    letter."""
    received: list[tuple[str, str, str]] = []

    def answer(request: Request) -> Reply:
        signed = request.headers["x-newsdrop-time"].encode() + b"." + request.body
        expected = hmac.new(b"key", signed, hashlib.sha256).hexdigest()
        if request.headers["x-newsdrop-signature"] != f"sha256={expected}":
            return Reply(status=401)
        if request.headers["x-newsdrop-entry"] == refused:
            return Reply(status=410)
        article = json.loads(request.body)["title"]
        if article == "第1条" and time.monotonic() < available:
            return Reply(status=503)
        kind = request.headers["x-newsdrop-type"].removeprefix("article.")
        received.append((article, request.headers["x-newsdrop-revision"], kind))
        return Reply()

    web.pages["/hook"] = answer
    publish(redis_client, 1)
    publish(redis_client, 1, revision=2, type="article.revised")
    publish(redis_client, 1, revision=3, type="article.withdrawn", data='{"title": "第1条"}')
    publish(redis_client, 2)
    (refused,) = publish(redis_client, 3)
    available = time.monotonic() + 4
    environment = {"WEBHOOK_KEY": "key", "WEBHOOK_RETRY_SECONDS": "0.5"}
    with sink("webhook", redis_server.url, web.url("/hook"), **environment):
        wait_until(lambda: len(received) >= 4, within=60)
        wait_until(lambda: redis_client.exists(f"{{{STREAM}}}:dead:webhook") > 0, within=60)
    assert received == [
        ("第2条", "1", "published"),
        ("第1条", "1", "published"),
        ("第1条", "2", "revised"),
        ("第1条", "3", "withdrawn"),
    ]
