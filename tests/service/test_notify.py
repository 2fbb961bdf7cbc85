"""Messages to systemd, received by a socket of the test; the parts are real processes."""

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.servers import Server
from tests.service.parts import COMMANDS, WITHIN, running
from worker.service.notify import Notifier
from worker.service.watchdog import LOOP_PATIENCE_SECONDS, LivenessMonitor, LivenessReading
from worker.settings import Settings
from worker.taskqueue.celery_app import create_app

UNITS = [name for name in COMMANDS if name != "celery"]


class Systemd:
    """Its end of the socket: what came, from which process, when."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.messages: list[tuple[float, int, str]] = []
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._door.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        size = struct.calcsize("3i")
        while True:
            try:
                data, extra, _, _ = self._door.recvmsg(4096, socket.CMSG_SPACE(size))
            except OSError:
                return
            pid = struct.unpack("3i", extra[0][2][:size])[0]
            for line in data.decode().splitlines():
                self.messages.append((time.monotonic(), pid, line))

    def times(self, line: str) -> list[float]:
        return [at for at, _, lines in self.messages if lines == line]

    def until(self, there: Callable[[], object], what: str) -> None:
        end = time.monotonic() + WITHIN
        while not there():
            assert time.monotonic() < end, f"no {what}: {self.messages[-20:]}"
            time.sleep(0.05)

    def until_said(self, words: str) -> None:
        self.until(lambda: any(words in lines for _, _, lines in self.messages), words)

    def until_alive(self, times: int) -> None:
        """Until so many more signs of life came."""
        before = len(self.times("WATCHDOG=1"))
        self.until(lambda: len(self.times("WATCHDOG=1")) >= before + times, "sign of life")

    def environment(self, watchdog: float) -> dict[str, str]:
        return {"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": str(int(watchdog * 1_000_000))}

    def close(self) -> None:
        self._door.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    made = Systemd(f"@newsdrop-test-{os.getpid()}-{tmp_path.name}")
    yield made
    made.close()


def environment(tmp_path: Path, server: Server) -> dict[str, str]:
    return {
        "NEWSDROP_STATE_DIR": str(tmp_path / "state"),
        "NEWSDROP_REDIS_URL": server.url,
        "NEWSDROP_WORKER_PROCESSES": "1",
        "NEWSDROP_WORKER_TICK_SECONDS": "0.5",
        "NEWSDROP_SPOOL_MIN_FREE_MB": "1",
        "NEWSDROP_WEB_PORT": "0",
    }


@pytest.mark.parametrize("address", ["@abstract", "path"])
def test_a_message_is_a_datagram(tmp_path: Path, address: str) -> None:
    """Ready, a state and the end reach the socket, be it a file or a name in the abstract space."""
    name = f"@newsdrop-{os.getpid()}" if address == "@abstract" else str(tmp_path / "notify")
    listening = Systemd(name)
    notifier = Notifier(name, watchdog=10)
    notifier.ready("begins")
    notifier.status("works\x1b[31m on")
    notifier.status("works\x1b[31m on")
    notifier.stopping()
    listening.until_said("STOPPING=1")
    listening.close()
    lines = [line for _, _, line in listening.messages]
    assert lines[:3] == ["READY=1", "STATUS=begins", "STATUS=works\\x1b[31m on"]
    assert lines[3] == "STOPPING=1"


def test_without_a_supervisor_nothing_is_sent(tmp_path: Path) -> None:
    """Nor where its socket is gone; nothing fails."""
    for notifier in (Notifier(), Notifier(str(tmp_path / "gone"), watchdog=1)):
        notifier.ready("")
        notifier.alive()
        notifier.stopping()
    assert not Notifier().is_connected


def test_watchdog_messages_are_few(systemd: Systemd) -> None:
    """At least a quarter of the watchdog's time lies between two."""
    now = 0.0
    notifier = Notifier(systemd.address, watchdog=40, monotonic=lambda: now)
    for now in (0.0, 1.0, 9.9, 10.0, 19.0, 20.0):  # noqa: B007  read by the clock above
        notifier.alive()
    notifier.stopping()
    systemd.until_said("STOPPING=1")
    assert len(systemd.times("WATCHDOG=1")) == 3


def reading(
    loops: int = 0, processes: int = 3, received: int = 0, idle: bool = True, waiting: int = 0
) -> LivenessReading:
    return LivenessReading(loops, processes, received, idle, waiting)


def problem_after(readings: Callable[[int], LivenessReading], seconds: int = 120) -> str:
    """The problem after so many seconds of such readings, one a second."""
    monitor = LivenessMonitor(30)
    for second in range(seconds):
        monitor.problem(readings(second), float(second))
    return monitor.problem(readings(seconds), float(seconds))


