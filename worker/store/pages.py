"""The schedule of wanted pages, and a cache of robots.txt."""

import hashlib
from collections.abc import Mapping
from typing import Any

import redis

from worker.store.errors import translated
from worker.store.layout import Layout
from worker.store.leases import HostPace, LeaseQueue, node_queue

PAGES = "pages"


class PageStore(LeaseQueue):
    """When each wanted page of `node` is fetched. The wanted pages are files in its spool, which no
    other node sees; if Redis loses its data, this queue is filled again from there.

    A lease's fields are `tries` and `takes`, how often the page was leased: more often than tried
    if fetching it ended a worker. Every method raises Retryable, no error of redis-py.
    """

    def __init__(self, client: redis.Redis, *, stream: str, pace: HostPace, node: str = "") -> None:
        super().__init__(
            client,
            stream=stream,
            kind="page",
            items=node_queue(PAGES, node),
            pace=pace,
            fields=("tries", "takes"),
        )

    def add_pages(self, hosts: Mapping[str, str]) -> None:
        """Add pages (name → host) that are due at once; existing ones keep their time."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for name, host in hosts.items():
                pipe.hset(self.key(name), "host", host)
                pipe.zadd(self._due, {name: 0}, nx=True)
            pipe.execute()


class RobotsStore:
    """robots.txt by origin, for as long as it may be used. Raises Retryable."""

    def __init__(self, client: redis.Redis, *, stream: str) -> None:
        self._client: Any = client
        self._layout = Layout(stream, 1)

    def get(self, origin: str) -> bytes | None:
        with translated():
            text = self._client.get(self._key(origin))
        return text if isinstance(text, bytes) else None

    def put(self, origin: str, text: bytes, seconds: int) -> None:
        with translated():
            self._client.set(self._key(origin), text, ex=seconds)

    def _key(self, origin: str) -> bytes:
        return self._layout.key("robots", hashlib.sha256(origin.encode()).hexdigest()[:32])
