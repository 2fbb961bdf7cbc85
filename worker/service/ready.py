"""Whether a worker answers, told by its heartbeat in the store."""

from worker.errors import Retryable
from worker.settings import Settings
from worker.store.connection import connect
from worker.store.workers import Heartbeats


def worker_answers(settings: Settings, url: str, pid: int) -> bool:
    """True once the worker with that process id (on this machine) has shown itself."""
    client = connect(url)
    try:
        alive = Heartbeats(client, stream=settings.stream.name).alive()
    except Retryable:
        return False
    finally:
        client.close()
    return any(worker.pid == pid for worker in alive)
