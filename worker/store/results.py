"""Jobs of the task `newsdrop.enqueue` whose result is still to be stored for its sender.

Each is a member of the sorted set `results`, from before its first file is accepted until its
result is stored. The score is the time (Unix, ms) until which all its files must be accepted: the
worker that accepts them may die, and the sender would get no answer.
"""

from typing import Any

import redis

from worker.store.errors import translated
from worker.store.layout import Layout

_LEASE_SECONDS = 30
"""How long one process has to store a result, before another one may."""


class ResultQueue:
    """Every method raises Retryable, no error of redis-py."""

    def __init__(self, client: redis.Redis, *, stream: str, keep_days: int) -> None:
        self._client: Any = client
        self._layout = Layout(stream, keep_days)
        self._key = self._layout.key("results")

    def begin(self, job: str, deadline_ms: int) -> None:
        """Record that a sender waits for the result of `job`."""
        with translated():
            self._client.zadd(self._key, {job: deadline_ms})

    def confirm_accepted(self, job: str, files: int) -> None:
        """Record that all `files` files of `job` were accepted in this delivery of its message."""
        key = self._layout.job(job)
        with translated(), self._client.pipeline() as pipe:
            pipe.hset(key, "accepted", files)
            pipe.expire(key, self._layout.keep_seconds)
            pipe.execute()

    def oldest(self, count: int) -> dict[str, int]:
        """The first jobs that have no result, with their deadlines (Unix, ms)."""
        with translated():
            members = self._client.zrange(self._key, 0, count - 1, withscores=True)
        return {job.decode("utf-8", "replace"): int(score) for job, score in members}

    def get_deadline(self, job: str) -> int | None:
        """The deadline of `job`; None if nobody waits for its result."""
        with translated():
            score = self._client.zscore(self._key, job)
        return None if score is None else int(score)

    def take(self, job: str) -> bool:
        """Lease the result of `job` for _LEASE_SECONDS; True if this process is to store it."""
        with translated():
            lease = self._layout.key("result", job)
            return bool(self._client.set(lease, 1, nx=True, ex=_LEASE_SECONDS))

    def remove(self, job: str) -> None:
        """Record that the result of `job` is stored; later changes of the job do not change it."""
        with translated():
            self._client.zrem(self._key, job)
