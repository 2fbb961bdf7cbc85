"""Metrics: counted right whatever happens to processes."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
import typer.main
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.test_plain_celery import Worker, until
from tests.http_server import Reply, Web
from tests.newsroom import item, newsroom, rss
from tests.servers import Server
from tests.world import World, article, in_child
from worker.actions.backfill import enqueue_list, pause_job
from worker.cli.root import app
from worker.model import DECISIONS, Stage, Tally
from worker.pipeline.retention import trim_stream
from worker.queries.audit import audit
from worker.settings.clock import utc_now
from worker.sources.enqueue import EnqueueOptions
from worker.spool.batch import Batch
from worker.spool.claim import Owner
from worker.store.backlog import BacklogItem, ListingPart
from worker.store.counters import BOUNDS, CounterStore
from worker.store.factory import node_store
from worker.store.leases import LeaseResult
from worker.taskqueue.celery_app import INGEST_QUEUE, create_app, queue_name
from worker.taskqueue.client import notify_ingest
from worker.taskqueue.heartbeat import describe_node
from worker.web import metrics
from worker.web.metrics import exposition

Labels = frozenset[tuple[str, str]]


def scrape(world: World) -> dict[str, dict[Labels, float]]:
    """Every sample, by name and labels; what prometheus_client's own parser reads."""
    text, content_type = exposition(world.settings, utc_now())
    assert content_type.startswith("text/plain; version=0.0.4")
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text.decode()):
        assert family.name.startswith("newsdrop_")
        assert family.documentation
        for sample in family.samples:
            assert not sample.name.startswith(f"{family.name}_unknown")
            values = found.setdefault(sample.name, {})
            labels = frozenset(sample.labels.items())
            assert labels not in values, sample
            values[labels] = sample.value
    return found


def value(scraped: dict[str, dict[Labels, float]], name: str, **labels: str) -> float | None:
    return scraped.get(f"newsdrop_{name}", {}).get(frozenset(labels.items()))


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    return World(tmp_path / "state", redis_server.url)


def test_a_scrape_has_the_work_done(world: World) -> None:
    """Articles by outcome and source, repeats and refusals by reason, files, stages, stream."""
    world.put("a.md", article("甲"))
    world.put("b.md", article("乙", date="Invalid Date"))
    world.run()
    for name, data in {"a again.md": article("甲"), "bad.md": b"\x00\x01"}.items():
        world.put(name, data)
    world.put("c.md", article("甲", "改过的正文。"))
    world.run()
    world.put("waits.md", article("丙"))
    world.scan()
    scraped = scrape(world)
    outcomes = {
        outcome.value: value(scraped, "articles_total", source="drop", outcome=outcome)
        for outcome in DECISIONS
    }
    assert outcomes == {"published": 2, "revised": 0, "withdrawn": 0, "duplicate": 2, "rejected": 1}
    assert value(scraped, "warnings_total", source="drop", kind="date_missing") == 1
    assert value(scraped, "duplicates_total", reason="same_bytes") == 1
    assert value(scraped, "duplicates_total", reason="content_differs") == 1
    assert value(scraped, "rejected_total", reason="not_text") == 1
    assert value(scraped, "rejected_total", reason="kills_worker") == 0
    assert value(scraped, "files", state="waiting") == 1
    assert value(scraped, "files_settled_total", outcome="archived") == 4
    assert value(scraped, "files_settled_total", outcome="quarantined") == 1
    assert value(scraped, "source_waiting_files", source="drop") == 1
    assert value(scraped, "batches") == 1
    assert (value(scraped, "oldest_batch_age_seconds") or 0) > 0
    assert value(scraped, "stream_entries") == 2
    assert value(scraped, "redis_up") == 1
    assert value(scraped, "quarantine_inputs") == 1
    assert (value(scraped, "quarantine_bytes") or 0) > 1
    assert (value(scraped, "archive_bytes") or 0) > 100
    assert (value(scraped, "disk_free_bytes") or 0) > 1e6
    last = value(scraped, "source_last_success_timestamp_seconds", source="drop")
    assert last is not None
    assert abs(last - time.time()) < 3600
    for stage in Stage:
        assert value(scraped, "stage_seconds_count", stage=stage) == 2
        counts = [
            value(scraped, "stage_seconds_bucket", stage=stage, le=str(float(bound)))
            for bound in BOUNDS
        ]
        assert counts == sorted(counts, key=lambda count: count or 0)
        assert value(scraped, "stage_seconds_bucket", stage=stage, le="+Inf") == 2