def test_what_a_stuck_worker_is() -> None:
    """A loop that hangs, an empty pool, and an idle worker that leaves messages waiting."""
    assert problem_after(lambda _: reading()) == "its main loop hangs"
    assert problem_after(lambda _: reading(), int(LOOP_PATIENCE_SECONDS)) == ""
    assert problem_after(lambda at: reading(at, processes=0)) == "its pool has no process"
    assert "takes none" in problem_after(lambda at: reading(at, waiting=2))


def test_a_worker_that_was_suspended_is_not_stuck() -> None:
    """The first reading after a pause of all its threads; what still hangs later is reported."""
    monitor = LivenessMonitor(30)
    for second in (0, 5, 10, 190, 195):
        assert monitor.problem(reading(), float(second)) == ""
    for second in range(200, 245, 5):
        last = monitor.problem(reading(), float(second))
    assert last == "its main loop hangs"


def test_busy_and_idle_workers_are_not_stuck() -> None:
    """No work, long tasks, messages that are taken, a process that is being replaced."""
    assert problem_after(reading) == ""
    assert problem_after(lambda at: reading(at, idle=False, waiting=2)) == ""
    assert problem_after(lambda at: reading(at, received=at, waiting=2)) == ""
    assert problem_after(lambda at: reading(at, waiting=at % 10)) == ""
    assert problem_after(lambda at: reading(at, processes=at % 20)) == ""


@pytest.mark.e2e
@pytest.mark.parametrize("name", UNITS)
def test_each_part_reports_its_state(
    name: str, tmp_path: Path, redis_server: Server, systemd: Systemd
) -> None:
    """Ready, alive, its activity and its end, by the process that systemd started."""
    variables = {**environment(tmp_path, redis_server), **systemd.environment(2)}
    with running(name, variables) as part:
        systemd.until_said("READY=1")
        systemd.until_alive(3)
        assert part.stop() == 0, part.output
        systemd.until_said("STOPPING=1")
    assert {pid for _, pid, _ in systemd.messages} == {part.process.pid}
    assert any(line.startswith("STATUS=") for _, _, line in systemd.messages)
    assert len(systemd.times("READY=1")) == 1


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["worker", "beat"])
def test_redis_unavailable_is_no_reason_to_be_ended(
    name: str, tmp_path: Path, own_server: Callable[..., Server], systemd: Systemd
) -> None:
    """Without Redis a part is ready and alive, and continues when the server is back."""
    server = own_server()
    server.stop()
    variables = {**environment(tmp_path, server), **systemd.environment(4)}
    with running(name, variables) as part:
        systemd.until_said("READY=1")
        systemd.until_alive(4)
        server.start()
        if name == "worker":
            systemd.until_said("STATUS=working: ")
        server.kill()
        systemd.until_alive(4)
        assert part.process.poll() is None


@pytest.mark.e2e
def test_a_worker_that_takes_no_messages_is_reported(
    tmp_path: Path, redis_server: Server, systemd: Systemd
) -> None:
    """Connected, idle, messages wait: its status says so, and watchdog messages stop."""
    variables = {**environment(tmp_path, redis_server), **systemd.environment(4)}
    with running("worker", variables):
        systemd.until_said("STATUS=working: ")
        systemd.until_alive(2)
        app = create_app(Settings(state_dir=tmp_path / "state", redis={"url": redis_server.url}))  # type: ignore[arg-type]
        queue = app.conf.task_default_queue
        app.control.cancel_consumer(queue, reply=True, timeout=5)
        app.send_task("newsdrop.scan")
        systemd.until_said("STATUS=stuck: it is idle and takes none of the messages that wait")
        before = len(systemd.times("WATCHDOG=1"))
        time.sleep(3)
        assert len(systemd.times("WATCHDOG=1")) <= before
        app.control.add_consumer(queue, reply=True, timeout=5)
        systemd.until_alive(1)


@pytest.mark.e2e
def test_a_worker_whose_processes_are_suspended_is_reported(
    tmp_path: Path, redis_server: Server, systemd: Systemd
) -> None:
    """They got a task each and never accept it: no time limit counts, and nothing is active."""
    variables = {**environment(tmp_path, redis_server), **systemd.environment(4)}
    with running("worker", variables) as part:
        systemd.until_said("STATUS=working: ")
        systemd.until_alive(2)
        app = create_app(Settings(state_dir=tmp_path / "state", redis={"url": redis_server.url}))  # type: ignore[arg-type]
        children = psutil.Process(part.process.pid).children()
        for child in children:
            child.suspend()
        for _ in range(3 * len(children)):
            app.send_task("newsdrop.scan")
        systemd.until_said("STATUS=stuck: it is idle and takes none of the messages that wait")
        for child in children:
            child.resume()
        systemd.until_alive(1)
