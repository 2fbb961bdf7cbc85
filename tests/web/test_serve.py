"""The server as a process: its port, access from outside, its end, and slow clients."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import uvicorn

from tests.servers import Server, clean_environment
from tests.template import Program, run_newsdrop
from worker.errors import ConfigError
from worker.service.port import get_address, open_port
from worker.settings import load
from worker.web import serve
from worker.web.app import web_app

PATIENCE = 60.0


@contextmanager
def running(state: Path, *options: str, **environment: str) -> Iterator[tuple[Any, str]]:
    """`newsdrop web --json` until the block ends: (its process, its address)."""
    process = Program(
        [sys.executable, "-m", "worker.cli", "web", "--json", *options],
        env=clean_environment(NEWSDROP_STATE_DIR=str(state), **environment),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield process, json.loads(line)["url"].rstrip("/")
    finally:
        process.kill()
        process.communicate()


def ask(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=PATIENCE)


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_it_ends_at_once_with_streams_open(redis_server: Server, tmp_path: Path) -> None:
    """TERM ends the process within seconds, with status 0, although pages are watched."""
    with running(tmp_path, "--port", "0", NEWSDROP_REDIS_URL=redis_server.url) as (process, url):
        with (
            httpx.Client(trust_env=False, timeout=30) as client,
            client.stream("GET", f"{url}/live") as one,
            client.stream("GET", f"{url}/live?page=jobs") as other,
        ):
            assert next(one.iter_lines()).startswith("event:")
            assert next(other.iter_lines()).startswith("event:")
            began_at = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
            assert time.monotonic() - began_at < 30
        assert "Traceback" not in process.stderr.read()


EARLY_TERM = """
import os, signal, socket, uvicorn
from worker.settings import load
from worker.web.serve import run_web
run = uvicorn.Server.run
uvicorn.Server.run = lambda *a, **k: (os.kill(os.getpid(), signal.SIGTERM), run(*a, **k))
raise SystemExit(run_web(load(), socket.create_server(("127.0.0.1", 0))))
"""


def test_a_term_before_it_serves_ends_it(tmp_path: Path) -> None:
    """A TERM between its checks and uvicorn's own handler is not swallowed."""
    environment = {**os.environ, "NEWSDROP_STATE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", EARLY_TERM]
    assert subprocess.run(command, env=environment, check=False, timeout=30).returncode == 0


def test_without_redis_it_says_so(tmp_path: Path) -> None:
    """The page works without Redis and says what to do."""
    nowhere = f"unix://{tmp_path}/no.sock"
    with running(tmp_path, "--port", "0", NEWSDROP_REDIS_URL=nowhere) as (_, url):
        page = ask(f"{url}/")
        assert page.status_code == 200
        assert "newsdrop up" in page.text
        assert ask(f"{url}/jobs").status_code == 503
        assert ask(f"{url}/livez").status_code == 200
        assert ask(f"{url}/readyz").status_code == 503


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    """With how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environment = clean_environment(NEWSDROP_STATE_DIR=str(tmp_path))
        done = run_newsdrop("web", "--port", port, environment=environment, timeout=PATIENCE)
    assert done.returncode == 2
    assert f"port {port} of 127.0.0.1 is in use" in done.stderr
    assert "--port N or web.port" in done.stderr


def test_several_services_take_the_next_port(tmp_path: Path) -> None:
    """`up` opens the next free port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = load(options={"state_dir": str(tmp_path), "web.port": port})
        one, other = (open_port(settings, or_another=True) for _ in range(2))
        numbers = {port, one.getsockname()[1], other.getsockname()[1]}
        assert len(numbers) == 3
        assert get_address(one) == f"http://127.0.0.1:{one.getsockname()[1]}/"
        one.close()
        other.close()


def test_access_from_outside_needs_a_token(tmp_path: Path) -> None:
    """An address beyond loopback without a token is refused with advice."""
    given = {"state_dir": str(tmp_path), "web.port": 0}
    for host in ("0.0.0.0", "::"):
        settings = load(options={**given, "web.host": host})
        for another in (False, True):
            with pytest.raises(ConfigError, match=r"web\.token or web\.token_file"):
                open_port(settings, or_another=another)
    opened = open_port(load(options={**given, "web.host": "0.0.0.0", "web.token": "x" * 20}))
    assert get_address(opened).startswith("http://127.0.0.1:")
    opened.close()
    empty = tmp_path / "token"
    empty.write_text("\n")
    settings = load(options={**given, "web.host": "0.0.0.0", "web.token_file": str(empty)})
    with pytest.raises(ConfigError, match="is empty"):
        open_port(settings)
    with pytest.raises(ConfigError, match="not an address of this machine"):
        open_port(load(options={**given, "web.host": "no such name.invalid"}))


