"""Whether a worker answers, told by its heartbeat in the store."""

from worker.errors import Retryable
from worker.settings import Settings


def worker_answers(settings: Settings, url: str, since: float) -> bool:
    """True once a worker has shown itself after `since` (Unix seconds)."""
    raise NotImplementedError
