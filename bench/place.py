"""The environment of one measurement: a new server, a new state directory, own processes.

Everything is in one temporary directory that goes with it. The server is the wheel's Valkey,
set as `newsdrop up` sets its own (append-only file, synced each second, nothing evicted).
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import redis

from tests.servers import Server

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 300.0
"""Seconds after which a measurement is abandoned: several times what the longest one takes."""

_SERVER_OPTIONS = (
    *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
    *("--auto-aof-rewrite-min-size", "256mb"),
    *("--maxmemory-policy", "noeviction", "--hash-max-listpack-entries", "512"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """`folder` is empty at first; `url` is the server's address for redis-py."""

    folder: Path
    url: str
    client: redis.Redis

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    @property
    def drop(self) -> Path:
        return self.state_dir / "drop"


@contextmanager
def place() -> Iterator[Place]:
    """A new environment; end all processes in it before leaving it."""
    with tempfile.TemporaryDirectory(prefix="nd-") as directory:
        folder = Path(directory)
        (folder / "server").mkdir()
        server = Server(folder / "server", options=_SERVER_OPTIONS).start()
        client = server.client()
        try:
            yield Place(folder, server.url, client)
        finally:
            client.close()
            server.kill()  # its data need not be saved


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], log: Path, stops_within: float = 60.0
) -> Iterator[psutil.Process]:
    """The command as a process from the project's root; ended with its children (TERM, KILL).

    Its output goes to `log`, which is shown if the measurement fails.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean_environment() | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        about = psutil.Process(process.pid)
        try:
            yield about
        except BaseException:
            sys.stderr.write(log.read_text("utf-8", "replace")[-3000:])
            raise
        finally:
            children = about.children(recursive=True) if process.poll() is None else []
            process.terminate()
            try:
                process.wait(stops_within)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for child in psutil.wait_procs(children, timeout=5)[1]:
                child.kill()


def clean_environment() -> dict[str, str]:
    """The environment of this process without settings of newsdrop."""
    return {key: value for key, value in os.environ.items() if not key.startswith("NEWSDROP_")}


def wait_until(true: Callable[[], bool], every: float = 0.02, within: float | None = None) -> float:
    """Poll until it is true; the Unix time of that moment. Raises TimeoutError after `within`
    seconds (PATIENCE)."""
    within = PATIENCE if within is None else within
    until = time.monotonic() + within
    while not true():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {within:.0f} s")
        time.sleep(every)
    return time.time()


def pool(worker: psutil.Process, processes: int) -> list[psutil.Process]:
    """The pool processes of a Celery worker, once all have started. Raises RuntimeError if it ends
    instead, as with a setting that does not exist."""

    def has_started() -> bool:
        if worker.status() == psutil.STATUS_ZOMBIE:
            raise RuntimeError("the worker ended at once: its log says why")
        return len(worker.children()) >= processes

    wait_until(has_started, within=60)
    return list(worker.children())


def server_cpu(client: redis.Redis) -> float:
    """Seconds of CPU that the server has used, with its children (rewriting the file)."""
    info = client.info("cpu")
    return float(sum(value for key, value in info.items() if "main_thread" not in key))


def to_last_entry(client: redis.Redis, stream: str, length: int) -> float:
    """Wait until the stream has `length` entries; when the last was appended (Unix seconds).

    The time is the one in its id: the server's clock is this machine's.
    """
    wait_until(lambda: client.xlen(stream) >= length)
    last: bytes = client.xinfo_stream(stream)["last-generated-id"]
    return int(last.split(b"-")[0]) / 1000
