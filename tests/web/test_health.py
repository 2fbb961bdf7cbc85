"""`/livez` and `/readyz`, as a load balancer requests them."""

import pytest
import redis

from tests.cli.conftest import home, lonely
from tests.home import Home
from tests.web.served import served
from worker.store.workers import Heartbeats, WorkerInfo

__all__ = ["home", "lonely"]


@pytest.fixture(autouse=True)
def _any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSDROP_WEB_PORT", "0")


def test_ready_needs_all_parts(home: Home, redis_client: redis.Redis) -> None:
    """503 with advice until worker and beat send heartbeats, then 200; never cached."""
    with served(home) as page:
        answer = page.client.get("/readyz")
        assert answer.status_code == 503
        checks = {one["name"]: one for one in answer.json()["checks"]}
        assert checks["redis"]["level"] == "ok"
        assert checks["worker"]["level"] == checks["beat"]["level"] == "fail"
        assert "newsdrop worker" in checks["worker"]["advice"]
        beats = Heartbeats(redis_client, stream=home.settings().stream.name)
        beats.beat(WorkerInfo("newsdrop@here-7", 7, "here", 3, 1))
        beats.record_tick()
        answer = page.client.get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (200, True)
        assert answer.headers["cache-control"] == "no-store"


def test_a_page_lives_without_redis(lonely: Home) -> None:
    """A restart of the page would mend nothing: alive, and not ready."""
    with served(lonely) as page:
        answer = page.client.get("/livez")
        assert (answer.status_code, answer.text) == (200, "ok\n")
        answer = page.client.get("/readyz")
        assert answer.status_code == 503
        assert "cannot be reached" in answer.json()["checks"][0]["message"]


def test_the_command_checks_the_page(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """`healthcheck --part web` fails once the page has ended."""
    with served(home) as page:
        monkeypatch.setenv("NEWSDROP_WEB_PORT", page.url.rpartition(":")[2])
        assert home.run("healthcheck", "--part", "web").stdout == "healthy: web\n"
    assert home.run("healthcheck", "--part", "web").exit_code == 1
