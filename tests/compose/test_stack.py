"""The compose file on a real engine. The tests share one stack and run from the top down."""

import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.compose.stack import PARTS, SERVICES, STREAM, Stack, docker, inspect, until
from tests.home import article

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "harbour.md"
MANY = 4000


def test_a_dropped_file_gives_a_record(stack: Stack) -> None:
    """A file put into the drop folder is a stream entry that a consumer on the host reads."""
    stack.put({"harbour.md": EXAMPLE.read_text("utf-8")})
    until(lambda: len(stack.records()) == 1, stack.logs)
    ((_, entry),) = stack.records()
    assert entry[b"title"].decode() == "云屿港启用全自动码头，船舶等待时间缩短四成"
    assert "云屿港启用全自动码头" in stack.newsdrop("tail")


def test_the_status_page_is_on_loopback_and_behind_the_token(stack: Stack) -> None:
    """The host reaches it on 127.0.0.1 only, with the generated token."""
    host, port = stack.address("web", 8787)
    assert host == "127.0.0.1"
    url = f"http://127.0.0.1:{port}/metrics"
    assert httpx.get(url, trust_env=False).status_code == 401
    token = {"authorization": f"Bearer {stack.secret('web-token')}"}
    answer = httpx.get(url, headers=token, trust_env=False)
    assert answer.status_code == 200
    assert "newsdrop_" in answer.text
    assert httpx.get(url, headers={**token, "host": "evil.example"}, trust_env=False).is_error


@pytest.mark.parametrize("part", PARTS)
def test_containers_have_few_rights(stack: Stack, part: str) -> None:
    """No container is root, holds a capability, can write outside its mounts, or has no bounds."""
    for box in stack.containers(part):
        about = inspect(box)
        host = about["HostConfig"]
        assert about["Config"]["User"].split(":")[0] not in ("", "0", "root")
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert not host["CapAdd"]
        assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"])
        assert host["Memory"] > 0
        assert host["NanoCpus"] > 0
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        published = [b for bound in (host["PortBindings"] or {}).values() for b in bound]
        assert all(binding["HostIp"] == "127.0.0.1" for binding in published)
        described = "\n".join((*(about["Config"]["Env"] or ()), *about["Args"], docker("top", box)))
        assert stack.secret("redis-password") not in described
        assert stack.secret("web-token") not in described


def test_nothing_that_builds_is_in_the_image(stack: Stack) -> None:
    """No pip, no compiler and no build backend."""
    words = "for tool in pip pip3 cc gcc make; do command -v $tool; done; "
    words += "python -c 'import pip' 2>&1; python -c 'import hatchling' 2>&1; true"
    output = stack.execute("sh", "-c", words)
    errors = [line for line in output.splitlines() if line.startswith("ModuleNotFoundError")]
    assert len(errors) == 2
    assert "/bin/" not in output


def test_flower_shows_the_workers_and_controls_nothing(stack: Stack) -> None:
    """It runs in the same image; its API, which could end workers, is disabled."""
    stack.compose("--profile", "monitoring", "up", "-d", "--no-build", "flower")
    until(lambda: stack.unwell("flower") == {}, stack.logs)
    url = "http://{}:{}".format(*stack.address("flower", 5555))
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        until(lambda: len(client.get("/workers?json=1").json()["data"]) >= 3, stack.logs)
        assert client.get("/api/workers").status_code == 401
        assert client.post("/api/worker/shutdown/any").status_code == 401


def test_prometheus_scrapes_and_watches(stack: Stack) -> None:
    """It has the token, gets the metrics, knows the alerts, and none of them fires."""
    image = SERVICES["prometheus"]["image"].split(":-")[1].rstrip("}")
    if not docker("image", "ls", "-q", image).strip():
        pytest.skip(f"not on this machine: {image}")
    stack.compose("--profile", "monitoring", "up", "-d", "--no-build", "prometheus")
    url = "http://{}:{}/api/v1".format(*stack.address("prometheus", 9090))
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:

        def up() -> bool:
            try:
                found = client.get("/query", params={"query": "newsdrop_redis_up"}).json()
            except httpx.HTTPError:
                return False
            return [one["value"][1] for one in found["data"]["result"]] == ["1"]

        until(up, stack.logs)
        (group,) = client.get("/rules").json()["data"]["groups"]
        assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
        assert [rule["name"] for rule in group["rules"] if rule["state"] == "firing"] == []


def test_a_worker_killed_at_work_loses_nothing(stack: Stack) -> None:
    """One of three workers is killed while files wait: each becomes one record, none two."""
    workers = stack.containers("worker")
    assert len(workers) == 3
    before = len(stack.records())
    texts = {f"{n}.md": article(f"第{n}号快讯：码头今日恢复作业") for n in range(MANY)}
    with stack.redis() as client:
        stack.put(texts)
        until(lambda: client.xlen(STREAM) > before + 50, stack.logs, every=0.01)
        docker("kill", workers[0])
        at_kill = client.xlen(STREAM) - before
    assert at_kill < MANY, "nothing was left to do when it was killed: drop more files"
    counts = stack.settled()
    assert counts["unaccounted"] == 0
    titles = Counter(entry[b"title"].decode() for _, entry in stack.records())
    wanted = {f"第{n}号快讯：码头今日恢复作业" for n in range(MANY)}
    assert wanted <= set(titles)
    assert set(titles.values()) == {1}
    assert len(stack.containers("worker")) == 2


def test_stopping_and_starting_loses_nothing(stack: Stack) -> None:
    """Files dropped during work or while all is stopped become records after the start."""
    records = stack.records()
    stack.put({f"late-{n}.md": article(f"第{n}号夜间公告") for n in range(500)})
    time.sleep(1)
    stack.compose("stop")
    stack.put({f"night-{n}.md": article(f"第{n}号停机公告") for n in range(100)})
    stack.up("--scale", "worker=3")
    counts = stack.settled()
    assert counts["unaccounted"] == 0
    after = stack.records()
    assert after[: len(records)] == records
    titles = Counter(entry[b"title"].decode() for _, entry in after[len(records) :])
    wanted = {f"第{n}号夜间公告" for n in range(500)} | {f"第{n}号停机公告" for n in range(100)}
    assert titles == dict.fromkeys(wanted, 1)


def test_recreated_containers_continue(stack: Stack) -> None:
    """After `down` and `up` the records, secrets and ledger are there: they are in volumes."""
    records, token = stack.records(), stack.secret("web-token")
    stack.compose("--profile", "monitoring", "down")
    stack.up()
    assert stack.records() == records
    assert stack.secret("web-token") == token
    stack.put({"again.md": EXAMPLE.read_text("utf-8")})
    counts = stack.settled()
    assert counts["duplicate"] >= 1
    assert stack.records() == records
