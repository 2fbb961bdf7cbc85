"""The pages that are wanted, and robots.txt as hosts last gave it."""

import hashlib
from collections.abc import Mapping
from typing import Any

import redis

from worker.store.connection import translated
from worker.store.layout import Layout
from worker.store.leases import HostPace, LeaseQueue, TakenLeases


class PageStore(LeaseQueue):
    """When each wanted page is fetched. What is wanted is a file in the spool: this only paces it,
    and after a loss of Redis it is filled anew from there.

    Every method raises Retryable and nothing of redis.
    """

    def __init__(self, client: redis.Redis, *, stream: str, pace: HostPace) -> None:
        super().__init__(client, stream=stream, kind="page", items="pages", pace=pace)

    def want(self, hosts: Mapping[str, str]) -> None:
        """Let pages (name → host) be due at once, those that are known left as they are."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for name, host in hosts.items():
                pipe.hset(self.key(name), "host", host)
                pipe.zadd(self._due, {name: 0}, nx=True)
            pipe.execute()

    def take_leases(self, count: int, lease_seconds: float) -> TakenLeases:
        """Up to `count` pages to be fetched now, with the tries that they had, and how often they
        were handed out: more often where that ended a worker."""
        return self.take(count, lease_seconds, ("tries", "takes"))


class RobotsStore:
    """robots.txt by origin, for as long as it may be used. Raises Retryable."""

    def __init__(self, client: redis.Redis, *, stream: str) -> None:
        self._client: Any = client
        self._layout = Layout(stream, 1)

    def get(self, origin: str) -> bytes | None:
        with translated():
            found = self._client.get(self._key(origin))
        return found if isinstance(found, bytes) else None

    def put(self, origin: str, text: bytes, seconds: int) -> None:
        with translated():
            self._client.set(self._key(origin), text, ex=seconds)

    def _key(self, origin: str) -> bytes:
        return self._layout.key("robots", hashlib.sha256(origin.encode()).hexdigest()[:32])
