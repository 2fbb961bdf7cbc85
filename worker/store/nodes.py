"""Addresses of several nodes: Sentinels, and a Redis Cluster. Each connection finds the node that
serves now.

``sentinel://USER:PASSWORD@HOST:26379,HOST:26379/0?master=NAME`` asks the Sentinels for the primary.
``cluster://USER:PASSWORD@HOST:6379,HOST:6379`` asks the nodes who has the slot of the stream: all
keys of newsdrop are in that one (see :mod:`worker.store.layout`), so that a plain client of one
node does all that it does without a cluster. Options of both: ``tls=true`` with the ``ssl_…`` of
redis-py; ``sentinel_username`` and ``sentinel_password`` of the Sentinels themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import AskError, MovedError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedConnection

_SENTINEL_PORT, _CLUSTER_PORT = 26_379, 6_379
_SEARCH_SECONDS = 2
"""Timeout of one Sentinel or node while the serving node is looked up; then the next is tried."""
_SCRIPTS = ("EVAL", "EVALSHA")
_MOVES = 5
"""Redirections that one command follows."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """An address of several nodes. `options` are those of redis-py for the connection to a server,
    `search` those for the connection to a Sentinel. `master` is the name of the primary at the
    Sentinels, `stream` the key whose slot is wanted of a cluster."""

    hosts: Sequence[tuple[str, int]]
    options: Mapping[str, Any]
    search: Mapping[str, Any]
    master: str
    stream: str

    @property
    def tls(self) -> dict[str, Any]:
        """The `ssl_…` options; empty without TLS."""
        return {key: self.options[key] for key in self.options if key.startswith("ssl_")}


def has_nodes(url: str) -> bool:
    """Whether `url` is one of several nodes."""
    return url.startswith(("sentinel:", "cluster:"))


def parse_nodes(url: str) -> Nodes:
    """Raises ValueError where `url` is invalid."""
    parts = urlsplit(url)
    auth, at, hosts = parts.netloc.rpartition("@")
    query = dict(parse_qsl(parts.query))
    master, stream = query.pop("master", ""), query.pop("stream", "")
    scheme = "rediss" if query.pop("tls", "") in ("true", "1", "yes") else "redis"
    search = {
        "socket_timeout": _SEARCH_SECONDS,
        "socket_connect_timeout": _SEARCH_SECONDS,
        "username": query.pop("sentinel_username", None),
        "password": query.pop("sentinel_password", None),
    }
    plain = f"{scheme}://{auth}{at}host{parts.path}?{urlencode(query)}"
    options: dict[str, Any] = redis.connection.parse_url(plain)  # type: ignore[no-untyped-call]
    del options["host"]
    if options.pop("connection_class", None):
        options = {"ssl_cert_reqs": "required", "ssl_check_hostname": True, **options}
        search |= {"ssl": True, **{k: v for k, v in options.items() if k.startswith("ssl_")}}
    if parts.scheme == "sentinel" and not master:
        raise ValueError("the name of the primary is missing")
    port = _SENTINEL_PORT if parts.scheme == "sentinel" else _CLUSTER_PORT
    places = [urlsplit(f"//{host}") for host in hosts.split(",")]
    pairs = [(place.hostname, place.port or port) for place in places if place.hostname]
    if not pairs:
        raise ValueError("no host")
    return Nodes(tuple(pairs), options, search, master, stream)


def connect_nodes(nodes: Nodes, options: Mapping[str, Any]) -> redis.Redis:
    """A client of the node that serves, with these options of redis-py."""
    together: dict[str, Any] = {**options, **nodes.options}
    if nodes.master:
        once = {**nodes.search, "retry": Retry(NoBackoff(), 0)}
        finder: Any = Sentinel(nodes.hosts, sentinel_kwargs=once)  # type: ignore[no-untyped-call]
        kind: dict[str, Any] = {"ssl": True} if nodes.tls else {}
        return redis.Redis.from_pool(
            SentinelConnectionPool(nodes.master, finder, **kind, **together)  # type: ignore[no-untyped-call]
        )
    finder = _SlotFinder(nodes.hosts, together, is_tls=bool(nodes.tls))
    kind = {"connection_class": _TlsSlotConnection if nodes.tls else _SlotConnection}
    slot = key_slot(nodes.stream.encode())
    pool = SentinelConnectionPool(slot, finder, **kind, **together)  # type: ignore[no-untyped-call]
    return _SlotClient.from_pool(pool)


class _SlotFinder:
    """Replaces redis-py's Sentinel in a connection pool: finds the node that has a slot."""

    def __init__(
        self, hosts: Sequence[tuple[str, int]], options: Mapping[str, Any], *, is_tls: bool
    ) -> None:
        self._hosts, self._options, self._is_tls = list(hosts), options, is_tls
        self.moved_to: tuple[str, int] | None = None

    def discover_master(self, slot: int) -> tuple[str, int]:
        """The node with `slot`. Raises redis.ConnectionError if no node knows."""
        if self.moved_to:  # a node has just said so; others may learn it later
            address, self.moved_to = self.moved_to, None
            return address
        for host, port in tuple(self._hosts):
            client: Any = self.client((host, port), socket_timeout=_SEARCH_SECONDS)
            try:
                ranges = client.execute_command("CLUSTER", "SLOTS")
            except redis.RedisError as error:
                if isinstance(error, redis.AuthenticationError):
                    raise
                continue
            finally:
                client.close()
            nodes = [node for one in _ranges(ranges, host) for node in one[2]]
            # Those that were named stay the first: names outlive addresses.
            self._hosts += [node for node in dict.fromkeys(nodes) if node not in self._hosts]
            for first, last, (primary, *_) in _ranges(ranges, host):
                if first <= slot <= last:
                    return primary
        raise redis.ConnectionError("no node of the cluster serves the stream's slot")

    def client(self, address: tuple[str, int], **options: Any) -> redis.Redis:
        """A client of one node."""
        host, port = address
        own = {key: value for key, value in self._options.items() if key != "command_packer"}
        return redis.Redis(host, port, **{**own, "ssl": self._is_tls, **options})


def _ranges(reply: Any, queried: str) -> list[tuple[int, int, list[tuple[str, int]]]]:
    """(first slot, last slot, its nodes, the primary first). A node that does not know its own
    address means the one that was queried."""
    return [
        (first, last, [(name.decode() if name else queried, port) for name, port, *_ in nodes])
        for first, last, *nodes in reply
    ]


class _SlotConnection(SentinelManagedConnection):
    """Finds its node when it connects, and again when that no longer has the slot."""

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)
        except MovedError as error:
            self.connection_pool.sentinel_manager.moved_to = error.node_addr
            self.mark_for_reconnect()  # type: ignore[no-untyped-call]  # after the other replies
            raise


class _TlsSlotConnection(_SlotConnection, redis.connection.SSLConnection):
    pass


class _SlotClient(redis.Redis):
    """Follows redirections: a node that sends one has not run the command. Commands in a pipeline
    are not repeated, because others of it may have been run; its caller tries again."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        for _ in range(_MOVES):
            try:
                return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
            except MovedError:
                continue
            except AskError as error:  # this key is at the other node already
                if args[0] in _SCRIPTS:  # which may need others that are not
                    raise
                pool: Any = self.connection_pool
                finder: _SlotFinder = pool.sentinel_manager
                other: Any = finder.client(error.node_addr, single_connection_client=True)
                try:
                    other.execute_command("ASKING")
                    return other.execute_command(*args, **options)
                finally:
                    other.close()
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
