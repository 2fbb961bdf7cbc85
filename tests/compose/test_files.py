"""The compose file and its configuration, checked without a container engine."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.compose.stack import FILE, SERVICES, compose_command
from tests.servers import Server
from worker.service.part import run_celery
from worker.settings import load
from worker.settings.clock import utc_now
from worker.web.metrics import exposition

PROJECT = Path(__file__).parents[2]
VOLUMES: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))["volumes"]
DASHBOARD = json.loads((PROJECT / "config/monitoring/grafana/newsdrop.json").read_text("utf-8"))


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_bounded_and_confined(name: str) -> None:
    """Memory, processor, capabilities, root file system, log size and ports: none is left open."""
    service = SERVICES[name]
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["logging"]["options"]["max-size"]
    assert "container_name" not in service, "it could not be scaled"
    assert all(port.startswith("127.0.0.1:${HOST_") for port in service.get("ports", ()))
    assert name == "prepare" or service["restart"] == "unless-stopped"
    assert name == "prepare" or "cap_add" not in service


def test_compose_takes_the_file() -> None:
    """The compose that is installed here finds nothing wrong with it, whatever its version."""
    command = compose_command()
    if not command:
        pytest.skip("no compose is installed")
    profiles = {one for service in SERVICES.values() for one in service.get("profiles", ())}
    assert profiles == {"monitoring", "rabbitmq", "sentinel"}
    chosen = [word for one in sorted(profiles) for word in ("--profile", one)]
    words = (*command, "-f", str(FILE), *chosen, "config", "--quiet")
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_mounted_files_exist() -> None:
    """Docker would create a folder for a missing file."""
    for service in SERVICES.values():
        for mount in service.get("volumes", ()):
            source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", mount).split(":")[0]
            if source.startswith("."):
                assert (PROJECT / source).exists(), source
            else:
                assert source in VOLUMES, source


@pytest.mark.parametrize("name", ["worker", "web"])
def test_variables_are_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each container's variables are settings that exist, with valid values."""
    for key, value in SERVICES[name]["environment"].items():
        monkeypatch.setenv(key, re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)))
    monkeypatch.setenv("NEWSDROP_CONFIG", str(PROJECT / "config" / "newsdrop.toml"))
    settings = load()
    assert settings.redis.password_file == Path("/secrets/redis-password")
    assert (settings.web.token_file is not None) == (name == "web")


def test_flower_is_started_by_celery() -> None:
    """Only the command `celery` loads Flower: what starts worker and beat began a worker instead,
    which refused Flower's options."""
    flower = SERVICES["flower"]
    assert flower["entrypoint"] == ["celery", "-A", "worker.app"]
    assert flower["command"][0] == "flower"
    with pytest.raises(KeyError, match="flower"):
        run_celery(flower["command"])


def test_every_variable_is_documented() -> None:
    """The head of the compose file names each HOST_ variable that it reads."""
    text = FILE.read_text("utf-8")
    head = text.partition("\nx-")[0]
    assert set(re.findall(r"\$\{(HOST_\w+)", text)) == set(re.findall(r"HOST_[A-Z_]*[A-Z]", head))


def test_the_image_gets_what_it_copies() -> None:
    """What the Dockerfile copies is not kept away by .dockerignore."""
    sent = {
        line[1:]
        for line in (PROJECT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    for line in re.findall(r"^COPY (?!--from)(.+)$", (PROJECT / "Dockerfile").read_text(), re.M):
        for source in line.split()[:-1]:
            assert source.split("/")[0] in sent, source
            assert (PROJECT / source).exists(), source


# ── the dashboard ───────────────────────────────────────────────────────────────────────────────


def _queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


def test_every_metric_of_the_dashboard_exists(
    redis_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No panel queries a metric that /metrics lacks."""
    monkeypatch.setenv("NEWSDROP_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("NEWSDROP_REDIS_URL", redis_server.url)
    redis_server.client().xadd("newsdrop:articles", {"id": "1"})
    exposed = exposition(load(), utc_now())[0].decode()
    known = set()
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", exposed, re.MULTILINE):
        parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        known |= {name + part for part in parts}
    queried = {name for query in _queries() for name in re.findall(r"\bnewsdrop_\w+", query)}
    assert queried - known == set()
    assert len(queried) > 20


def test_prometheus_understands_the_dashboard(tmp_path: Path) -> None:
    """Each query of each panel is PromQL, by Prometheus' own parser."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    rules = [
        {"record": f"panel:{number}", "expr": _filled(query)}
        for number, query in enumerate(_queries())
    ]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    words = (promtool, "check", "rules", str(path))
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _filled(query: str) -> str:
    """As Grafana sends it."""
    return query.replace("$__rate_interval", "1m").replace("$job", ".*")


def test_panels_do_not_overlap() -> None:
    """Each panel has its number, title and data source."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not taken & cells, panel["title"]
        taken |= cells
        assert panel["title"]
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_grafana_finds_the_data_source_and_the_dashboard() -> None:
    """The provisioned files are those that the compose file mounts."""
    folder = PROJECT / "config" / "monitoring" / "grafana"
    (source,) = yaml.safe_load((folder / "datasource.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards.yml").read_text())["providers"]
    chosen = DASHBOARD["templating"]["list"][0]
    assert chosen["type"] == "datasource"
    assert chosen["current"]["value"] == source["uid"]
    assert source["url"] == "http://prometheus:9090"
    mounted = [mount.split(":")[1] for mount in SERVICES["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/newsdrop.json" in mounted
