"""Redis for a command, whether the service runs or not."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from worker.errors import ConfigError
from worker.escape import printable
from worker.service.embedded import server as embedded
from worker.service.lock import holder, up_lock
from worker.service.state import StateDir
from worker.settings import Settings
from worker.store.connection import Client, connect, redis_url

_START_SECONDS = 900.0
"""How long the embedded server may take to load its data."""


@contextmanager
def running_server(settings: Settings, command: str = "backup") -> Iterator[Client]:
    """A client of Redis. Where it is the embedded server and no service runs, it runs meanwhile;
    UsageError where another command runs it."""
    state, url = StateDir(settings.state_dir), settings.redis.url
    client = connect(redis_url(settings))
    if (url and not embedded.is_own(url, state)) or holder(state) is not None:
        yield client
        client.close()
        return
    state.prepare()
    with up_lock(state, command):
        fsynced = settings.redis.durability == "fsynced"
        server = embedded.prepare(state, embedded.choose(state), port=None, fsynced=fsynced)
        with (state.logs / "server.log").open("ab") as log:
            process = subprocess.Popen(server.argv, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + _START_SECONDS
            while embedded.answers(server.socket) != "ready":
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ConfigError(
                        f"the server did not start: see {printable(state.logs / 'server.log')}"
                    )
                time.sleep(0.05)
            yield client
        finally:
            client.close()
            process.terminate()
            process.wait()
            embedded.clear(state)
