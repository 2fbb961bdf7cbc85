"""A server, a state directory and optionally a running service for one round."""

import json
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psutil

from tests.nodes import Cluster, Replicated
from tests.servers import Server, new_directory
from tests.torture.news import News
from tests.torture.oracle import examine, is_done
from tests.torture.round import Round
from tests.torture.service import Service
from tests.world import World

OPTIONS: Mapping[str, Any] = {
    "spool.batch_files": 40,
    "spool.min_free_mb": 1,
    "worker.processes": 2,
    "worker.tick_seconds": 0.5,
    "worker.max_memory_mb": 400,
}


@contextmanager
def server(*options: str, appendonly: bool = True) -> Iterator[Server]:
    """A server of the round's own, removed afterwards."""
    one = Server(new_directory(), appendonly=appendonly, options=options)
    try:
        yield one.start()
    finally:
        if one.process is not None:
            with suppress(ProcessLookupError):
                one.process.send_signal(signal.SIGCONT)
        one.kill()
        shutil.rmtree(one.directory, ignore_errors=True)


class Field:
    """One state directory with its drop folder; `url` is the service's way to the server, which
    may be several (tests/nodes.py)."""

    def __init__(
        self,
        round_: Round,
        server: Server | Replicated | Cluster,
        *,
        url: str = "",
        name: str = "state",
        settle_seconds: float = 0,
        broker_url: str = "",
    ) -> None:
        self.round, self.server = round_, server
        self.options = {**OPTIONS, **({"celery.broker_url": broker_url} if broker_url else {})}
        self.state = round_.directory / name
        # Examined over the server's own socket, never over a lossy way.
        folder = {"settle_without_event_seconds": settle_seconds}
        self.world = World(self.state, server.url, folder=folder, **self.options)
        self.news = News(self.world.drop_dir, round_.random, prefix=f"{name}-")
        self.config = round_.directory / f"{name}.toml"
        self._write_config(url or server.url, settle_seconds)

    @contextmanager
    def service(
        self,
        *,
        before: Sequence[str] = (),
        parts: Sequence[str] = ("worker", "beat"),
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[Service]:
        """A running service that has published its first article."""
        log = self.round.directory / f"{self.state.name}.log"
        service = Service(self.config, log, before=before, parts=parts, environment=environment)
        try:
            self.news.write(5)
            wait_for(lambda: is_done([self.world]), self.round.patience_seconds)
            self.round.begin()
            yield service
        finally:
            service.stop()

    def finish(self, *others: "Field") -> None:
        """Wait for the end of the work, then add its figures to the round's."""
        worlds = [self.world, *(other.world for other in others)]
        wait_for(lambda: is_done(worlds), self.round.patience_seconds)
        time.sleep(0.3)  # for a drop that was in between
        pairs = [(field.world, field.news) for field in (self, *others)]
        self.round.add(examine(*pairs))

    def _write_config(self, url: str, settle_seconds: float) -> None:
        folder = {"name": "drop", "path": str(self.world.drop_dir)}
        tables: Counter[str] = Counter()
        lines = [f"state_dir = {json.dumps(str(self.state))}"]
        for key, value in {"redis.url": url, **self.options}.items():
            table, _, name = key.partition(".")
            if not tables[table]:
                lines.append(f"[{table}]")
            tables[table] += 1
            lines.append(f"{name} = {json.dumps(value)}")
        lines += ["[[folders]]", *(f"{key} = {json.dumps(value)}" for key, value in folder.items())]
        lines.append(f"settle_without_event_seconds = {settle_seconds}")
        self.config.write_text("\n".join(lines) + "\n")


def wait_for(there: Any, seconds: float) -> bool:
    """Whether `there()` became true in time."""
    end = time.monotonic() + seconds
    while not there():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def kill_hard(process: psutil.Process, round_: Round, what: str) -> None:
    """kill -9, confirmed: the process is gone or a zombie."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)
        gone = wait_for(lambda: not process.is_running() or process.status() == "zombie", 10)
        round_.happened[f"{what} killed"] += gone
