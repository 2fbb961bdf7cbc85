"""`up` keeps its children running, and leaves no process behind on any way out."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.service.conftest import PATIENCE, PROJECT, Up, until
from worker.service.child_logs import MAX_BYTES
from worker.settings import load

pytestmark = pytest.mark.e2e

SLEEPER = ["sleep", "1000"]
FAMILY = ["sh", "-c", "sleep 1001 & sleep 1002"]
STUBBORN = [
    sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1003)",
]  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_stop_signal_leaves_no_process(up: Up, number: int) -> None:
    """Ctrl-C, TERM and HUP end server, children, grandchildren and `up` itself, with status 0."""
    process = up.start(a=SLEEPER, b=FAMILY)
    until(lambda: up.named("1002"))
    until(lambda: len(up.leftover_processes()) >= 6)  # up, reaper, server, a, b and b's own
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0
    assert up.output.read_text().endswith("\nStopped.\n")
    assert up.leftover_processes() == []
    assert not (up.state / "run" / "up.json").exists()


def test_a_killed_up_leaves_no_process(up: Up) -> None:
    """After SIGKILL all descendants end; commands ignore its run file."""
    process = up.start(a=SLEEPER, b=FAMILY)
    until(lambda: up.named("1002"))
    assert load(options={"state_dir": up.state}).redis.url == up.run_file()["redis"]["url"]
    process.kill()
    process.wait(PATIENCE)
    until(lambda: up.leftover_processes() == [])
    assert up.run_file()["pid"] == process.pid
    assert load(options={"state_dir": up.state}).redis.url == ""


def test_a_stubborn_child_does_not_outlive_a_killed_up(up: Up) -> None:
    """A child that ignores TERM is killed by the reaper when `up` was killed."""
    process = up.start(stubborn=STUBBORN)
    until(lambda: up.named("1003"))
    time.sleep(0.5)  # until it ignores TERM
    process.kill()
    process.wait(PATIENCE)
    until(lambda: up.leftover_processes() == [])


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_children_end_when_up_and_its_reaper_are_killed_together(up: Up) -> None:
    """The kernel sends each child its TERM."""
    process = up.start(a=SLEEPER)
    reaper = until(lambda: up.named("reaper.py"))
    os.kill(process.pid, signal.SIGSTOP)  # it cannot start another reaper
    reaper.kill()
    process.kill()
    process.wait(PATIENCE)
    until(lambda: up.leftover_processes() == [])


def test_a_killed_reaper_is_replaced(up: Up) -> None:
    """Another one is started and knows every child."""
    process = up.start(stubborn=STUBBORN)
    first = until(lambda: up.named("reaper.py"))
    first.kill()
    until(lambda: (found := up.named("reaper.py")) and found.pid != first.pid)
    until(lambda: up.named("1003"))
    time.sleep(0.5)
    process.kill()
    process.wait(PATIENCE)
    until(lambda: up.leftover_processes() == [])


def test_a_killed_child_is_started_again(up: Up) -> None:
    """And processes that it had started are gone."""
    up.start(b=FAMILY)
    orphan = until(lambda: up.exactly("sleep", "1001"))
    os.kill(os.getpgid(orphan.pid), signal.SIGKILL)  # the shell alone
    until(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)
    until(lambda: up.exactly("sleep", "1001"))
    assert "b was ended by SIGKILL" in up.output.read_text()


def test_a_killed_server_is_started_again_with_its_data(up: Up) -> None:
    """Data written before SIGKILL is there."""
    from worker.store.connection import connect

    up.start(a=SLEEPER)
    client = connect(up.run_file()["redis"]["url"])
    client.set("kept", "1")
    time.sleep(1.5)  # appendfsync everysec
    server = until(lambda: up.named("server.conf"))
    server.kill()

    def back() -> bool:
        try:
            return bool(connect(up.run_file()["redis"]["url"]).get("kept") == b"1")
        except Exception:
            return False

    until(back)


def test_a_child_that_cannot_run_ends_everything(up: Up) -> None:
    """A child that dies again and again is given up: all stop, with one sentence and its log."""
    done = up.run(a=SLEEPER, broken=["sh", "-c", "echo the reason; exit 7"])
    assert done.returncode == 1
    assert "broken ended with status 7 6 times within a minute, so newsdrop stops" in done.stdout
    assert "the reason" in done.stdout
    assert up.leftover_processes() == []


def test_a_missing_program_is_named(up: Up) -> None:
    """Without a traceback."""
    up.start(broken=["/nowhere/no-such-program"])
    log = up.state / "log" / "broken.log"
    until(lambda: log.exists() and "\n" in log.read_text())
    line = log.read_text().splitlines()[0]
    assert line == "cannot run '/nowhere/no-such-program': No such file or directory"
    assert "Traceback" not in log.read_text() + up.output.read_text()


def test_a_suspended_server_is_waited_for(up: Up) -> None:
    """Nothing is restarted or given up."""
    process = up.start(a=SLEEPER)
    server = until(lambda: up.named("server.conf"))
    server.suspend()
    time.sleep(3)
    assert process.poll() is None
    server.resume()
    assert until(lambda: up.named("server.conf")).pid == server.pid
    assert "restarting it" not in up.output.read_text()


def test_a_second_signal_stops_the_waiting(up: Up) -> None:
    """A child that ignores TERM is waited for; another Ctrl-C kills it at once."""
    process = up.start(stubborn=STUBBORN)
    until(lambda: up.named("1003"))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    until(lambda: "Stopping" in up.output.read_text())
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE)
    assert up.leftover_processes() == []


def test_a_log_gets_no_banner(up: Up) -> None:
    """In a log one line says that the service is ready."""
    up.start(a=SLEEPER)
    printed = up.output.read_text()
    assert printed.count("newsdrop is ready.") == 1
    assert "watch the work" not in printed
    assert "drop files into" not in printed


def test_two_on_one_state_directory_refuse(up: Up) -> None:
    """The second `up` names the running process and changes nothing."""
    process = up.start(a=SLEEPER)
    second = up.run(a=SLEEPER)
    assert second.returncode == 2
    assert f"it already runs on {up.state} (process {process.pid})" in second.stderr
    assert process.poll() is None
    assert up.run_file()["pid"] == process.pid


def test_detach_returns_when_ready_and_down_stops_it(up: Up) -> None:
    """`--detach` leaves the service running in a session of its own; `down` ends all of it."""
    done = up.run("--detach", a=SLEEPER)
    assert done.returncode == 0, done.stderr
    assert "newsdrop is ready." in done.stdout
    pid = up.run_file()["pid"]
    assert os.getsid(pid) == pid
    assert up.named("1000")
    down = up.run("--down")
    assert (down.returncode, down.stdout.strip()) == (0, "Stopped.")
    until(lambda: up.leftover_processes() == [])
    again = up.run("--down")
    assert again.returncode == 0
    assert "Nothing runs" in again.stdout


def test_the_log_of_a_service_in_the_background_is_rotated(up: Up) -> None:
    """`up.log` has the same bound as the logs of the parts."""
    log = up.state / "log" / "up.log"
    log.parent.mkdir(parents=True)
    with log.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    up.run("--detach", a=SLEEPER)
    until(lambda: log.stat().st_size < MAX_BYTES)
    assert log.with_name("up.log.1").stat().st_size > MAX_BYTES
    assert up.run("--down").returncode == 0
    assert log.read_text().endswith("\nStopped.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_detach_that_ends_before_all_is_ready(up: Up, number: int) -> None:
    """Ctrl-C stops everything; a killed command (a closed terminal) lets the service start."""
    slow = ["redis-server", "valkey-server"]
    tools = up.state.parent / "bin"
    tools.mkdir()
    for name in slow:  # their version is read first: time to interrupt
        (tools / name).write_text("#!/bin/sh\nsleep 3\n")
        (tools / name).chmod(0o755)
    environment = up.environment()
    environment["PATH"] = f"{tools}:{environment['PATH']}"
    with subprocess.Popen(
        up.command("--detach", a=SLEEPER),
        cwd=PROJECT, env=environment, text=True, stderr=subprocess.PIPE,
    ) as command:  # fmt: skip
        until((up.state / "log" / "up.log").exists)
        command.send_signal(number)
        if number == signal.SIGINT:
            assert command.stderr is not None
            assert "Interrupted before it was ready" in command.stderr.read()
            until(lambda: up.leftover_processes() == [])
        else:
            until(lambda: up.named("1000"))
            until((up.state / "run" / "up.json").exists)
            assert up.run("--down").returncode == 0
    assert "BrokenPipe" not in (up.state / "log" / "up.log").read_text()


def test_detach_says_why_it_did_not_start(up: Up) -> None:
    """A failure before it is ready is printed on the terminal, too."""
    up.start(a=SLEEPER)
    done = up.run("--detach", a=SLEEPER)
    assert done.returncode == 2
    assert "it already runs on" in done.stderr


def test_down_believes_only_the_lock(up: Up) -> None:
    """A pid in a stale file belongs to anybody: `down` does not signal it."""
    run = up.state / "run"
    run.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as bystander:
        (run / "up.lock").write_text(f"{bystander.pid}\n")
        (run / "up.json").write_text(f'{{"pid": {bystander.pid}}}')
        done = up.run("--down")
        spared = bystander.poll() is None
        bystander.kill()
    assert spared
    assert done.returncode == 0
    assert "Nothing runs" in done.stdout
    assert not (run / "up.json").exists()


def test_a_language_that_is_not_installed_is_no_warning_of_the_server(
    up: Up, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server, to which the locale is nothing, does not begin with a warning of it."""
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    up.start(a=SLEEPER)
    assert "LOCALE" not in (up.state / "log" / "server.log").read_text()


def test_warnings_of_children_are_shown(up: Up) -> None:
    """A child's warning appears with its name and escaped; its other lines stay in its log."""
    printed = (
        "echo '[2026-01-01 10:00:00,000: WARNING/MainProcess] too \033[31mred'; "
        "echo plain words; sleep 1000"
    )
    up.start(a=["sh", "-c", printed])
    until(lambda: "too \\x1b[31mred" in up.output.read_text())
    assert "plain words" not in up.output.read_text()
    assert "plain words" in (up.state / "log" / "a.log").read_text()
