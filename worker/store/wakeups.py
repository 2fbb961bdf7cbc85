"""How many bells already wait in the task queue."""

from typing import Any

import redis

from worker.store.connection import translated

QUEUE = "newsdrop"
"""Celery's queue of everything but ingesting."""
INGEST_QUEUE = "newsdrop.ingest"


class WakeupQueue:
    """Looks at the lists in which kombu keeps a queue's messages: one by the queue's name.

    `client` is of the broker. Every method raises Retryable and nothing of redis.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client

    def count_waiting(self, queue: str) -> int:
        """Messages that nobody took yet."""
        with translated():
            return int(self._client.llen(queue))

    def may_notify(self, queue: str, limit: int) -> bool:
        """Whether fewer than `limit` bells wait. Two who ask at once may both be told yes: the
        limit keeps a queue short, and a bell too many costs a look at an empty spool."""
        return self.count_waiting(queue) < limit