@pytest.mark.parametrize("step", ["settle", "remove"])
def test_a_batch_is_measured_once(world: World, step: str) -> None:
    """Killed before or after it is settled: each article, repeat and refusal counts once."""
    world.put("a.md", article("甲"))
    world.put("b.md", article("甲") + b"\n")
    world.put("bad.md", b"\x00\x01")
    world.scan()

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        part = CounterStore if step == "settle" else Batch
        setattr(part, step, die)
        World(world.settings.state_dir, world.settings.redis.url).drain()

    assert in_child(run) == -signal.SIGKILL
    assert len(world.waiting()) == 1
    world.drain()
    scraped = scrape(world)
    assert value(scraped, "articles_total", source="drop", outcome="published") == 1
    assert value(scraped, "articles_total", source="drop", outcome="duplicate") == 1
    assert value(scraped, "duplicates_total", reason="same_article") == 1
    assert value(scraped, "rejected_total", reason="not_text") == 1
    assert value(scraped, "stage_seconds_count", stage="whole") == (0 if step == "settle" else 1)
    assert sum(minute.duplicate for minute in world.context.counter_store.read_minutes(5)) == 1


def test_metrics_of_the_service(world: World) -> None:
    """Without worker and tick, and with waiting wake-ups by queue."""
    world.context.redis.rpush(queue_name(INGEST_QUEUE, world.settings.state_dir), "{}", "{}")
    scraped = scrape(world)
    assert value(scraped, "workers") == 0
    assert value(scraped, "beat_age_seconds") == 86_400
    assert value(scraped, "queue_messages", queue="newsdrop.ingest") == 2
    assert value(scraped, "queue_messages", queue="newsdrop") == 0
    assert value(scraped, "problems", level="fail") == 1
    assert value(scraped, "intake_paused") == 0


def test_without_redis_it_says_so(tmp_path: Path, own_server: Callable[..., Server]) -> None:
    """newsdrop_redis_up is 0; only the values of the spool are exposed."""
    server = own_server()
    world = World(tmp_path / "state", server.url)
    world.put("a.md", article())
    world.scan()
    server.kill()
    scraped = scrape(world)
    assert value(scraped, "redis_up") == 0
    assert value(scraped, "files", state="waiting") == 1
    assert value(scraped, "source_waiting_files", source="drop") == 1
    assert "newsdrop_articles_total" not in scraped
    assert "newsdrop_workers" not in scraped
    assert "newsdrop_stream_entries" not in scraped


def test_names_of_others_are_escaped(world: World, redis_client: redis.Redis) -> None:
    """A consumer group may have any bytes as its name: the scrape stays readable, one line each."""
    world.put("a.md", article())
    world.run()
    names = [b'quo"te\\', b"line\nnewsdrop_redis_up 0", b"\xff\x1b[31m", "新闻".encode()]
    for name in names:
        redis_client.xgroup_create("newsdrop:articles", name, "0")
    scraped = scrape(world)
    groups = {dict(labels)["group"]: n for labels, n in scraped[LAG].items()}
    assert len(groups) == len(names)
    assert set(groups.values()) == {1}
    assert 'quo"te\\\\' in groups
    assert "新闻" in groups
    assert not [name for name in groups if "\x1b" in name or "\n" in name]
    assert value(scraped, "redis_up") == 1


LAG = "newsdrop_consumer_group_lag_entries"


