"""A child of `up` that lives and does nothing is ended and started again."""

import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.servers import Server
from tests.service.conftest import Up, part_of, until
from worker.service.notify import Notifier
from worker.service.up import _are_heartbeats_there
from worker.service.watchdog_socket import START_SECONDS, WatchdogSocket
from worker.service.welcome import RunningService
from worker.settings import load
from worker.store.connection import connect, redis_url
from worker.store.workers import Heartbeats, WorkerInfo

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")

LIVELY = [
    sys.executable, "-c",
    "import time; from worker.service.notify import notifier; n = notifier(); n.ready('on')\n"
    "print('ready', flush=True)\n"
    "while True: n.alive(); time.sleep(0.2)",
]  # fmt: skip
STUCK = [
    sys.executable, "-c",
    "import time; from worker.service.notify import notifier; n = notifier(); n.ready('on')\n"
    "print('ready', flush=True)\n"
    "time.sleep(1); n.stuck('it is deaf'); time.sleep(1000)",
]  # fmt: skip


def notifier_of(watchdog: WatchdogSocket) -> Notifier:
    variables = watchdog.environment
    return Notifier(variables["NOTIFY_SOCKET"], int(variables["WATCHDOG_USEC"]) / 1_000_000)


def test_silence_is_counted_from_the_last_sign() -> None:
    """Before the first message there is time for a start; after it only the watchdog's."""
    watchdog = WatchdogSocket(30)
    child = notifier_of(watchdog)
    watchdog.start(100)
    assert watchdog.problem(100 + START_SECONDS) == ""
    assert watchdog.problem(101 + START_SECONDS)
    child.ready("on")
    assert watchdog.problem(200) == ""
    assert watchdog.problem(230) == ""
    assert watchdog.problem(231) == "gave no sign of life for 30 s"
    watchdog.restart_silence(300)
    assert watchdog.problem(330) == ""
    watchdog.close()


def test_a_child_reports_that_it_is_stuck() -> None:
    """The reason is returned at once, and cleared for the next process."""
    watchdog = WatchdogSocket(30)
    child = notifier_of(watchdog)
    child.ready("on")
    child.stuck("its main loop hangs")
    assert watchdog.problem(1) == "is stuck: its main loop hangs"
    child.alive()
    watchdog.start(2)
    assert watchdog.problem(3) == ""
    watchdog.close()


@pytest.mark.parametrize("stuck", [False, True])
def test_a_child_that_does_nothing_is_restarted(up: Up, stuck: bool) -> None:
    """Suspended or stuck by its own report: one line on the terminal, one in the log."""
    up.start("--watchdog", "3", a=STUCK if stuck else LIVELY, b=LIVELY)
    expected = "a is stuck: it is deaf" if stuck else r"a gave no sign of life for \d+ s"
    (one, other) = until(lambda: (found := children(up)) and len(found) == 2 and found)
    until(lambda: all("ready" in (up.state / "log" / f"{n}.log").read_text() for n in "ab"))
    if not stuck:
        one.send_signal(signal.SIGSTOP)
    until(lambda: re.search(f"{expected}; restarting it in", up.output.read_text()))
    until(lambda: len(found := children(up)) == 2 and one not in found)
    assert other in children(up)
    assert re.search(f"{expected}: it is restarted", (up.state / "log" / "a.log").read_text())


def children(up: Up) -> list[psutil.Process]:
    """The stand-in children in the order of their start."""
    found = [p for p in up.leftover_processes() if command_of(p) in (LIVELY, STUCK)]
    return sorted(found, key=lambda process: process.create_time())


@pytest.mark.e2e
def test_work_continues_after_every_part_was_suspended(up: Up) -> None:
    """All four parts get SIGSTOP and are replaced; a file dropped then is published."""
    process = up.start("--watchdog", "10")
    parts: dict[str, Callable[[], Any]] = {
        name: lambda name=name: part_of(process.pid, name)
        for name in ("worker", "beat", "listen", "web")
    }
    before = {name: until(find) for name, find in parts.items()}
    for name in parts:
        log = up.state / "log" / f"{name}.log"
        until(log.exists)
        before[name].send_signal(signal.SIGSTOP)
    for name, find in parts.items():
        until(lambda name=name, find=find: (found := find()) and found != before[name])
        assert f"{name} gave no sign of life for" in up.output.read_text()
    (up.state / "drop" / "a.md").write_text("# 一条新闻\n\n正文在此。\n")
    client: Any = connect(up.run_file()["redis"]["url"])
    until(lambda: client.xlen("newsdrop:articles"))


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it ends
        return []


def test_up_sees_its_worker_at_a_server_with_a_password(
    tmp_path: Path, own_server: Callable[..., Server]
) -> None:
    """The readiness check uses the password file; without it `up` waited for a minute."""
    server = own_server(options=("--requirepass", "s3cret"))
    (tmp_path / "password").write_text("s3cret\n")
    settings = load(
        options={
            "state_dir": str(tmp_path / "state"),
            "redis.url": server.url,
            "redis.password_file": str(tmp_path / "password"),
        }
    )
    beats = Heartbeats(connect(redis_url(settings)), stream=settings.stream.name)
    beats.beat(WorkerInfo("newsdrop@here-77", 77, "here", 1, 0))
    running = RunningService(settings, server.url, None, None, None, None)
    assert not _are_heartbeats_there(running, 77), "the scheduler has not ticked"
    beats.record_tick()
    assert _are_heartbeats_there(running, 77)
    assert not _are_heartbeats_there(running, 78)
