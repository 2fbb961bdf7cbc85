"""A fork of `up` has the imported modules, and nothing else of its parent."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.up_memory import parts_at_rest
from tests.servers import Server, clean_environment
from tests.service.conftest import PATIENCE, PROJECT, until
from worker.settings import load
from worker.store.factory import heartbeats

BEGIN = """
import atexit, gc, json, os, signal, socket, sys, time
from worker.service.fork import Fork, ForkedProcess
from worker.service.notify import notifier

def start(run, keeps=(), **environment):
    output = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return ForkedProcess(Fork(run, "newsdrop-a-part", output, environment, keeps))

def tell(**values):
    print(json.dumps(values), flush=True)
"""


@pytest.fixture
def parent(tmp_path: Path) -> Callable[[str], Any]:
    """`parent(code)`: the last line that the fork of a process with `code` printed, as JSON."""

    def run(code: str) -> Any:
        output = tmp_path / "output"
        subprocess.run(
            [sys.executable, "-c", BEGIN + code, str(output)],
            cwd=PROJECT, timeout=PATIENCE, check=True,
        )  # fmt: skip
        return json.loads(output.read_text().splitlines()[-1])

    return run


def test_a_fork_has_no_descriptor_of_its_parent(parent: Callable[[str], Any]) -> None:
    """Locks, sockets and pipes of the parent are closed but for those to keep; it reads nothing."""
    report = parent("""
lock, kept, pipe = (os.open("/dev/null", os.O_RDWR) for _ in range(3))
def run():
    fds = [int(fd) for fd in os.listdir("/proc/self/fd")]
    tell(fds=[fd for fd in fds if os.path.exists(f"/proc/self/fd/{fd}")], stdin=sys.stdin.read())
process = start(run, (kept,))
assert process.wait(60) == 0
tell(kept=kept)
with open(sys.argv[1]) as file: told = json.loads(file.readline())
assert told == {"fds": [0, 1, 2, kept], "stdin": ""}, told
start(lambda: tell(done=True)).wait(60)
""")
    assert report == {"done": True}


def test_a_fork_is_a_process_of_its_own(parent: Callable[[str], Any]) -> None:
    """It has its own name, group, variables and notifier, and default signal handlers."""
    report = parent("""
signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGHUP, lambda *_: None)
os.environ["NOTIFY_SOCKET"] = "@parent"
notifier()
def run():
    tell(
        comm=open("/proc/self/comm").read().strip(), group=os.getpgid(0) == os.getpid(),
        variable=os.environ["A"], socket=notifier()._address,
        term=signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
        hup=signal.getsignal(signal.SIGHUP) == signal.SIG_DFL,
        mask=not signal.pthread_sigmask(signal.SIG_BLOCK, ()),
    )
    time.sleep(60)
process = start(run, A="1", NOTIFY_SOCKET="/child")
while not os.path.getsize(sys.argv[1]): time.sleep(0.01)
process.terminate()
assert process.wait(60) == -signal.SIGTERM
""")
    assert report == {
        "comm": "newsdrop-a-part",
        "group": True,
        "variable": "1",
        "socket": "/child",
        "term": True,
        "hup": True,
        "mask": True,
    }


@pytest.mark.parametrize(
    ("code", "status", "printed"),
    [
        ("pass", 0, "bye"),
        ("sys.exit(3)", 3, "bye"),
        ("sys.exit()", 0, "bye"),
        ("sys.exit('wrong')", 1, "wrong\nbye"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
        ("os.kill(os.getpid(), signal.SIGKILL)", -9, ""),
    ],
)
def test_a_fork_ends_as_a_program_does(
    code: str, status: int, printed: str, parent: Callable[[str], Any], tmp_path: Path
) -> None:
    """Its status and its last words are those of a program, and what waits for its exit runs."""
    (tmp_path / "output").write_text("")
    lines = f"""
def run():
    atexit.register(lambda: print("bye"))
    {code}
status = start(run).wait(60)
with open(sys.argv[1], "a") as file: file.write("\\n" + json.dumps(status))
"""
    assert parent(lines) == status
    assert printed in (tmp_path / "output").read_text()


def test_a_fork_shares_the_memory_of_its_parent(parent: Callable[[str], Any]) -> None:
    """A collection of garbage in the fork copies nothing of 60 MB of objects: they are frozen."""
    report = parent("""
many = [[] for _ in range(800_000)]
def run():
    gc.collect()
    lines = dict(line.split(":") for line in open("/proc/self/smaps_rollup").readlines()[1:])
    tell(own_kb=int(lines["Private_Dirty"].split()[0]), all_kb=int(lines["Rss"].split()[0]))
start(run).wait(60)
""")
    assert report["all_kb"] > 60_000
    assert report["own_kb"] < 15_000


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_fork_ends_with_its_parent(tmp_path: Path) -> None:
    """The kernel sends it a TERM when its parent is killed."""
    output = tmp_path / "output"
    code = "process = start(lambda: (tell(pid=os.getpid()), time.sleep(60)))\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", BEGIN + code, str(output)], cwd=PROJECT) as one:
        until(lambda: output.exists() and output.read_text().endswith("\n"))
        pid = json.loads(output.read_text())["pid"]
        assert psutil.pid_exists(pid)
        one.kill()
    until(lambda: not psutil.pid_exists(pid))


def test_no_signal_is_lost_at_the_fork(parent: Callable[[str], Any]) -> None:
    """A TERM that comes at once ends the fork, whatever its parent does with one."""
    report = parent("""
signal.signal(signal.SIGTERM, lambda *_: None)
statuses = []
for _ in range(50):
    process = start(lambda: time.sleep(20))
    os.kill(process.pid, signal.SIGTERM)
    statuses.append(process.wait(60))
start(lambda: tell(statuses=sorted(set(statuses)))).wait(60)
""")
    assert report == {"statuses": [-signal.SIGTERM]}


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_the_parts_share_their_memory() -> None:
    """All of `up` when idle needs less than 250 MB; as programs it was nearly twice that."""
    parts = parts_at_rest(1.0)
    assert {name.split()[0] for name, _ in parts} >= {"up", "worker", "beat", "listen", "web"}
    assert sum(mb for _, mb in parts) < 250, parts


@pytest.mark.e2e
def test_a_scheduler_of_its_own_loads_no_task(tmp_path: Path, redis_server: Server) -> None:
    """`newsdrop beat` ticks without the modules that parse articles and fetch."""
    code = (
        "import atexit, sys\n"
        "from worker.service.part import run_celery\n"
        "unwanted = {'worker.tasks', 'worker.pipeline.batch.drain', "
        "'httpx', 'lxml.html', 'zstandard'}\n"
        "atexit.register(lambda: print('loaded:', sorted(unwanted & set(sys.modules))))\n"
        "run_celery(['beat'])\n"
    )
    report = {"NEWSDROP_STATE_DIR": str(tmp_path), "NEWSDROP_REDIS_URL": redis_server.url}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=clean_environment(**report),
        stdout=subprocess.PIPE,
        text=True,
    ) as beat:
        settings = load(options={"state_dir": str(tmp_path), "redis.url": redis_server.url})
        until(lambda: heartbeats(settings).tick_age_seconds() is not None)
        beat.terminate()
        printed, _ = beat.communicate(timeout=PATIENCE)
    assert "loaded: []" in printed