def test_series_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources beyond the bound are one more together: no article is missing from the sum."""
    for number in range(5):
        world.context.counter_store.settle(
            f"b{number}", source=f"source-{number}", job=None, tally=_published(number + 1)
        )
    monkeypatch.setattr(metrics, "MAX_SOURCES", 3)
    scraped = scrape(world)["newsdrop_articles_total"]
    shown = {dict(labels)["source"] for labels in scraped}
    assert len(shown) == 4
    assert metrics.OTHERS in shown
    assert sum(scraped.values()) == 15


def _published(count: int) -> Tally:
    return Tally(archived=count, published=count)


def test_openmetrics_on_request(world: World) -> None:
    """`Accept` chooses the format; its own strict parser reads it."""
    world.put("a.md", article())
    world.run()
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"
    text, content_type = exposition(world.settings, utc_now(), accept)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name for family in openmetrics.text_string_to_metric_families(text.decode())}
    assert {"newsdrop_build", "newsdrop_articles", "newsdrop_stage_seconds"} <= families


def test_fetches_have_their_status(redis_server: Server, tmp_path: Path, web: Web) -> None:
    """Feeds and pages by status; an unchanged document is a repeat, in no outcome."""
    world = newsroom(tmp_path / "state", redis_server, web)
    web.pages["/rss"] = Reply(body=rss([item(1), item(2)]))
    world.add_feed("harbour", web.url("/rss"))
    world.add_feed("gone", web.url("/nothing"))
    world.poll()
    web.pages["/rss"] = Reply(body=rss([item(1), item(2), item(3)]))
    world.poll("harbour")
    scraped = scrape(world)
    assert value(scraped, "fetches_total", kind="feed", status="200") == 2
    assert value(scraped, "fetches_total", kind="feed", status="404") == 1
    assert value(scraped, "duplicates_total", reason="unchanged") == 2
    assert value(scraped, "articles_total", source="feeds", outcome="published") in (3, None)
    published = [
        count
        for labels, count in scraped["newsdrop_articles_total"].items()
        if ("outcome", "published") in labels
    ]
    assert sum(published) == 3
    assert value(scraped, "feed_news_total", feed="harbour") == 3
    assert value(scraped, "feed_news_total", feed="gone") == 0
    assert value(scraped, "feeds") == 2
    assert value(scraped, "feeds_failing") == 1


@pytest.fixture
def worker(tmp_path: Path, own_server: Callable[..., Server]) -> Iterator[tuple[World, Worker]]:
    """A worker of which each process is replaced after one task."""
    world = World(tmp_path / "state", own_server(appendonly=True).url)
    options = {"NEWSDROP_WORKER_MAX_TASKS": "1", "NEWSDROP_WORKER_SLICE_SECONDS": "0.2"}
    one = Worker(world, tmp_path / "worker.log", **options)
    yield world, one
    one.kill()


@pytest.mark.e2e
@pytest.mark.timeout(400)
def test_counters_survive_their_processes(worker: tuple[World, Worker]) -> None:
    """Killed, replaced and redelivered tasks: every counter agrees with the ledger."""
    world, one = worker
    for number in range(150):
        world.put(f"{number}.md", article(f"第{number % 100}条", f"正文{number // 125}。"))
    for number in range(10):
        world.put(f"bad{number}.md", b"\x00%d" % number)
    one.start(with_beat=False)  # a worker whose beat is killed ends; scans are sent below
    app = create_app(world.settings)

    def has_progress(least: int) -> bool:
        app.send_task("newsdrop.scan")
        time.sleep(0.5)
        return len(world.entries()) > least

    for round_ in range(4):
        until(lambda least=round_ * 20: has_progress(least), "progress")
        before = one.children()
        for child in before if round_ % 2 else ():
            _kill(child)
        pids = {child.pid for child in before}
        # Files that had not settled yet are left for another scan.
        app.send_task("newsdrop.scan")
        for _ in range(3):
            assert notify_ingest(world.settings)
        until(lambda old=pids: {child.pid for child in one.children()} - old, "replaced process")

    def is_finished() -> bool:
        app.send_task("newsdrop.scan")
        time.sleep(1)  # a scan takes a process of its own, which is replaced after it
        return world.totals().archived + world.totals().quarantined == 160

    until(is_finished, "end of the work")
    scraped = scrape(world)
    ledger = world.journal()
    counted = {
        outcome.value: value(scraped, "articles_total", source="drop", outcome=outcome)
        for outcome in DECISIONS
    }
    by_status = dict.fromkeys(counted, 0)
    for line in ledger:
        by_status[line["status"].value] += 1
    assert counted == by_status
    assert sum(by_status.values()) == 160
    assert by_status["published"] == len(world.entries()) == 100
    repeats = sum(scraped["newsdrop_duplicates_total"].values())
    assert repeats == by_status["duplicate"]
    assert sum(scraped["newsdrop_rejected_total"].values()) == 10
    segments = list(world.context.deps.archive.segments())
    settled = value(scraped, "stage_seconds_count", stage="whole") or 0
    assert 0 < settled <= len(segments)
    minutes = world.context.counter_store.read_minutes(60)
    assert sum(minute.published for minute in minutes) == 100
    assert audit(world.settings).balanced


def _kill(child: psutil.Process) -> None:
    try:
        child.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return


BUCKET = {"name": "lake", "url": "s3://lake/news", "endpoint": "http://127.0.0.1:9"}


def start_backfills(world: World) -> str:
    """A job with three addresses, and a bucket whose listing failed; returns the job's id."""
    lines = [f"https://harbour.example/{number}" for number in range(3)]
    begun = enqueue_list(world.settings, lines, EnqueueOptions("manual"), "a list")
    backlog = world.context.object_backlog
    backlog.open_listing("lake", "lake", Owner("lake", "object"))
    backlog.make_due(["lake"])
    [lease] = backlog.take_leases(1, 60).leases
    backlog.extend(lease, ListingPart([BacklogItem("lake", 5, "")], "", 0.0, 5))
    leases = {lease.name: lease for lease in backlog.take_leases(2, 60).leases}
    backlog.finish([LeaseResult(leases["lake/1"], None)])
    failed = {"failures": 1, "problem": "the store lake answered 403"}
    backlog.finish([LeaseResult(leases["lake"], 60.0, failed)])
    backlog.count_unfetchable(leases["lake"], ["too_large", "too_large"])
    return begun.job