def test_a_slow_head_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without a complete head is closed, and one whose refused body continues."""
    monkeypatch.setattr(serve, "HEAD_SECONDS", 0.5)
    with threaded(tmp_path) as (host, port):
        silent = socket.create_connection((host, port), timeout=PATIENCE)
        assert silent.recv(100) == b""
        dripping = socket.create_connection((host, port), timeout=PATIENCE)
        dripping.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")

        def closed() -> bool:
            try:
                dripping.sendall(b"X: y\r\n")
            except OSError:
                return True
            time.sleep(0.05)
            return False

        until(closed)
        refused = socket.create_connection((host, port), timeout=PATIENCE)
        refused.sendall(
            b"POST /enqueue HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999999\r\n"
        )
        refused.sendall(b"\r\nxxx")
        assert refused.recv(12) == b"HTTP/1.1 413"

        def ended() -> bool:
            try:
                refused.sendall(b"x" * 100)
            except OSError:
                return True
            time.sleep(0.05)
            return False

        until(ended)


def test_an_incomplete_body_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is answered 408, and its connection is closed."""
    monkeypatch.setattr("worker.web.middleware.BODY_SECONDS", 0.3)
    with threaded(tmp_path) as (host, port):
        slow = socket.create_connection((host, port), timeout=PATIENCE)
        head = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"
        slow.sendall(head + b"Content-Type: application/x-www-form-urlencoded\r\n\r\na=")
        assert slow.recv(12) == b"HTTP/1.1 408"


@contextmanager
def threaded(state: Path) -> Iterator[tuple[str, int]]:
    """The application with the server's own protocol, in a thread: (host, port)."""
    import threading

    settings = load(options={"state_dir": str(state), "web.port": 0})
    listening = open_port(settings)
    config = uvicorn.Config(
        web_app(settings), http=serve.PromptProtocol, ws="none", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield listening.getsockname()[:2]
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listening.close()


class Service:
    """`newsdrop up --detach` on a state directory of its own."""

    def __init__(self, state: Path, **environment: str) -> None:
        variables = {"NEWSDROP_STATE_DIR": str(state), "NEWSDROP_WORKER_PROCESSES": "1"}
        self.state = state
        self.environment = clean_environment(**variables | environment)

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-P", "-m", "worker.cli", *words],
            env=self.environment, capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip

    def read_run_file(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.state / "run" / "up.json").read_text())
        return content

    def page(self) -> psutil.Process | None:
        for child in psutil.Process(self.read_run_file()["pid"]).children():
            if child.name() == "newsdrop-web":
                return child
        return None


@pytest.fixture
def service() -> Iterator[Callable[..., Service]]:
    """`service(KEY=value)`: not yet started; each is stopped at the end."""
    made: list[Service] = []
    folder = Path(tempfile.mkdtemp(prefix="nd-web-"))  # a socket's path is limited

    def make(**environment: str) -> Service:
        made.append(Service(folder / str(len(made)), **environment))
        return made[-1]

    yield make
    for one in made:
        one.run("down")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.e2e
@pytest.mark.timeout(400)
def test_up_runs_the_page_and_restarts_it(service: Callable[..., Service]) -> None:
    """At the next free port, which stays the same after kills; nothing else is stopped."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        one = service(NEWSDROP_WEB_PORT=str(port))
        result = one.run("up", "--detach")
        assert result.returncode == 0, result.stderr
        url = one.read_run_file()["web"]["url"]
        assert f"status page       {url}" in result.stdout
        assert f":{port}/" not in url
    assert ask(url).status_code == 200
    for _ in range(2):
        page = one.page()
        assert page is not None
        page.kill()
        assert ask(url).status_code == 200  # it waits for the next one, and is not refused
    until(lambda: ask(f"{url}readyz").status_code == 200)
    done = one.run("down")
    assert done.returncode == 0, done.stderr
    with pytest.raises(httpx.ConnectError):
        ask(url)


@pytest.mark.e2e
@pytest.mark.timeout(400)
def test_up_without_a_page(service: Callable[..., Service]) -> None:
    """`--no-web` leaves it out; a host beyond loopback without a token is refused at the start."""
    one = service()
    result = one.run("up", "--detach", "--no-web")
    assert result.returncode == 0, result.stderr
    assert "status page" not in result.stdout
    assert one.read_run_file()["web"] is None
    assert one.page() is None
    other = service(NEWSDROP_WEB_HOST="0.0.0.0")
    result = other.run("up", "--detach")
    assert result.returncode == 2
    assert "web.token or web.token_file" in result.stderr
