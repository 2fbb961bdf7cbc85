"""Alerts: checked by promtool, and by a real Prometheus that scrapes the real application.

Without `promtool` and `prometheus` (Debian's package `prometheus` has both) they are skipped.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest
import yaml

from tests.http_server import Reply, Web
from tests.newsroom import item, newsroom, rss
from tests.servers import Server
from tests.web.served import served
from tests.web.test_metrics import BUCKET, start_backfills
from tests.world import World, article
from worker.store.factory import node_store
from worker.taskqueue.heartbeat import describe_node

ROOT = Path(__file__).parent.parent.parent
MONITORING = ROOT / "config" / "monitoring"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
TOKEN = "a token for the test"
WITHIN = 60.0

pytestmark = pytest.mark.skipif(
    not (shutil.which("promtool") and shutil.which("prometheus")),
    reason="needs prometheus and promtool: apt-get install prometheus",
)


def promtool(*args: str) -> None:
    command = ["promtool", *args]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_rules() -> None:
    """`promtool check rules` reads every alert, with its templates."""
    promtool("check", "rules", str(MONITORING / "alerts.yml"))


def test_the_config_is_one(tmp_path: Path) -> None:
    """`promtool check config` reads what compose runs, with its rules and its token's file."""
    promtool("check", "config", str(_config(tmp_path, "web:8787")))


def test_alerts_fire_when_they_should() -> None:
    """`promtool test rules`: each alert fires for its cause, and none when all is well."""
    files = sorted(Path(__file__).parent.glob("alerts*.test.yml"))
    promtool("test", "rules", *map(str, files))
    text = "".join(file.read_text("utf-8") for file in files)
    for rule in RULES:
        assert text.count(rule["alert"]) >= 2, f"{rule['alert']} is not tested to fire"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_alerts_say_what_to_do(rule: dict[str, Any]) -> None:
    """Severity, summary, advice, and a section of the document."""
    assert rule["labels"]["severity"] in ("critical", "warning")
    annotations = rule["annotations"]
    assert annotations["summary"]
    assert annotations["description"].endswith((".", ")"))
    page, _, anchor = annotations["runbook"].partition("#")
    headings = re.findall(r"^### (\w+)$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert anchor == rule["alert"].lower()
    assert anchor in {heading.lower() for heading in headings}


class Prometheus:
    """A Prometheus of the test's own, on loopback, and its API."""

    def __init__(self, folder: Path, target: str) -> None:
        self.port = _free_port()
        self._log = folder / "prometheus.log"
        command = [
            "prometheus",
            f"--config.file={_config(folder, target)}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def get(self, path: str) -> Any:
        with urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"query?query={quote(expression)}")["result"]
        return found

    def wait_for(self, expression: str) -> None:
        end = time.monotonic() + WITHIN
        while True:
            try:
                if self.query(expression):
                    return
            except OSError:
                pass  # it is just starting
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < end, self._log.read_text()[-2000:]
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory, shared_server: Server
) -> Iterator[Prometheus]:
    """One that has scraped, with the token, a newsdrop that did a little of everything."""
    folder = tmp_path_factory.mktemp("prometheus")
    shared_server.client().flushall()
    with Web() as web:
        options = {"web.token": TOKEN, "web.port": 0, "buckets": [BUCKET]}
        world = newsroom(folder / "state", shared_server, web, **options)
        _some_work(world, web)
        with served(SimpleNamespace(settings=lambda: world.settings)) as page:
            one = Prometheus(folder, page.url.removeprefix("http://"))
            try:
                one.wait_for("newsdrop_build_info and on () up == 1")
                yield one
            finally:
                one.stop()


def _some_work(world: World, web: Web) -> None:
    world.put("a.md", article("甲"))
    world.put("bad.md", b"\x00")
    world.run()
    web.pages["/rss"] = Reply(body=rss([item(1)]))
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    world.context.redis.xgroup_create("newsdrop:articles", "readers", "0")
    start_backfills(world)
    node_store(world.settings).report(describe_node(world.settings))


def test_a_real_prometheus_scrapes_it(prometheus: Prometheus) -> None:
    """It is up with the token from the file, and stored what was exposed."""
    [target] = prometheus.get("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    [published] = prometheus.query(
        'newsdrop_articles_total{source="drop",outcome="published",job="newsdrop"}'
    )
    assert published["value"][1] == "1"
    assert prometheus.query("histogram_quantile(0.9, newsdrop_stage_seconds_bucket)")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_expression_is_evaluated(prometheus: Prometheus, rule: dict[str, Any]) -> None:
    """Its API evaluates it, and every metric in it was scraped."""
    prometheus.query(rule["expr"])
    names = set(re.findall(r"\b(?:newsdrop_\w+|up)\b", rule["expr"]))
    assert names
    for name in names:
        assert prometheus.query(name), f"{rule['alert']}: there is no {name}"


def test_the_rules_run(prometheus: Prometheus) -> None:
    """Prometheus has loaded every alert and evaluates each without an error."""
    end = time.monotonic() + WITHIN
    while True:
        [group] = prometheus.get("rules")["groups"]
        healths = {rule["name"]: rule["health"] for rule in group["rules"]}
        if "unknown" not in healths.values() or time.monotonic() > end:
            break
        time.sleep(0.2)
    assert healths == {rule["alert"]: "ok" for rule in RULES}


def _config(folder: Path, target: str) -> Path:
    """The shipped prometheus.yml with its rules, for another target, token and pace."""
    folder.mkdir(exist_ok=True)
    token = folder / "web-token"
    token.write_text(f"{TOKEN}\n")
    shutil.copy(MONITORING / "alerts.yml", folder)
    prometheus_config = (MONITORING / "prometheus.yml").read_text("utf-8")
    for shipped, ours in (
        ("web:8787", target),
        ("/secrets/web-token", os.fspath(token)),
        ("_interval: 15s", "_interval: 1s"),
    ):
        assert shipped in prometheus_config
        prometheus_config = prometheus_config.replace(shipped, ours)
    path = folder / "prometheus.yml"
    path.write_text(prometheus_config)
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