def test_backlogs_are_counted_by_source(tmp_path: Path, redis_server: Server) -> None:
    """Objects of buckets and addresses of jobs, by state; a paused job's do not wait."""
    world = World(tmp_path / "state", redis_server.url, buckets=[BUCKET])
    job = start_backfills(world)
    for is_paused in (False, True):
        pause_job(world.settings, job, is_paused=is_paused)
        scraped = scrape(world)
        states = {
            (name, state): value(scraped, "backlog", source=name, state=state)
            for name in ("lake", "manual")
            for state in ("waiting", "paused", "done", "unfetchable")
        }
        assert {key: count for key, count in states.items() if count} == {
            ("lake", "done"): 7,
            ("lake", "unfetchable"): 2,
            ("manual", "paused" if is_paused else "waiting"): 3,
        }
        assert value(scraped, "bucket_failing", source="lake") == 1


def test_the_document_has_every_metric(redis_server: Server, tmp_path: Path, web: Web) -> None:
    """docs/monitoring.md has a row for each metric with its type and labels, and no other."""
    world = newsroom(tmp_path / "state", redis_server, web, buckets=[BUCKET])
    start_backfills(world)
    world.put("a.md", article(date="Invalid Date"))
    world.run()
    world.add_feed("gone", web.url("/nothing"))
    world.poll()
    world.context.redis.xgroup_create("newsdrop:articles", "readers", "0")
    trim_stream(world.context, utc_now())
    node_store(world.settings).report(describe_node(world.settings))
    text, _ = exposition(world.settings, utc_now())
    scraped = {
        re.sub(r"_(bucket|count|sum)$", "", sample.name): (
            family.type,
            {label for label in sample.labels if label != "le"},
        )
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }
    page = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text("utf-8")
    rows = re.findall(r"^\| `(newsdrop_\w+)` \| (\w+) \| ([^|]*)\| .+ \|$", page, re.MULTILINE)
    documented = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert len(rows) == len(documented)
    assert documented == scraped
    assert set(re.findall(r"newsdrop_\w+", page)) <= {*documented, "newsdrop_stage_seconds_bucket"}


def test_advised_commands_exist() -> None:
    """Those of the document and the alerts."""
    root = Path(__file__).parents[2]
    pages = [root / "docs" / "monitoring.md", root / "config" / "monitoring" / "alerts.yml"]
    commands = typer.main.get_command(app)
    for page in pages:
        for call in re.findall(r"`newsdrop ([\w -]+)", page.read_text("utf-8")):
            found: Any = commands
            for word in call.split():
                if not hasattr(found, "commands") or word.startswith("-"):
                    break
                assert word in found.commands, f"{page.name}: newsdrop {call}"
                found = found.commands[word]
